"""One object version in the disk cache: what is recorded, its file, who holds which block.

All state belongs to the event loop; only `ObjectFile` jobs run in threads. Invariants:

- a page is recorded only after its bytes are on the file, and its record is gone before its bytes go;
- a block in `holds` (pinned, or a read or store under way) is never evicted;
- no store begins on a block that is departing (`Room.reserve` waits), so a hole never swallows fresh bytes.
"""

import errno
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from warpdrive.adapters.cache.extents import SUSPECT, PageTable, unrecorded_runs
from warpdrive.adapters.cache.files import ObjectFile, Written
from warpdrive.adapters.cache.health import DiskHealth
from warpdrive.adapters.cache.workers import Workers
from warpdrive.application.ports.errors import Corrupted
from warpdrive.application.ports.objects import Digest
from warpdrive.application.ports.page_cache import ContentId
from warpdrive.domain.content.pages import PAGE_SIZE, page_count

DIFFERS = "the whole object's digest differs"


class Keeper(Protocol):
    """What an object needs of the cache that keeps it."""

    block_size: int
    workers: Workers
    health: DiskHealth

    def scratch(self, length: int) -> memoryview:
        """Lend the one buffer of the loop, `length` bytes of it."""

    async def reserve(self, obj: "DiskObject", first: int, stop: int) -> int | None:
        """Wait until the pages may be stored and hold their blocks; the bytes promised, None: there is no room."""

    def settle(self, obj: "DiskObject", blocks: range, size: int) -> None:
        """End what `reserve` began."""

    def reading(self, step: int) -> None:
        """Count reads under way, +1 or -1."""

    async def relieve(self, size: int) -> bool:
        """Evict at least `size` bytes because the disk is full; False when nothing could go."""

    async def vacate(self, obj: "DiskObject", blocks: range) -> None:
        """Give back the disk space of unrecorded pages in the blocks, unless a store is under way there."""

    def recorded(self, obj: "DiskObject", first: int, checksums: bytes) -> None:
        """Record pages from `first` on."""

    def lost(self, obj: "DiskObject", first: int, stop: int) -> None:
        """Forget the pages [first, stop)."""

    def verified(self, obj: "DiskObject", first: int, stop: int) -> None:
        """Note that suspect pages turned out right."""

    def completed(self, obj: "DiskObject") -> None:
        """Have the whole object's digest checked."""

    def touched(self, obj: "DiskObject", block: int) -> None:
        """Tell the eviction policy."""

    def closed(self, obj: "DiskObject") -> None:
        """The last close: descriptors may go."""


