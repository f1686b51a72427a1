"""The backends of a mount: each mount entry with the reader that serves it, or the reason why none does.

An entry that leaves the namespace is retired, not torn down: whoever is using its reader (an open file, a fetch, a
listing) has said so with `hold`, and the last one to let go closes it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import anyio

from warpdrive.application.mount.errors import BackendOffline, FileSystemError, TenantRestricted
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import Capabilities
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

log = logging.getLogger(__name__)

_CLOSE_SECONDS = 3.0

OpenReader = Callable[[BackendDefinition], ObjectReader]
"""Opens a backend without asking it anything. Raises BackendMisconfigured (bad options, auth nobody here knows)."""


class MountedBackend:
    """One mount entry in service. An entry without a reader refuses its own paths only (R3)."""

    __slots__ = ("_holds", "_on_idle", "_reader", "_refusal", "entry", "fault", "fingerprint", "retired")

    def __init__(
        self,
        entry: MountEntry,
        reader: ObjectReader | None,
        fault: str = "",
        *,
        refusal: type[FileSystemError] = BackendOffline,
    ) -> None:
        self.entry = entry
        """Replaced by one with the same path and backend when only the policy changes."""
        self._reader = reader
        self.fault = fault
        """Why there is no reader; for operators."""
        self._refusal = refusal
        self.fingerprint = entry.backend.fingerprint
        self.retired = False
        """No path leads here any more; what was open before goes on."""
        self._holds = 0
        self._on_idle: Callable[[MountedBackend], None] | None = None

    @property
    def name(self) -> str:
        """The backend's name in the config."""
        return self.entry.backend.name

    @property
    def reader(self) -> ObjectReader:
        """The reading half. Raises BackendOffline, or TenantRestricted."""
        if self._reader is None:
            raise self._refusal(f"backend {self.name!r} is not usable: {self.fault}")
        return self._reader

    @property
    def online(self) -> bool:
        """Whether there is a reader at all (not whether the backend answers)."""
        return self._reader is not None

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do. Raises BackendOffline."""
        return self.reader.capabilities

    def hold(self) -> None:
        """Keep the reader open until the matching `unhold`."""
        self._holds += 1

    def unhold(self) -> None:
        """Undo one `hold`; the last one closes a retired backend."""
        self._holds -= 1
        assert self._holds >= 0
        self._leave_if_idle()

    @contextmanager
    def held(self) -> Iterator[ObjectReader]:
        """Use the reader over awaits. Raises BackendOffline, or TenantRestricted."""
        reader = self.reader
        self.hold()
        try:
            yield reader
        finally:
            self.unhold()

    def retire(self, on_idle: Callable[["MountedBackend"], None]) -> None:
        """Leave service; `on_idle` is called once, when nobody uses the reader any more (perhaps now)."""
        self.retired = True
        self._on_idle = on_idle
        self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if self._holds == 0 and self._on_idle is not None:
            on_idle, self._on_idle = self._on_idle, None
            on_idle(self)

    async def aclose(self) -> None:
        """Give back connections; from now on there is no reader. Safe to call twice."""
        reader, self._reader = self._reader, None
        if reader is not None:
            self.fault = "it is no longer mounted"
            # To its end even when the mount ends meanwhile: nobody else knows the reader any more.
            with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
                await reader.aclose()


class MountedBackends:
    """All mount entries in service, found by mount path, and those that left while somebody still uses them."""

    def __init__(self, backends: Iterable[MountedBackend] = ()) -> None:
        self._by_path = {backend.entry.path: backend for backend in backends}
        self._leaving: set[MountedBackend] = set()

    def __iter__(self) -> Iterator[MountedBackend]:
        return iter(self._by_path.values())

    def at(self, entry: MountEntry) -> MountedBackend:
        """The backend that serves the entry."""
        return self._by_path[entry.path]

    @property
    def leaving(self) -> int:
        """Backends out of service that are still in use."""
        return len(self._leaving)

    def admit(self, mounts: MountTree, open_reader: OpenReader) -> list[MountedBackend]:
        """Return a backend for every entry, those in service kept where only the policy changed. Changes nothing."""
        admitted = []
        for entry in mounts.entries:
            known = self._by_path.get(entry.path)
            if known is not None and known.entry.backend == entry.backend:
                admitted.append(known)
            else:
                admitted.append(put_in_service(entry, open_reader))
        return admitted

    def replace(
        self, mounts: MountTree, admitted: Iterable[MountedBackend], on_idle: Callable[[MountedBackend], None]
    ) -> None:
        """Put these in service, and retire all others; `on_idle` gets each of those when nobody uses it any more."""
        former = set(self._by_path.values())
        self._by_path = {backend.entry.path: backend for backend in admitted}
        for entry in mounts.entries:
            self._by_path[entry.path].entry = entry  # the same but for its policy

        def left(backend: MountedBackend) -> None:
            self._leaving.discard(backend)
            on_idle(backend)

        gone = former.difference(self._by_path.values())
        self._leaving |= gone
        for backend in gone:
            backend.retire(left)

    async def aclose(self) -> None:
        """Close them all, used or not: the end of the mount."""
        for backend in (*self._by_path.values(), *self._leaving):
            await backend.aclose()


def put_in_service(entry: MountEntry, open_reader: OpenReader) -> MountedBackend:
    """Open the entry's backend, or keep the reason why it has none. One bad entry never disturbs the others (R3)."""
    definition = entry.backend
    if definition.tenant:
        fault = (
            f"it is restricted to tenant {definition.tenant}, and this version cannot check that access is allowed; "
            "mount it on a node of a later version"
        )
        log.error("tenant-restricted backend refused", extra={"backend": definition.name, "tenant": definition.tenant})
        return MountedBackend(entry, None, fault, refusal=TenantRestricted)
    try:
        reader = open_reader(definition)
    except BackendMisconfigured as error:
        fault = error.detail
        log.error("backend not usable", extra={"backend": definition.name, "fault": fault})  # noqa: TRY400  the detail says it all
    except Exception as error:
        fault = f"it could not be opened: {error!r}"
        log.exception("backend could not be opened", extra={"backend": definition.name})
    else:
        return MountedBackend(entry, reader)
    return MountedBackend(entry, None, fault)
