"""The in-memory twin: the contract's reference."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.domain.namespace.values import BackendDefinition


class _Memory:
    def place(self, name: str) -> Place:
        return Place(BackendDefinition(name, "memory", {"name": name}), Anonymous())


@contextmanager
def _start(_scratch: Path) -> Iterator[_Memory]:
    yield _Memory()


PROVIDER = Provider("memory", _start, raw_names=True)
