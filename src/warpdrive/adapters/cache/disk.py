"""The cache on the local disk: composition and lifetime of its parts, and the port's verbs.

DiskCache      opens objects, keeps the parts together                      (this file)
DiskObject     one object: pages, file, holds                               `object.py`
Shelf          which objects are in memory                                  `shelf.py`
Room           accounting, admission, eviction                              `room.py`
Recorder       changed extents to the index, in groups                      `record.py`
Index          SQLite, on its own thread                                    `index.py`
Completion     digests of objects that became complete                      `completion.py`
DiskHealth     suspends stores when the disk refuses them                   `health.py`
recover        what a start finds after a crash                             `recovery.py`
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
import structlog

from warpdrive.adapters.cache.completion import ALGORITHMS, Completion
from warpdrive.adapters.cache.errors import CacheUnusable
from warpdrive.adapters.cache.extents import CHECKSUM_BYTES, PageTable
from warpdrive.adapters.cache.files import ObjectFile
from warpdrive.adapters.cache.health import PAUSE, DiskHealth
from warpdrive.adapters.cache.layout import CacheDirectory, object_id
from warpdrive.adapters.cache.object import DiskObject
from warpdrive.adapters.cache.record import Recorder
from warpdrive.adapters.cache.recovery import Found, boot_id, recover
from warpdrive.adapters.cache.room import Room
from warpdrive.adapters.cache.shelf import KEEP_CLOSED, Shelf
from warpdrive.adapters.cache.workers import Workers
from warpdrive.application.ports.objects import Digest
from warpdrive.application.ports.page_cache import CacheStats, ContentId
from warpdrive.domain.content.pages import check_block_size

_log = structlog.get_logger(__name__)

SPARE_FRACTION = 0.10
"""Left free on the disk at start, of what the cache could take."""


class DiskCache:
    """A `PageCache` in a directory of its own. Use as an async context manager, on one event loop.

    `max_bytes` is cut at start to what the disk has; `high_water` and `low_water` are fractions of it;
    `monotonic` returns seconds; `pause`: seconds without stores after the disk refused one.
    Entering raises CacheForeign, CacheFormatUnknown, CacheInUse or CacheUnusable.
    """

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        block_size: int = 4 * 1024 * 1024,
        *,
        high_water: float = 0.90,
        low_water: float = 0.80,
        monotonic: Callable[[], float] = time.monotonic,
        pause: float = PAUSE,
        keep_closed: int = KEEP_CLOSED,
    ) -> None:
        if not 0 < low_water <= high_water <= 1:
            msg = f"0 < low_water <= high_water <= 1 does not hold for {low_water} and {high_water}"
            raise ValueError(msg)
        self.block_size = check_block_size(block_size)
        self.path = path
        self._wanted_bytes = max_bytes
        self._water = (high_water, low_water)
        self._keep_closed = keep_closed
        self.health = DiskHealth(path, monotonic, pause)
        self._resources = AsyncExitStack()
        self._scratch = memoryview(bytearray(1024 * 1024))

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Write what is recorded, mark the shutdown as orderly, give everything back. Safe to call twice."""
        with anyio.CancelScope(shield=True):
            await self._resources.aclose()

    # The port's verbs.

    async def open(self, content: ContentId, size: int, digest: Digest | None = None) -> DiskObject:
        """Open the entry of one object version; an unknown one costs no disk access."""
        identity = object_id(content)
        obj = self._shelf.find(identity)
        if obj is None:
            if identity in self._room.per_object or self._shelf.is_loading(identity):
                obj = await self._shelf.load(identity, lambda: self._fetch(identity, content, size))
            else:
                obj = self._make(identity, content, PageTable(size))
                self._shelf.put(obj)
        if digest is not None and digest.algorithm in ALGORITHMS:
            obj.digest = digest
        self._shelf.opened(obj)
        return obj

    def cached_bytes(self, content: ContentId, size: int) -> int:
        """Recorded bytes of a version, open or not."""
        return min(self._room.per_object.get(object_id(content), 0), size)

    async def evict(self, content: ContentId) -> int:
        """Drop what is recorded of the version and not held; return the bytes freed."""
        return await self._room.evict(object_id(content))

    def stats(self) -> CacheStats:
        """Totals and state."""
        room = self._room
        return CacheStats(
            size_bytes=room.used,
            max_bytes=room.max_bytes,
            objects=len(room.per_object),
            evicted_blocks=room.evicted_blocks,
            evicted_bytes=room.evicted_bytes,
            corrupt_pages=self.health.corrupt_pages,
            store_failures=self.health.failures,
            degraded=self.health.degraded,
        )

    async def contents(self) -> list[ContentId]:
        """List the object versions that the cache holds, for a caller that looks by backend and key."""
        await self._recorder.commit()
        return await self.workers.on_index(self._index.contents)

    async def settled(self) -> None:
        """Wait until everything recorded so far is in the index and complete objects are checked."""
        await self._completion.checked()
        await self._recorder.commit()

    async def check(self) -> None:
        """Ask the index something. Raises OSError when it does not answer."""
        try:
            await self.workers.on_index(self._index.probe)
        except sqlite3.Error as fault:
            raise OSError(str(fault)) from fault

    # What objects ask of their keeper.

    def scratch(self, length: int) -> memoryview:
        """Lend the loop's buffer; it grows to the largest request."""
        if length > len(self._scratch):
            self._scratch = memoryview(bytearray(length))
        return self._scratch[:length]

    async def reserve(self, obj: DiskObject, first: int, stop: int) -> int | None:
        """See `Room.reserve`."""
        return await self._room.reserve(obj, first, stop)

    def settle(self, obj: DiskObject, blocks: range, size: int) -> None:
        """See `Room.settle`."""
        self._room.settle(obj, blocks, size)

    def reading(self, step: int) -> None:
        """See `Room.reading`."""
        self._room.reading(step)

    async def relieve(self, size: int) -> bool:
        """See `Room.relieve`."""
        return await self._room.relieve(size)

    async def vacate(self, obj: DiskObject, blocks: range) -> None:
        """See `Room.vacate`."""
        await self._room.vacate(obj, blocks)

    def recorded(self, obj: DiskObject, first: int, checksums: bytes) -> None:
        """Record pages, account for the bytes that are new, have the index written."""
        stop = first + len(checksums) // CHECKSUM_BYTES
        blocks = obj.blocks(first, stop)
        for block in blocks:
            start, end = obj.block_pages(block)
            fresh = obj.table.unrecorded(max(start, first), min(end, stop))
            if fresh:
                self._room.add(obj.identity, block, fresh)
        obj.table.record(first, checksums)
        self._recorder.mark(obj, first, stop)

    def lost(self, obj: DiskObject, first: int, stop: int) -> None:
        """Forget pages that turned out wrong or unreadable."""
        for block in obj.blocks(first, stop):
            start, end = obj.block_pages(block)
            dropped = obj.table.drop(max(start, first), min(end, stop))
            if dropped:
                self._room.remove(obj.identity, block, dropped)
        self._recorder.mark(obj, first, stop)

    def verified(self, obj: DiskObject, first: int, stop: int) -> None:
        """Have the index told that pages are right."""
        self._recorder.mark(obj, first, stop)

    def completed(self, obj: DiskObject) -> None:
        """Queue the digest check."""
        self._completion.add(obj)

    def touched(self, obj: DiskObject, block: int) -> None:
        """Tell the policy."""
        self._room.policy.touch((obj.identity, block))

    def closed(self, obj: DiskObject) -> None:
        """Let the shelf decide about the descriptor."""
        self._shelf.closed(obj)

    # Lifetime.

    async def _start(self) -> None:
        self.workers = Workers()
        self._resources.callback(self.workers.close)
        directory = await self.workers.on_file(CacheDirectory.claim, self.path)
        self._resources.callback(directory.release)
        try:
            found = await self.workers.on_index(recover, directory, self.block_size)
        except (sqlite3.Error, OSError) as fault:
            raise CacheUnusable(self.path, str(fault)) from fault
        self._index = found.index
        self._directory = directory
        self._resources.push_async_callback(self.workers.on_index, self._index.close)
        self._wire(found)
        self._resources.callback(self._shelf.close)
        self._resources.push_async_callback(self._finish)
        tasks = await self._resources.enter_async_context(asyncio.TaskGroup())
        for work in (self._recorder.run(), self._room.run(), self._completion.run()):
            self._resources.callback(tasks.create_task(work).cancel)

    def _wire(self, found: Found) -> None:
        self._recorder = Recorder(self._index, self.workers, self.health)
        self._shelf = Shelf(self._recorder.is_dirty, self._keep_closed)
        self._completion = Completion(self.workers, self.health, self._drop_all, self._shelf.opened)
        high_water, low_water = self._water
        self._room = Room(
            self._affordable(found.recorded_bytes),
            high_water,
            low_water,
            recorder=self._recorder,
            workers=self.workers,
            find=self._shelf.find,
            load=self._load_known,
            loading=self._shelf.is_loading,
            discard=self._shelf.discard,
            path_of=self._directory.object_path,
        )
        for identity, block, weight in found.blocks:
            self._room.restore(identity, block, weight)

    def _affordable(self, recorded: int) -> int:
        possible = int((self._directory.free_bytes() + recorded) * (1 - SPARE_FRACTION))
        if possible >= self._wanted_bytes:
            return self._wanted_bytes
        _log.warning(
            "cache max_size cut to what the disk has", path=str(self.path), wanted=self._wanted_bytes, now=possible
        )
        return max(possible, self.block_size)

    async def _finish(self) -> None:
        self._completion.abandon()
        if not await self._recorder.commit():
            return
        try:
            await self.workers.on_index(self._index.finish, boot_id())
        except sqlite3.Error as fault:
            self.health.index_failed(fault)

    def _make(self, identity: bytes, content: ContentId, table: PageTable) -> DiskObject:
        file = ObjectFile(self._directory.object_path(identity), table.size)
        return DiskObject(self, identity, content, table, file)

    async def _fetch(self, identity: bytes, content: ContentId, size: int) -> DiskObject:
        """Load an object that the index knows; one whose rows are of no use begins empty."""
        table = await self._recorder.load(identity, size)
        if table is not None:
            obj = self._make(identity, content, table)
            obj.listed = True
            return obj
        obj = self._make(identity, content, PageTable(size))
        self._room.forget(identity)
        self._recorder.wipe(identity)
        return obj

    async def _load_known(self, identity: bytes) -> DiskObject | None:
        row = await self._recorder.row_of(identity)
        if row is None:
            return None
        return await self._shelf.load(identity, lambda: self._fetch(identity, row.content, row.size))

    async def _drop_all(self, obj: DiskObject) -> None:
        if obj.table.pages:
            self.lost(obj, 0, obj.table.pages)
            await self._room.vacate(obj, obj.blocks(0, obj.table.pages))


if TYPE_CHECKING:
    from warpdrive.application.ports.page_cache import PageCache

    def _is_page_cache(cache: DiskCache) -> PageCache:
        return cache
