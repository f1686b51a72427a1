"""The operator's desk: everything that may be asked of a running agent, beside the files themselves.

`AgentDesk` is what a driver (the admin socket, later the control plane's client) needs; `MountDesk` answers
it from the parts of one mount. It decides nothing about files: it walks the tree and asks the cache.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from warpdrive.application.mount.following import ControlPlaneState
from warpdrive.application.mount.health import Health, HealthReport
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.telemetry import TelemetryState
from warpdrive.application.mount.warming import (
    FileTree,
    Filler,
    PathFault,
    Unlisted,
    Warmer,
    WarmProgress,
    WarmRequest,
)
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.ports.page_cache import CacheStats

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What does not change while the agent runs. `started` on the monotonic clock."""

    version: str
    pid: int
    node: str
    mount_point: str
    started: float


class EntryState(NamedTuple):
    """One mount entry as an operator sees it."""

    path: str
    backend: str
    type: str
    state: str
    """`online`, or why there is no reader."""
    version_strength: str
    """`strong` or `weak` (R1); "" while offline."""


class HiddenKey(NamedTuple):
    """A key that no path leads to, and why (R4)."""

    path: str
    """The directory it would be in."""
    backend: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """Answer to `status`. `uptime` in seconds."""

    facts: AgentFacts
    uptime: float
    entries: tuple[EntryState, ...]
    cache: CacheStats
    health: HealthReport
    hidden: Mapping[str, int]
    """How many keys are hidden, by reason."""
    control_plane: ControlPlaneState | None = None
    """None when the agent works alone, from its file."""
    telemetry: TelemetryState | None = None
    """None when it is switched off."""


class Evicted(NamedTuple):
    """Answer to `evict`: files that held something, bytes freed, and directories that could not be listed."""

    files: int
    bytes: int
    failures: tuple[PathFault, ...]


class WarmJob(Protocol):
    """A prepared warm run; its owner runs it once, watches it, and cancels it by cancelling the task."""

    def progress(self) -> WarmProgress:
        """Return the state now."""

    async def run(self) -> WarmProgress:
        """Do it. Raises FileSystemError when the path itself is no good."""


class OrderFollower(Protocol):
    """Takes the order in which a job will read, to fetch ahead of it."""

    async def follow(self, entries: Sequence[ManifestEntry]) -> None:
        """Replace the order that was followed; observed opens advance it. Raises FileSystemError."""


class HiddenKeys(Protocol):
    """What listings met and could not show."""

    def counts(self) -> Mapping[str, int]:
        """How many, by reason."""

    def listed(self) -> Sequence[HiddenKey]:
        """Those that are remembered (bounded)."""


class AgentDesk(Protocol):
    """What may be asked. Faults are FileSystemError and BackendError."""

    async def status(self) -> AgentStatus:
        """Describe the agent now; waits for health checks, a few seconds at most."""

    def hidden(self) -> Sequence[HiddenKey]:
        """Name the hidden keys."""

    def stats(self) -> Mapping[str, float]:
        """Counters since start, by name."""

    def warm(self, request: WarmRequest) -> WarmJob:
        """Prepare a warm run."""

    async def prefetch(self, entries: Sequence[ManifestEntry]) -> int:
        """Follow this order from now on; returns how many files it names."""

    async def evict(self, path: str) -> Evicted:
        """Drop what the cache holds of the file, or of everything below the directory."""


class MountDesk:
    """The desk of one mount."""

    def __init__(
        self,
        facts: AgentFacts,
        *,
        entries: Callable[[], Sequence[EntryState]],
        cache: Callable[[], CacheStats],
        health: Health,
        hidden: HiddenKeys,
        counters: Callable[[], Mapping[str, float]],
        tree: FileTree,
        filler: Filler,
        order: OrderFollower,
        clock: Clock,
        control_plane: Callable[[], ControlPlaneState] | None = None,
        telemetry: Callable[[], TelemetryState] | None = None,
    ) -> None:
        self._facts = facts
        self._entries = entries
        self._cache = cache
        self._health = health
        self._hidden = hidden
        self._counters = counters
        self._tree = tree
        self._filler = filler
        self._order = order
        self._clock = clock
        self._control_plane = control_plane
        self._telemetry = telemetry
        self._warmer = Warmer(tree, filler, clock)

    async def status(self) -> AgentStatus:
        """Describe the agent now."""
        return AgentStatus(
            facts=self._facts,
            uptime=self._clock.monotonic() - self._facts.started,
            entries=tuple(self._entries()),
            cache=self._cache(),
            health=await self._health.report(),
            hidden=dict(self._hidden.counts()),
            control_plane=None if self._control_plane is None else self._control_plane(),
            telemetry=None if self._telemetry is None else self._telemetry(),
        )

    def hidden(self) -> Sequence[HiddenKey]:
        """Name the hidden keys."""
        return tuple(self._hidden.listed())

    def stats(self) -> Mapping[str, float]:
        """Counters since start, and the cache's own."""
        cache = self._cache()
        return {
            **self._counters(),
            "cache_size_bytes": cache.size_bytes,
            "cache_max_bytes": cache.max_bytes,
            "cache_objects": cache.objects,
            "cache_evicted_blocks": cache.evicted_blocks,
            "cache_evicted_bytes": cache.evicted_bytes,
            "cache_corrupt_pages": cache.corrupt_pages,
            "cache_store_failures": cache.store_failures,
            "cache_degraded": int(cache.degraded),
        }

    def warm(self, request: WarmRequest) -> WarmJob:
        """Prepare a warm run."""
        return self._warmer.plan(request)

    async def prefetch(self, entries: Sequence[ManifestEntry]) -> int:
        """Follow this order from now on."""
        await self._order.follow(entries)
        log.info("prefetch order taken", extra={"files": len(entries)})
        return len(entries)

    async def evict(self, path: str) -> Evicted:
        """Drop what the cache holds below the path."""
        files = freed = 0
        failures: list[PathFault] = []
        async for item in self._tree.walk(path, recursive=True):
            if isinstance(item, Unlisted):
                failures.append(PathFault(item.path, item.detail))
                continue
            if not self._filler.cached_bytes(item):
                continue
            try:
                freed += await self._filler.evict(item)
            except BackendError as error:
                failures.append(PathFault(item.path, error.detail))
            else:
                files += 1
        log.info("evicted", extra={"path": path, "files": files, "bytes": freed})
        return Evicted(files, freed, tuple(failures))
