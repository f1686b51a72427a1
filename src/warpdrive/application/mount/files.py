"""File operations: open pins a version, read serves it, release lets go (R1)."""

from warpdrive.application.mount.attributes import Caller, OpenedFile
from warpdrive.application.mount.contents import Content, Contents
from warpdrive.application.mount.counters import ReadCounters
from warpdrive.application.mount.errors import IsADirectory, ReadOnlyEntry, StaleInode
from warpdrive.application.mount.fetching import FetchCancelled
from warpdrive.application.mount.handles import Handle, HandleTable
from warpdrive.application.mount.inodes import Inode, InodeTable
from warpdrive.application.mount.prefetch import Prefetcher
from warpdrive.application.mount.read_path import Bytes, ReadPath
from warpdrive.application.mount.telemetry import AccessCollector
from warpdrive.application.mount.tree import Tree
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.errors import ObjectNotFound, RangeNotSatisfiable, VersionChanged
from warpdrive.domain.content.readahead import Readahead

_LOST = (VersionChanged, ObjectNotFound, RangeNotSatisfiable)
"""Three ways in which a backend says that the pinned version is not there any more."""


class Files:
    """Open files by handle."""

    def __init__(
        self,
        tree: Tree,
        inodes: InodeTable,
        contents: Contents,
        read_path: ReadPath,
        prefetcher: Prefetcher,
        counters: ReadCounters,
        clock: Clock,
        *,
        block_size: int,
        readahead_blocks: int,
        max_parallel: int,
        collector: AccessCollector | None,
    ) -> None:
        self._tree = tree
        self._inodes = inodes
        self._contents = contents
        self._read_path = read_path
        self._prefetcher = prefetcher
        self._counters = counters
        self._clock = clock
        self._block_size = block_size
        self._readahead_blocks = readahead_blocks
        self._max_parallel = max_parallel
        self._collector = collector
        self._handles = HandleTable()

    @property
    def open_handles(self) -> int:
        """Files open now."""
        return len(self._handles)

    async def open(self, number: int, writable: bool, caller: Caller) -> OpenedFile:
        """Open the inode's version. Raises StaleInode, IsADirectory, ReadOnlyEntry, BackendError."""
        inode = self._inodes.get(number)
        if inode.info is None or inode.backend is None:
            raise IsADirectory(inode.path)
        if writable:
            raise ReadOnlyEntry(inode.path)
        if not self._inodes.is_current(inode):
            raise StaleInode(inode.path)
        readahead = Readahead(
            inode.size,
            block_size=self._block_size,
            first_window=self._readahead_blocks,
            max_window=self._max_parallel,
        )
        inode.backend.reader  # noqa: B018  raises BackendOffline before anything is opened
        content = await self._contents.open(inode.backend, inode.info)
        inode.handles += 1
        try:
            if not self._tree.is_fresh(inode):
                await self._validate(inode, content, readahead)
            handle = Handle(self._handles.number(), inode, content, readahead, caller, None)
        except BaseException:
            inode.handles -= 1
            content.unhold()
            self._inodes.drop_if_unused(inode)
            raise
        if self._collector is not None:
            handle.totals = self._collector.opened(caller, inode.backend.name, content.key, inode.path, content.version)
        self._handles.add(handle)
        self._prefetcher.opened(handle)
        # The inode is one version, so whatever the kernel still holds of it is true.
        return OpenedFile(handle.number, keep_cache=True)

    async def read(self, number: int, offset: int, size: int) -> Bytes:
        """Serve bytes of the handle's version; short only at the end of the file.

        The result is valid until the calling task next awaits. Raises StaleInode (ESTALE) when the version is
        gone from the backend and not in the cache, BackendError, BadHandle.
        """
        handle = self._handles.get(number)
        content = handle.content
        length = min(size, content.size - offset)
        if length <= 0:
            return b""
        started = self._clock.monotonic()
        readahead = handle.readahead
        readahead.observe(offset, length)
        block = offset // self._block_size
        if block != handle.block:
            self._enter_block(handle, block)
        data: Bytes | None = self._read_path.peek(content, offset, length)
        if data is not None:
            self._counters.hits += 1
            hit = True
        else:
            try:
                data, hit = await self._read_path.read(content, offset, length, readahead.demand)
            except _LOST as error:
                self._lost(handle, error)
                raise StaleInode(handle.inode.path) from error
            except Exception as error:
                if handle.totals is not None:
                    handle.totals.failed(getattr(error, "kind", type(error).__name__))
                raise
            if hit:
                self._counters.hits += 1
            else:
                self._counters.misses += 1
        self._prefetcher.follow(handle)
        self._counters.bytes_served += length
        if handle.totals is not None:
            handle.totals.served(length, (self._clock.monotonic() - started) * 1000, hit=hit)
        return data

    async def release(self, number: int) -> None:
        """Close the handle. Raises BadHandle."""
        handle = self._handles.pop(number)
        self._prefetcher.stop(handle)
        self._read_path.passed(handle.content, handle.content.size)
        if self._collector is not None and handle.totals is not None:
            self._collector.closed(handle.totals)
        handle.content.unhold()
        handle.inode.handles -= 1
        self._inodes.drop_if_unused(handle.inode)

    def _enter_block(self, handle: Handle, block: int) -> None:
        handle.block = block
        # A block behind the reader: requests of one read may overtake each other.
        self._read_path.passed(handle.content, (block - 1) * self._block_size)
        handle.content.cached.touch(block)
        if block in handle.content.unread:
            handle.content.unread.discard(block)
            self._counters.readahead_hits += 1

    async def _validate(self, inode: Inode, content: Content, readahead: Readahead) -> None:
        """Past `attr_ttl`: the headers of the first GET confirm the version; a HEAD only if all is cached (R2)."""
        fetch = None
        if content.size and content.cached.missing(0, content.size) is not None:
            gap = content.cached.missing(0, content.size)
            assert gap is not None
            fetch = self._read_path.start(content, gap[0], min(gap[0] + 1, content.size), readahead.demand)
        if fetch is not None and not fetch.headers.is_set():  # headers from before say nothing about now
            try:
                await self._read_path.wait_started(fetch)
            except _LOST as error:
                self._tree.supersede(inode.path)
                raise StaleInode(inode.path) from error
            except FetchCancelled:
                pass  # given up by somebody else: ask plainly
            else:
                self._tree.confirm(inode)
                return
        await self._tree.revalidate(inode)

    def _lost(self, handle: Handle, error: Exception) -> None:
        """The pinned version is gone: path and listing entry go stale before the reader hears of it (R2)."""
        if self._inodes.is_current(handle.inode):
            self._tree.supersede(handle.inode.path)
        if handle.totals is not None:
            handle.totals.failed(getattr(error, "kind", type(error).__name__))
