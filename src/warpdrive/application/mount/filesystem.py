"""The mounted filesystem: the narrow surface that a transport drives, and the lifetime of what is behind it.

Inode-level verbs, small frozen answers, no word about FUSE: a second transport can use the same surface.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup

from warpdrive.application.mount.attributes import Attributes, Caller, OpenedFile, SpaceFigures
from warpdrive.application.mount.backends import MountedBackend, MountedBackends, OpenReader
from warpdrive.application.mount.buffers import BufferPool
from warpdrive.application.mount.contents import Contents
from warpdrive.application.mount.counters import ReadCounters
from warpdrive.application.mount.directories import Directories, DirectoryStream
from warpdrive.application.mount.errors import StaleInode
from warpdrive.application.mount.fetching import Fetch, FetchScheduler
from warpdrive.application.mount.files import Files
from warpdrive.application.mount.filling import CacheFiller
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.mount.hidden import HiddenNames
from warpdrive.application.mount.inodes import InodeTable
from warpdrive.application.mount.known_order import KnownOrder
from warpdrive.application.mount.listings import Listings
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.notices import KernelNotices, NoKernel
from warpdrive.application.mount.prefetch import Prefetcher
from warpdrive.application.mount.read_path import ReadPath
from warpdrive.application.mount.remounting import Change, Remounting
from warpdrive.application.mount.telemetry import AccessCollector
from warpdrive.application.mount.tree import Tree
from warpdrive.application.mount.walking import TreeWalker
from warpdrive.application.mount.xattrs import ExtendedAttributes
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.errors import Corrupted, VersionChanged
from warpdrive.application.ports.page_cache import PageCache
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import MountEntry

DECLARED_BYTES = 1 << 60
"""What statfs says an object store holds: 1 EiB, since there is no end and tools refuse zero."""


@dataclass(frozen=True, slots=True)
class ReadTuning:
    """Sizes and limits of the read path; the defaults are those of the agent's YAML."""

    readahead_blocks: int = 4
    max_parallel_fetch: int = 16
    memory_limit: int = 1 << 30
    freshness: Freshness = field(default_factory=Freshness)


