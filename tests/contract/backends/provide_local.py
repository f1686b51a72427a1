"""A local directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.domain.namespace.values import BackendDefinition


class _Local:
    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def place(self, name: str) -> Place:
        root = self._scratch / name
        root.mkdir()
        return Place(
            definition=BackendDefinition(name, "local", {"root": str(root)}),
            credentials=Anonymous(),
            missing=BackendDefinition(name, "local", {"root": str(self._scratch / "nowhere")}),
        )


@contextmanager
def _start(scratch: Path) -> Iterator[_Local]:
    yield _Local(scratch)


PROVIDER = Provider("local", _start, raw_names=True, odd_keys=False)
