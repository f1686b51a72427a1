"""The backends of a mount: each mount entry with the reader that serves it, or the reason why none does."""

from collections.abc import Iterable, Iterator

from warpdrive.application.mount.errors import BackendOffline
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import Capabilities
from warpdrive.domain.namespace.values import MountEntry


class MountedBackend:
    """One mount entry in service. An entry without a reader answers BackendOffline for its own paths only (R3)."""

    __slots__ = ("_reader", "entry", "fault", "fingerprint")

    def __init__(self, entry: MountEntry, reader: ObjectReader | None, fault: str = "") -> None:
        self.entry = entry
        self._reader = reader
        self.fault = fault
        """Why there is no reader; for operators."""
        self.fingerprint = entry.backend.fingerprint

    @property
    def name(self) -> str:
        """The backend's name in the config."""
        return self.entry.backend.name

    @property
    def reader(self) -> ObjectReader:
        """The reading half. Raises BackendOffline."""
        if self._reader is None:
            raise BackendOffline(f"backend {self.name!r} is not usable: {self.fault}")
        return self._reader

    @property
    def online(self) -> bool:
        """Whether there is a reader at all (not whether the backend answers)."""
        return self._reader is not None

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do. Raises BackendOffline."""
        return self.reader.capabilities


class MountedBackends:
    """All mount entries in service, found by mount path."""

    def __init__(self, backends: Iterable[MountedBackend]) -> None:
        self._by_path = {backend.entry.path: backend for backend in backends}

    def __iter__(self) -> Iterator[MountedBackend]:
        return iter(self._by_path.values())

    def at(self, entry: MountEntry) -> MountedBackend:
        """The backend that serves the entry."""
        return self._by_path[entry.path]
