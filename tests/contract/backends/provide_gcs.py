"""Google Cloud Storage, on our own fake: the published emulators get preconditions and paging wrong."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from tests.support.fake_gcs import FakeGcs, fake_gcs, url_of
from tests.support.ports import Address
from warpdrive.application.ports.credentials import ServiceAccountFile
from warpdrive.domain.namespace.values import BackendDefinition


class _Running:
    def __init__(self, fake: FakeGcs, scratch: Path) -> None:
        self._fake = fake
        token_uri = f"{fake.url}/token"
        self._good = fake.tokens.service_account(scratch / "good.json", token_uri)
        self._wrong = fake.tokens.service_account(scratch / "wrong.json", token_uri, registered=False)

    def place(self, name: str) -> Place:
        self._fake.make_bucket(f"bucket-{name}")
        definition = self._definition(f"bucket-{name}")

        def through(address: Address) -> BackendDefinition:
            return dataclasses.replace(definition, options={**definition.options, "endpoint": url_of(address)})

        return Place(
            definition,
            ServiceAccountFile(str(self._good)),
            through=through,
            address=self._fake.address,
            wrong_credentials=ServiceAccountFile(str(self._wrong)),
            missing=self._definition("no-such-bucket"),
        )

    def _definition(self, bucket: str) -> BackendDefinition:
        return BackendDefinition("gcs", "gcs", {"bucket": bucket, "endpoint": self._fake.url})


@contextmanager
def _start(scratch: Path) -> Iterator[_Running]:
    with fake_gcs() as fake:
        yield _Running(fake, scratch)


PROVIDER = Provider("gcs", _start, http=True, storage_class="STANDARD")
