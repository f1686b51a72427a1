"""What runs beside the mount for its operators: metrics, health, and the admin socket."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from warpdrive import __version__
from warpdrive.adapters.admin.server import serving_admin
from warpdrive.adapters.cache import DiskCache
from warpdrive.adapters.cache.metrics import cache_metrics
from warpdrive.adapters.observability.http import serving_metrics
from warpdrive.adapters.observability.meters import BackendMeter, OperationMeter
from warpdrive.adapters.observability.metrics import AgentReadings, build_registry
from warpdrive.adapters.observability.serving import serving
from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.desk import AgentFacts, EntryState, MountDesk
from warpdrive.application.mount.filesystem import MountedFileSystem
from warpdrive.application.mount.following import NamespaceFollower
from warpdrive.application.mount.health import CacheOpens, Health, HealthCheck, MountAnswers, backend_checks
from warpdrive.application.mount.telemetry import TelemetryState
from warpdrive.application.ports.clock import Clock
from warpdrive.entrypoints.mount.recording import Telemetry
from warpdrive.entrypoints.settings import AgentSettings


class Meters:
    """Every number that hot paths bump, made before the parts that bump them."""

    def __init__(self) -> None:
        self.operations = OperationMeter()
        self.backends: dict[str, BackendMeter] = {}
        """By the backend's name. One that left the namespace keeps its totals, and goes on with them if it returns."""

    def backend(self, name: str) -> BackendMeter:
        """Return the backend's meter."""
        return self.backends.setdefault(name, BackendMeter(name))


@asynccontextmanager
async def serving_operators(
    settings: AgentSettings,
    filesystem: MountedFileSystem,
    cache: DiskCache,
    telemetry: Telemetry,
    meters: Meters,
    clock: Clock,
    follower: NamespaceFollower | None,
) -> AsyncIterator[None]:
    """Serve `/metrics`, `/healthz` and the admin socket while the block runs.

    Raises AddressError or AdminSocketError before anything is served.
    """
    backends = filesystem.backends
    checks: list[HealthCheck] = [MountAnswers(str(settings.mount_point)), CacheOpens(cache.stats, cache.check)]
    if follower is not None:
        checks.append(follower)
    health = Health(checks, clock, coming=lambda: backend_checks(backends))
    desk = MountDesk(
        AgentFacts(
            version=__version__,
            pid=os.getpid(),
            node=settings.agent.node or "",
            mount_point=str(settings.mount_point),
            started=clock.monotonic(),
        ),
        entries=lambda: [_entry_state(backend) for backend in backends],
        cache=cache.stats,
        health=health,
        hidden=filesystem.hidden,
        counters=lambda: {**_counters(filesystem, meters.backends), **_records(telemetry.state())},
        tree=filesystem.walker,
        filler=filesystem.filler,
        order=filesystem,
        clock=clock,
        control_plane=None if follower is None else follower.state,
        telemetry=telemetry.state if settings.telemetry.enabled else None,
    )
    async with AsyncExitStack() as stack:
        if settings.metrics.enabled:
            registry = build_registry(_readings(filesystem, cache, meters, telemetry.state))
            await stack.enter_async_context(serving_metrics(str(settings.metrics.addr), registry, health))
        settings.agent.socket_path.parent.mkdir(parents=True, exist_ok=True)
        await stack.enter_async_context(serving_admin(desk, settings.agent.socket_path, serving))
        yield


def _entry_state(backend: MountedBackend) -> EntryState:
    return EntryState(
        path=backend.entry.path,
        backend=backend.name,
        type=backend.entry.backend.type,
        state="online" if backend.online else backend.fault,
        version_strength=backend.capabilities.version_strength.value if backend.online else "",
    )


def _readings(
    filesystem: MountedFileSystem, cache: DiskCache, meters: Meters, telemetry: Callable[[], TelemetryState]
) -> AgentReadings:
    counters = filesystem.counters
    return AgentReadings(
        hits=lambda: counters.hits,
        misses=lambda: counters.misses,
        readahead_hits=lambda: counters.readahead_hits,
        readahead_wasted=lambda: counters.readahead_wasted,
        cache=lambda: cache_metrics(cache.stats()),
        telemetry=telemetry,
        operations=meters.operations,
        backends=meters.backends.values(),
    )


def _counters(filesystem: MountedFileSystem, meters: Mapping[str, BackendMeter]) -> Mapping[str, float]:
    """What `warpdrive-ctl stats` prints, beside the cache's own."""
    counters = filesystem.counters
    return {
        "reads_hit": counters.hits,
        "reads_missed": counters.misses,
        "bytes_served": counters.bytes_served,
        "readahead_hits": counters.readahead_hits,
        "readahead_wasted": counters.readahead_wasted,
        "fetches": counters.fetches,
        "fetched_bytes": counters.fetched_bytes,
        "uncached_reads": counters.uncached_reads,
        "memory_in_flight": filesystem.pool.in_use,
        "inodes": filesystem.inodes,
        "open_files": filesystem.open_files,
        **{f"backend_bytes_read.{name}": meter.read_bytes for name, meter in meters.items()},
        **{f"backend_errors.{name}": sum(meter.errors.values()) for name, meter in meters.items()},
    }


def _records(state: TelemetryState) -> Mapping[str, float]:
    return {
        "telemetry_recorded": state.recorded,
        "telemetry_sent": state.sent,
        "telemetry_spooled": state.spooled,
        "telemetry_lost": state.lost,
        "telemetry_waiting": state.waiting,
        "telemetry_spool_bytes": state.spool_bytes,
    }