class MountedFileSystem:
    """One mount. Make it with `mounted`; every verb may raise FileSystemError or BackendError."""

    def __init__(
        self,
        tasks: TaskGroup,
        mounts: MountTree,
        backends: MountedBackends,
        cache: PageCache,
        clock: Clock,
        tuning: ReadTuning,
        collector: AccessCollector | None,
        notices: KernelNotices,
    ) -> None:
        self.counters = ReadCounters()
        self.backends = backends
        self.pool = BufferPool(limit=tuning.memory_limit, block_size=cache.block_size)
        self._tasks = tasks
        self._clock = clock
        self._collector = collector
        self._freshness = tuning.freshness
        self._inodes = InodeTable(started_ns=int(clock.wall() * 1e9), now=clock.monotonic())
        listings = Listings(tuning.freshness, clock)
        self._tree = Tree(mounts, backends, self._inodes, listings, tuning.freshness, clock, self._spawn)
        self._contents = Contents(cache, self.counters)
        self.scheduler = FetchScheduler(
            tasks,
            self.pool,
            self.counters,
            max_parallel=tuning.max_parallel_fetch,
            on_error=self._fetch_failed,
        )
        read_path = ReadPath(self.scheduler, self.counters)
        self._prefetcher = Prefetcher(
            self.scheduler, self._contents, self._tree, self._spawn, block_size=cache.block_size
        )
        self._files = Files(
            self._tree,
            self._inodes,
            self._contents,
            read_path,
            self._prefetcher,
            self.counters,
            clock,
            block_size=cache.block_size,
            readahead_blocks=tuning.readahead_blocks,
            max_parallel=tuning.max_parallel_fetch,
            collector=collector,
        )
        self._directories = Directories(self._tree, self._inodes)
        self._remounting = Remounting(self._tree, self._inodes, backends, notices, self._close_later)
        self._xattrs = ExtendedAttributes(self._inodes, cache)
        self._order: KnownOrder | None = None
        self.hidden = HiddenNames(listings)
        self.walker = TreeWalker(self._tree, self._inodes)
        self.filler = CacheFiller(self._tree, self._contents, read_path, cache)

    @property
    def negative_ttl(self) -> float:
        """Seconds that the kernel may believe a name absent."""
        return self._freshness.negative_ttl

    @property
    def inodes(self) -> int:
        """Inodes known now."""
        return len(self._inodes)

    @property
    def open_files(self) -> int:
        """Files open now."""
        return self._files.open_handles

    async def lookup(self, parent: int, name: bytes) -> Attributes:
        """Find a name; the kernel holds one more reference on the answer's inode."""
        inode = await self._tree.lookup(self._inodes.get(parent), name)
        inode.lookups += 1
        return self._tree.attributes(inode)

    def remember(self, inode: int) -> None:
        """The kernel took an entry of a listing: one more reference."""
        self._inodes.remember(inode)

    def forget(self, inodes: Iterable[tuple[int, int]]) -> None:
        """The kernel gave references back: (inode, count) each."""
        self._inodes.forget(inodes)

    async def getattr(self, inode: int) -> Attributes:
        """Attributes no older than `attr_ttl`. An inode with open handles keeps its pinned version's."""
        node = self._inodes.get(inode)
        if node.handles == 0 or self._inodes.is_current(node):
            started = self._clock.monotonic()
            try:
                await self._tree.revalidate(node)
            except StaleInode:
                if not node.handles:
                    raise
                # Only `fstat` still asks by this inode: the path leads elsewhere from now on.
            self._sample("stat", _NOBODY, node.path, started)
        return self._tree.attributes(node)

    async def open(self, inode: int, writable: bool, caller: Caller) -> OpenedFile:
        """Open a file for reading. Raises StaleInode when the path leads to another version now."""
        opened = await self._files.open(inode, writable, caller)
        if self._order is not None:
            self._order.opened(self._inodes.get(inode).path)
        return opened

    async def read(self, handle: int, offset: int, size: int) -> bytes | memoryview:
        """Bytes of the pinned version, valid until the calling task next awaits."""
        return await self._files.read(handle, offset, size)

    async def release(self, handle: int) -> None:
        """Close a file."""
        await self._files.release(handle)

    async def opendir(self, inode: int, caller: Caller) -> int:
        """Open a directory."""
        return await self._directories.open(inode, caller)

    async def readdir(self, handle: int) -> DirectoryStream:
        """The directory's snapshot for this handle."""
        started = self._clock.monotonic()
        stream = await self._directories.read(handle)
        self._sample("list", _NOBODY, self._directories.path(handle), started)
        return stream

    async def releasedir(self, handle: int) -> None:
        """Close a directory."""
        await self._directories.close(handle)

    async def getxattr(self, inode: int, name: bytes) -> bytes:
        """One of the five attributes of R5. Raises NoSuchAttribute."""
        return self._xattrs.get(inode, name)

    async def statfs(self) -> SpaceFigures:
        """Declared figures: an object store has no end."""
        return SpaceFigures(DECLARED_BYTES, DECLARED_BYTES, len(self._inodes), self.read_only)

    @property
    def read_only(self) -> bool:
        """Whether no mount entry may be written (R6)."""
        return all(backend.entry.policy.write == "off" for backend in self.backends)

    def read_only_at(self, inode: int) -> bool:
        """Whether nothing may be written at the inode (R6)."""
        backend = self._inodes.get(inode).backend
        return backend is None or backend.entry.policy.write == "off"

    def remount(self, entries: Iterable[MountEntry], open_reader: OpenReader) -> Change:
        """Serve these mount entries from now on, in one step that no verb sees half done (R7).

        Entries that stay as they are, or change only their policy, keep their backend. What is open on the others
        goes on; their backends are closed when it has ended. Raises DuplicateMountPath or InvalidMountPath, and then
        nothing has changed; an entry that cannot be served is no fault (see `put_in_service`).
        """
        return self._remounting.to(entries, open_reader)

    def _close_later(self, backend: MountedBackend) -> None:
        self._spawn(backend.aclose)

    async def follow(self, entries: Sequence[ManifestEntry]) -> None:
        """Fetch ahead along a known order from now on, instead of the one followed before (`desk.OrderFollower`)."""
        if self._order is not None:
            self._order.stop()
        self._order = KnownOrder(entries, self._tree, self._prefetcher)
        self._spawn(self._order.run)

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.start_soon(work)

    def _fetch_failed(self, fetch: Fetch, error: Exception) -> None:
        """Draw the conclusions that outlast the fetch itself."""
        if isinstance(error, Corrupted):
            fetch.content.fault = error
        if isinstance(error, VersionChanged):  # nobody may find the old version under its path any more
            self._tree.supersede_object(fetch.content.backend, fetch.content.key, fetch.content.version)

    def _sample(self, op: str, caller: Caller, path: str, started: float) -> None:
        if self._collector is None:
            return
        backend = self._tree.backend_at(path)
        if backend is not None:
            latency_ms = (self._clock.monotonic() - started) * 1000
            self._collector.sampled(
                op,
                caller,
                backend=backend.name,
                key=self._tree.key_of(path),
                path=path,
                latency_ms=latency_ms,
            )


_NOBODY = Caller(uid=0, gid=0, pid=0)


@asynccontextmanager
async def mounted(
    mounts: MountTree,
    backends: MountedBackends,
    cache: PageCache,
    clock: Clock,
    *,
    tuning: ReadTuning | None = None,
    collector: AccessCollector | None = None,
    notices: KernelNotices | None = None,
) -> AsyncIterator[MountedFileSystem]:
    """Keep a filesystem in service; on leaving, everything it had under way is cancelled."""
    async with anyio.create_task_group() as tasks:
        filesystem = MountedFileSystem(
            tasks, mounts, backends, cache, clock, tuning or ReadTuning(), collector, notices or NoKernel()
        )
        try:
            yield filesystem
        finally:
            filesystem.scheduler.close()
            tasks.cancel_scope.cancel()
    filesystem.scheduler.drop_lingering()
