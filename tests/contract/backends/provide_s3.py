"""S3 as SeaweedFS speaks it: signatures are checked, conditions honoured."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from tests.support.ports import Address
from tests.support.s3_server import S3Server
from tests.support.seaweedfs import seaweedfs, seaweedfs_missing
from warpdrive.application.ports.credentials import AccessKey
from warpdrive.domain.namespace.values import BackendDefinition

_BUCKET = "contract"


class S3Running:
    """One bucket for the session, one prefix for each test."""

    def __init__(self, server: S3Server, wrong: AccessKey | None) -> None:
        self._server = server
        self._wrong = wrong

    def place(self, name: str) -> Place:
        """Make a fresh prefix."""

        def at(address: Address) -> BackendDefinition:
            return _definition(name, address, _BUCKET)

        return Place(
            definition=at(self._server.address),
            credentials=self._server.keys,
            through=at,
            address=self._server.address,
            wrong_credentials=self._wrong,
            missing=_definition(name, self._server.address, "no-such-bucket"),
        )


def _definition(name: str, address: Address, bucket: str) -> BackendDefinition:
    options = {"bucket": bucket, "endpoint": f"http://{address[0]}:{address[1]}"}
    return BackendDefinition(name, "s3", options, prefix=f"{name}/")


@contextmanager
def _start(scratch: Path) -> Iterator[S3Running]:
    with seaweedfs(scratch) as server:
        server.make_bucket_now(_BUCKET)
        yield S3Running(server, AccessKey(server.keys.access_key_id, "not the secret"))


# SeaweedFS keeps objects in a tree of directories: "a//b" becomes "a/b" there.
_CANNOT = frozenset({"test_keys_no_file_can_have_are_told_as_they_are"})

PROVIDER = Provider(
    "s3", _start, unavailable=seaweedfs_missing, http=True, storage_class="STANDARD", unsupported=_CANNOT
)
