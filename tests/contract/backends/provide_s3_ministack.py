"""S3 as ministack speaks it: a flat key space as AWS has, so odd keys can be tried; signatures are not checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from tests.support.ministack import ministack, ministack_missing
from tests.support.ports import Address
from tests.support.s3_server import S3Server
from warpdrive.domain.namespace.values import BackendDefinition

_BUCKET = "contract"


class _Running:
    def __init__(self, server: S3Server) -> None:
        self._server = server

    def place(self, name: str) -> Place:
        def at(address: Address) -> BackendDefinition:
            return _definition(name, address, _BUCKET)

        return Place(
            definition=at(self._server.address),
            credentials=self._server.keys,
            through=at,
            address=self._server.address,
            missing=_definition(name, self._server.address, "no-such-bucket"),
        )


def _definition(name: str, address: Address, bucket: str) -> BackendDefinition:
    options = {"bucket": bucket, "endpoint": f"http://{address[0]}:{address[1]}"}
    return BackendDefinition(name, "s3", options, prefix=f"{name}/")


@contextmanager
def _start(scratch: Path) -> Iterator[_Running]:
    with ministack(scratch) as server:
        server.make_bucket_now(_BUCKET)
        yield _Running(server)


PROVIDER = Provider("s3-ministack", _start, unavailable=ministack_missing, http=True, storage_class="STANDARD")