class DiskObject:
    """A `CachedObject` on the disk; one per object version in memory, shared by all who have it open."""

    __slots__ = ("content", "digest", "file", "holds", "identity", "keeper", "listed", "opens", "table", "writing")

    def __init__(self, keeper: Keeper, identity: bytes, content: ContentId, table: PageTable, file: ObjectFile) -> None:
        self.keeper = keeper
        self.identity = identity
        self.content = content
        self.table = table
        self.file = file
        self.digest: Digest | None = None
        self.listed = False
        """The index has, or is about to have, a row of the object."""
        self.opens = 0
        self.holds: dict[int, int] = {}
        self.writing: dict[int, int] = {}
        """Blocks with stores under way, counted; each is in `holds` too."""

    @property
    def size(self) -> int:
        """Length of the object in bytes."""
        return self.table.size

    @property
    def cached_bytes(self) -> int:
        """Bytes recorded now."""
        return self.table.recorded

    def peek(self, offset: int, length: int) -> memoryview | None:
        """Return resident bytes in the loop's shared buffer, valid until the caller awaits; else None."""
        fd = self.file.fd
        if fd < 0 or length <= 0 or not self.table.holds(offset, length):
            return None
        view = self.keeper.scratch(length)
        try:
            done = os.preadv(fd, (view,), offset, os.RWF_NOWAIT)
        except OSError:
            # Not resident (EAGAIN), not supported, or a disk error: `read` finds out which.
            return None
        return view if done == length else None

    async def read(self, offset: int, length: int) -> bytes | memoryview | None:
        """Read in a worker thread, verifying what is suspect; None if a page is missing, wrong or unreadable."""
        if length <= 0 or offset + length > self.table.size:
            return b"" if length == 0 else None
        first, stop = offset // PAGE_SIZE, page_count(offset + length)
        if not self.table.recorded_all(first, stop):
            return None
        blocks = self.blocks(first, stop)
        self.hold(blocks)
        self.keeper.reading(+1)
        try:
            if not self.table.suspects or await self._verify(first, stop):
                data = await self.keeper.workers.on_file(self.file.read, offset, length)
                if data is None:
                    self.keeper.health.corrupted(self.content.key, stop - first, "the file is too short")
                    self.keeper.lost(self, first, stop)
                elif self.table.recorded_all(first, stop):
                    # Else a digest check has dropped the object while the job ran.
                    return data
        except OSError as fault:
            self.keeper.health.unreadable(self.content.key, fault)
            self.keeper.lost(self, first, stop)
        finally:
            self.unhold(blocks)
            self.keeper.reading(-1)
        # Something was dropped; its bytes would otherwise stay on the disk with nobody to count them.
        await self.keeper.vacate(self, blocks)
        return None

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """First run of unrecorded pages that meets bytes [start, stop)."""
        return self.table.missing(start, stop)

    async def store(self, offset: int, data: memoryview) -> bool:
        """Write whole pages and record them; False, and nothing recorded, when there is no room for them."""
        length = len(data)
        end = offset + length
        if offset % PAGE_SIZE or (end % PAGE_SIZE and end != self.table.size) or end > self.table.size:
            msg = f"store of [{offset}, {end}) is not whole pages of an object of {self.table.size} bytes"
            raise ValueError(msg)
        if not length or self.table.holds(offset, length):
            return True
        if not self.keeper.health.admits():
            return False
        assert self.opens > 0, "stored into a closed object"
        # Open for as long as this takes: a closed object may leave the memory while it waits for room.
        self.opens += 1
        try:
            return await self._store(offset, data)
        finally:
            self.close()

    def touch(self, block: int) -> None:
        """Tell the eviction policy that a reader entered the block."""
        self.keeper.touched(self, block)

    def pin(self, block: int) -> None:
        """Keep the block from eviction; counted."""
        self.holds[block] = self.holds.get(block, 0) + 1

    def unpin(self, block: int) -> None:
        """Undo one `pin`."""
        self.unhold((block,))

    def close(self) -> None:
        """Give one open back."""
        assert self.opens > 0, "closed more often than opened"
        self.opens -= 1
        if not self.opens:
            self.keeper.closed(self)

    def blocks(self, first: int, stop: int) -> range:
        """Return the blocks that the pages [first, stop) lie in."""
        per_block = self.keeper.block_size // PAGE_SIZE
        return range(first // per_block, (stop - 1) // per_block + 1)

    def block_pages(self, block: int) -> tuple[int, int]:
        """Return the pages [first, stop) of a block."""
        per_block = self.keeper.block_size // PAGE_SIZE
        return block * per_block, min((block + 1) * per_block, self.table.pages)

    def hold(self, blocks: Iterable[int]) -> None:
        """Keep blocks from eviction while a job uses them."""
        for block in blocks:
            self.holds[block] = self.holds.get(block, 0) + 1

    def unhold(self, blocks: Iterable[int]) -> None:
        """Undo one `hold` or `pin`."""
        for block in blocks:
            count = self.holds[block] - 1
            if count:
                self.holds[block] = count
            else:
                del self.holds[block]

    def holes(self, block: int) -> list[tuple[int, int]]:
        """List the byte ranges of unrecorded pages in a block."""
        first, stop = self.block_pages(block)
        runs = unrecorded_runs(self.table.states, first, stop)
        return [(start * PAGE_SIZE, end * PAGE_SIZE) for start, end in runs]

    async def _store(self, offset: int, data: memoryview) -> bool:
        first, stop = offset // PAGE_SIZE, page_count(offset + len(data))
        blocks = self.blocks(first, stop)
        fresh = await self.keeper.reserve(self, first, stop)
        if fresh is None:
            return False
        stored = False
        try:
            written = await self._write(offset, data, fresh)
            stored = written is not None and self._record(first, stop, written)
        finally:
            self.keeper.settle(self, blocks, fresh)
            if not stored:
                await self.keeper.vacate(self, blocks)
        return stored

    async def _write(self, offset: int, data: memoryview, fresh: int) -> Written | None:
        wanted = self.digest
        whole = len(data) == self.table.size and wanted is not None
        algorithm = wanted.algorithm if whole and wanted is not None else None
        keeper = self.keeper
        try:
            try:
                written = await keeper.workers.on_store(self.file.write, offset, data, algorithm)
            except OSError as fault:
                if fault.errno != errno.ENOSPC or not await keeper.relieve(fresh):
                    raise
                written = await keeper.workers.on_store(self.file.write, offset, data, algorithm)
        except OSError as fault:
            keeper.health.refused(fault)
            return None
        keeper.health.stored()
        return written

    def _record(self, first: int, stop: int, written: Written) -> bool:
        if written.digest is not None and self.digest is not None and written.digest != self.digest.value:
            self.keeper.health.corrupted(self.content.key, stop - first, DIFFERS)
            raise Corrupted(f"{self.content.key!r}: {DIFFERS}")
        self.keeper.recorded(self, first, written.checksums)
        if self.digest is not None and written.digest is None and self.table.complete:
            self.keeper.completed(self)
        return True

    async def _verify(self, first: int, stop: int) -> bool:
        if not self.table.states.count(SUSPECT, first, stop):
            return True
        sums = await self.keeper.workers.on_file(self.file.checksums, first, stop)
        wrong = self.table.verify(first, sums)
        self.keeper.verified(self, first, stop)
        for page in wrong:
            self.keeper.health.corrupted(self.content.key, 1, "a page's checksum differs after an unclean shutdown")
            self.keeper.lost(self, page, page + 1)
        return not wrong


if TYPE_CHECKING:
    from warpdrive.application.ports.page_cache import CachedObject

    def _is_cached_object(obj: DiskObject) -> CachedObject:
        return obj
