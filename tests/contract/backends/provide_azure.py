"""Azure Blob, on Azurite."""

import dataclasses
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from tests.support.azurite import Azurite, azurite, endpoint_at, unavailable
from tests.support.ports import Address
from warpdrive.application.ports.credentials import AccountKey
from warpdrive.domain.namespace.values import BackendDefinition

_CONTAINER = "contract"


class _Running:
    def __init__(self, server: Azurite) -> None:
        self._server = server

    def place(self, name: str) -> Place:
        definition = self._server.definition(_CONTAINER, prefix=f"{name}/")

        def through(address: Address) -> BackendDefinition:
            return dataclasses.replace(definition, options={**definition.options, "endpoint": endpoint_at(address)})

        return Place(
            definition,
            self._server.credentials,
            through=through,
            address=self._server.address,
            wrong_credentials=AccountKey(b64encode(b"not the key").decode()),
            missing=self._server.definition("no-such-container"),
        )


@contextmanager
def _start(scratch: Path) -> Iterator[_Running]:
    with azurite(scratch) as server:
        server.make_container(_CONTAINER)
        yield _Running(server)


PROVIDER = Provider("azure", _start, unavailable=unavailable, http=True, storage_class="Hot")
