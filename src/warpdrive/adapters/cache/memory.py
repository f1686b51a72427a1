"""The twin in memory: the same promises as the cache on disk, kept in plain buffers. For tests and examples."""

import hashlib
from typing import TYPE_CHECKING

import xxhash

from warpdrive.adapters.cache.extents import PageTable
from warpdrive.application.ports.errors import Corrupted
from warpdrive.application.ports.objects import Digest
from warpdrive.application.ports.page_cache import CacheStats, ContentId
from warpdrive.domain.content.eviction import EvictionPolicy
from warpdrive.domain.content.pages import PAGE_SIZE, check_block_size, page_count


class MemoryObject:
    """One object version in memory."""

    def __init__(self, cache: "MemoryCache", content: ContentId, size: int) -> None:
        self.content = content
        self.table = PageTable(size)
        self.digest: Digest | None = None
        self.data = bytearray(size)
        self.pins: dict[int, int] = {}
        self._cache = cache

    @property
    def size(self) -> int:
        """Length of the object in bytes."""
        return self.table.size

    @property
    def cached_bytes(self) -> int:
        """Bytes recorded now."""
        return self.table.recorded

    def peek(self, offset: int, length: int) -> memoryview | None:
        """Return a copy of recorded bytes: everything recorded is resident."""
        if length <= 0 or offset + length > self.size or not self.table.holds(offset, length):
            return None
        return memoryview(bytes(self.data[offset : offset + length]))

    async def read(self, offset: int, length: int) -> bytes | memoryview | None:
        """Return recorded bytes; None if a page is missing."""
        return b"" if length == 0 else self.peek(offset, length)

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """First run of unrecorded pages that meets [start, stop)."""
        return self.table.missing(start, stop)

    async def store(self, offset: int, data: memoryview) -> bool:
        """Keep whole pages; False when there is no room or `MemoryCache.refuse` is set."""
        end = offset + len(data)
        if offset % PAGE_SIZE or (end % PAGE_SIZE and end != self.size) or end > self.size:
            msg = f"store of [{offset}, {end}) is not whole pages of an object of {self.size} bytes"
            raise ValueError(msg)
        if not len(data) or self.table.holds(offset, len(data)):
            return True
        return self._cache.keep(self, offset, data)

    def touch(self, block: int) -> None:
        """Tell the eviction policy."""
        self._cache.policy.touch((self.content, block))

    def pin(self, block: int) -> None:
        """Keep the block; counted."""
        self.pins[block] = self.pins.get(block, 0) + 1

    def unpin(self, block: int) -> None:
        """Undo one `pin`."""
        self.pins[block] -= 1
        if not self.pins[block]:
            del self.pins[block]

    def close(self) -> None:
        """Nothing to give back: objects live as long as the cache."""

    def blocks(self, first: int, stop: int) -> dict[int, tuple[int, int]]:
        """Split the pages [first, stop) by block."""
        per_block = self._cache.block_size // PAGE_SIZE
        return {
            block: (max(first, block * per_block), min(stop, (block + 1) * per_block))
            for block in range(first // per_block, (stop - 1) // per_block + 1)
        }


class MemoryCache:
    """A `PageCache` without a disk. `refuse`: set True to have stores refused as a full disk does."""

    def __init__(
        self, max_bytes: int, block_size: int = 4 * 1024 * 1024, *, high_water: float = 0.90, low_water: float = 0.80
    ) -> None:
        self.block_size = check_block_size(block_size)
        self.policy: EvictionPolicy[tuple[ContentId, int]] = EvictionPolicy(max(int(max_bytes * low_water), 1))
        self.refuse = False
        self._max_bytes = max_bytes
        self._high = int(max_bytes * high_water)
        self._low = int(max_bytes * low_water)
        self._objects: dict[ContentId, MemoryObject] = {}
        self._used = 0
        self._evicted_blocks = 0
        self._evicted_bytes = 0
        self._corrupt_pages = 0
        self._failures = 0

    async def open(self, content: ContentId, size: int, digest: Digest | None = None) -> MemoryObject:
        """Open the entry of one object version."""
        obj = self._objects.get(content)
        if obj is None or obj.size != size:
            obj = self._objects[content] = MemoryObject(self, content, size)
        if digest is not None and digest.algorithm == "md5":
            obj.digest = digest
        return obj

    def cached_bytes(self, content: ContentId, size: int) -> int:
        """Recorded bytes of a version."""
        obj = self._objects.get(content)
        return min(obj.cached_bytes, size) if obj is not None else 0

    async def evict(self, content: ContentId) -> int:
        """Drop what is recorded of the version and not pinned."""
        obj = self._objects.get(content)
        if obj is None or not obj.table.pages:
            return 0
        blocks = [block for block in obj.blocks(0, obj.table.pages) if block not in obj.pins]
        for block in blocks:
            self.policy.forget((content, block))
        return sum(self._drop(obj, block) for block in blocks)

    def stats(self) -> CacheStats:
        """Totals and state."""
        return CacheStats(
            size_bytes=self._used,
            max_bytes=self._max_bytes,
            objects=sum(1 for obj in self._objects.values() if obj.cached_bytes),
            evicted_blocks=self._evicted_blocks,
            evicted_bytes=self._evicted_bytes,
            corrupt_pages=self._corrupt_pages,
            store_failures=self._failures,
            degraded=self.refuse,
        )

    def keep(self, obj: MemoryObject, offset: int, data: memoryview) -> bool:
        """Make room, copy the bytes, record the pages, check a completed object's digest."""
        if self.refuse:
            self._failures += 1
            return False
        first, stop = offset // PAGE_SIZE, page_count(offset + len(data))
        parts = obj.blocks(first, stop)
        if not self._make_room(obj, set(parts), obj.table.unrecorded(first, stop)):
            return False
        obj.data[offset : offset + len(data)] = data
        for block, (start, end) in parts.items():
            fresh = obj.table.unrecorded(start, end)
            if fresh:
                self.policy.insert((obj.content, block), fresh)
                self._used += fresh
        sums = [xxhash.xxh3_64_digest(data[at : at + PAGE_SIZE]) for at in range(0, len(data), PAGE_SIZE)]
        obj.table.record(first, b"".join(sums))
        if self._check(obj):
            return True
        if len(data) == obj.size:
            raise Corrupted(f"{obj.content.key!r}: the whole object's digest differs")
        return False

    def _check(self, obj: MemoryObject) -> bool:
        if obj.digest is None or not obj.table.complete:
            return True
        if hashlib.md5(obj.data, usedforsecurity=False).digest() == obj.digest.value:
            return True
        self._corrupt_pages += obj.table.pages
        for block in obj.blocks(0, obj.table.pages):
            weight = self.policy.forget((obj.content, block))
            self._used -= weight
        obj.table.drop(0, obj.table.pages)
        return False

    def _make_room(self, storing: MemoryObject, blocks: set[int], size: int) -> bool:
        if self._used + size <= self._high:
            return True

        def evictable(key: tuple[ContentId, int]) -> bool:
            content, block = key
            obj = self._objects[content]
            return block not in obj.pins and not (obj is storing and block in blocks)

        for (content, block), _ in self.policy.victims(self._used + size - self._low, evictable):
            self._drop(self._objects[content], block)
        return self._used + size <= self._max_bytes

    def _drop(self, obj: MemoryObject, block: int) -> int:
        per_block = self.block_size // PAGE_SIZE
        freed = obj.table.drop(block * per_block, min((block + 1) * per_block, obj.table.pages))
        if freed:
            self._used -= freed
            self._evicted_bytes += freed
            self._evicted_blocks += 1
        return freed


if TYPE_CHECKING:
    from warpdrive.application.ports.page_cache import CachedObject, PageCache

    def _is_page_cache(cache: MemoryCache) -> PageCache:
        return cache

    def _is_cached_object(obj: MemoryObject) -> CachedObject:
        return obj
