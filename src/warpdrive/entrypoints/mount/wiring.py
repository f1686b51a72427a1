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

from warpdrive.adapters.admin.socket import AdminSocketError
from warpdrive.adapters.blob.factory import build_backend
from warpdrive.adapters.cache import CacheError, DiskCache
from warpdrive.adapters.fuse.mount_point import MountFault, prepare
from warpdrive.adapters.fuse.notices import EntryNotices
from warpdrive.adapters.fuse.operations import Operations
from warpdrive.adapters.fuse.presentation import Presentation
from warpdrive.adapters.fuse.session import MountOptions
from warpdrive.adapters.observability.listening import AddressError
from warpdrive.application.mount.backends import MountedBackends
from warpdrive.application.mount.filesystem import MountedFileSystem, ReadTuning, mounted
from warpdrive.application.mount.following import NamespaceFollower, NamespaceUnavailable
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.mount.control import Tie, TieFilesError, followed_namespace
from warpdrive.entrypoints.mount.lifetime import serve
from warpdrive.entrypoints.mount.options import CommandOptions
from warpdrive.entrypoints.mount.recording import recording
from warpdrive.entrypoints.mount.services import Meters, serving_operators
from warpdrive.entrypoints.process.system_clock import SystemClock
from warpdrive.entrypoints.settings import AgentSettings
from warpdrive.entrypoints.settings.namespace import build_namespace, check_definition, credentials_for

START_FAULTS = (
    MountFault,
    CacheError,
    AddressError,
    AdminSocketError,
    TieFilesError,
    NamespaceUnavailable,
)
"""What may stop a start with one line for the person who typed the command; anything else is a defect."""

_CLOSE_SECONDS = 3.0


async def run(
    settings: AgentSettings, options: CommandOptions, announce: Callable[[], None], tie: Tie | None = None
) -> None:
    """Run the agent until its tree is unmounted. Raises START_FAULTS before `announce` is called."""
    # First of all, though the transport looks again: a mount point that cannot be used is the commonest mistake,
    # and starting twice shall say "busy", not "cache in use".
    await anyio.to_thread.run_sync(partial(prepare, str(settings.mount_point), allow_non_empty=options.non_empty))
    clock = SystemClock()
    meters = Meters()
    notices = EntryNotices()
    async with (
        _cache(settings) as cache,
        _backends() as backends,
        recording(settings, clock) as telemetry,
        mounted(
            MountTree(()),
            backends,
            cache,
            clock,
            tuning=_tuning(settings),
            collector=telemetry.collector,
            notices=notices,
        ) as filesystem,
        _namespace(settings, filesystem, meters, clock, tie or Tie()) as follower,
        serving_operators(settings, filesystem, cache, telemetry, meters, clock, follower),
    ):
        # What a control plane may let be written later cannot be in this version, and the kernel is told once.
        read_only = settings.read_only or filesystem.read_only or follower is not None
        operations = Operations(filesystem, _presentation(settings, read_only=read_only), meters.operations)
        kernel = _mount_options(settings, options, read_only=read_only)
        await serve(operations, str(settings.mount_point), kernel, announce, notices)


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
async def _backends() -> AsyncIterator[MountedBackends]:
    """Give the place for backends, empty; at the end all that came into it are closed."""
    backends = MountedBackends()
    try:
        yield backends
    finally:
        with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
            await backends.aclose()


@asynccontextmanager
async def _namespace(
    settings: AgentSettings, filesystem: MountedFileSystem, meters: Meters, clock: Clock, tie: Tie
) -> AsyncIterator[NamespaceFollower | None]:
    """Serve the file's mount entries, or what the control plane says and for as long as it says so."""

    def open_reader(definition: BackendDefinition) -> ObjectReader:
        if settings.agent.control_plane is not None:
            check_definition(settings, definition)
        credentials = credentials_for(settings, definition)
        return build_backend(definition, credentials, meter=meters.backend(definition.name)).reader

    if settings.agent.control_plane is None:
        namespace = build_namespace(settings, uuid4(), at=datetime.now(UTC))
        filesystem.remount(namespace.tree().entries, open_reader)
        yield None
        return
    async with followed_namespace(settings, filesystem, open_reader, clock, tie) as follower:
        yield follower


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
