"""The composition root of the node agent: settings, cache, backends, filesystem, transport, run, orderly close.

Read it from top to bottom; what is entered first is left last, so the tree is unmounted before the filesystem
behind it stops, and backends and cache are closed when nobody asks them any more.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import anyio
import anyio.to_thread
import structlog

from warpdrive.adapters.admin.socket import AdminSocketError
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.cache import CacheError, DiskCache
from warpdrive.adapters.fuse.mount_point import MountFault, prepare
from warpdrive.adapters.fuse.operations import Operations
from warpdrive.adapters.fuse.presentation import Presentation
from warpdrive.adapters.fuse.session import MountOptions
from warpdrive.adapters.observability.http import MetricsAddressError
from warpdrive.application.mount.backends import MountedBackend, MountedBackends
from warpdrive.application.mount.filesystem import ReadTuning, mounted
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import MountEntry
from warpdrive.entrypoints.mount.lifetime import serve
from warpdrive.entrypoints.mount.options import CommandOptions
from warpdrive.entrypoints.mount.services import Meters, recording, serving_operators
from warpdrive.entrypoints.mount.system_clock import SystemClock
from warpdrive.entrypoints.settings import AgentSettings
from warpdrive.entrypoints.settings.namespace import backend_credentials, build_namespace, mount_entries

_log = structlog.get_logger(__name__)

START_FAULTS = (MountFault, CacheError, MetricsAddressError, AdminSocketError)
"""What may stop a start with one line for the person who typed the command; anything else is a defect."""

_CLOSE_SECONDS = 3.0


async def run(settings: AgentSettings, options: CommandOptions, announce: Callable[[], None]) -> None:
    """Run the agent until its tree is unmounted. Raises START_FAULTS before `announce` is called."""
    # First of all, though the transport looks again: a mount point that cannot be used is the commonest mistake,
    # and starting twice shall say "busy", not "cache in use".
    await anyio.to_thread.run_sync(partial(prepare, str(settings.mount_point), allow_non_empty=options.non_empty))
    clock = SystemClock()
    namespace = build_namespace(settings, uuid4(), at=datetime.now(UTC))
    meters = Meters(settings)
    async with (
        _cache(settings) as cache,
        _backends(settings, meters) as backends,
        recording(settings, clock) as telemetry,
        mounted(
            namespace.tree(), backends, cache, clock, tuning=_tuning(settings), collector=telemetry.collector
        ) as filesystem,
        serving_operators(settings, filesystem, cache, telemetry, meters, clock),
    ):
        read_only = settings.read_only or filesystem.read_only
        operations = Operations(filesystem, _presentation(settings, read_only=read_only), meters.operations)
        await serve(
            operations, str(settings.mount_point), _mount_options(settings, options, read_only=read_only), announce
        )


def _cache(settings: AgentSettings) -> DiskCache:
    cache = settings.cache
    return DiskCache(
        cache.path,
        cache.max_size,
        cache.block_size,
        high_water=cache.evict_high_water,
        low_water=cache.evict_low_water,
    )


@asynccontextmanager
async def _backends(settings: AgentSettings, meters: Meters) -> AsyncIterator[MountedBackends]:
    """Every mount entry with its backend, or with the reason why it has none (R3: the others work on)."""
    credentials = backend_credentials(settings)
    opened: list[Backend] = []

    def serve_entry(entry: MountEntry) -> MountedBackend:
        definition = entry.backend
        try:
            backend = build_backend(definition, credentials[definition.name], meter=meters.backends[definition.name])
        except BackendMisconfigured as fault:
            _log.error("backend not usable", backend=definition.name, fault=fault.detail)
            return MountedBackend(entry, None, fault.detail)
        opened.append(backend)
        return MountedBackend(entry, backend.reader)

    try:
        yield MountedBackends(serve_entry(entry) for entry in mount_entries(settings))
    finally:
        with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
            for backend in opened:
                await backend.aclose()


def _tuning(settings: AgentSettings) -> ReadTuning:
    cache = settings.cache
    return ReadTuning(
        readahead_blocks=cache.readahead_blocks,
        max_parallel_fetch=cache.max_parallel_fetch,
        memory_limit=cache.memory_limit,
        freshness=Freshness(
            attr_ttl=cache.attr_ttl,
            entry_ttl=cache.entry_ttl,
            negative_ttl=cache.negative_ttl,
            dir_ttl=cache.dir_ttl,
        ),
    )


def _presentation(settings: AgentSettings, *, read_only: bool) -> Presentation:
    return Presentation(
        uid=os.getuid() if settings.uid is None else settings.uid,
        gid=os.getgid() if settings.gid is None else settings.gid,
        umask=settings.umask,
        read_only=read_only,
    )


def _mount_options(settings: AgentSettings, options: CommandOptions, *, read_only: bool) -> MountOptions:
    return MountOptions(
        read_only=read_only,
        allow_other=settings.allow_other,
        allow_non_empty=options.non_empty,
        debug=settings.fuse_debug,
        extra=options.kernel,
    )
