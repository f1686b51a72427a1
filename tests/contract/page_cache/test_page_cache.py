"""What every page cache promises, run on the twin and on the disk."""

import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from warpdrive.application.ports.errors import Corrupted
from warpdrive.application.ports.objects import Digest
from warpdrive.application.ports.page_cache import CachedObject, ContentId, PageCache
from warpdrive.domain.content.pages import PAGE_SIZE

CacheFactory = Callable[..., AbstractAsyncContextManager[PageCache]]

MIB = 1024 * 1024
BLOCK = 4 * PAGE_SIZE
SIZE = 10 * PAGE_SIZE + 1000
BODY = random.Random(7).randbytes(SIZE)
CONTENT = ContentId("s3|bucket", "data/shard-0001.tar", "v1")


@pytest.fixture
async def cache(make_cache: CacheFactory) -> AsyncIterator[PageCache]:
    """Make a cache with room for all that one test stores."""
    async with make_cache(64 * MIB, BLOCK) as cache:
        yield cache


def view(start: int, stop: int) -> memoryview:
    """Cut the sample body."""
    return memoryview(BODY)[start:stop]


async def fetched(obj: CachedObject, offset: int, length: int) -> bytes | None:
    """Read as the read path does: peek, else read."""
    seen = obj.peek(offset, length)
    if seen is not None:
        return bytes(seen)
    data = await obj.read(offset, length)
    return None if data is None else bytes(data)


async def test_an_unknown_object_opens_empty(cache: PageCache) -> None:
    """Opening creates an entry of which nothing is recorded."""
    obj = await cache.open(CONTENT, SIZE)
    assert obj.size == SIZE
    assert obj.cached_bytes == 0
    assert obj.missing(0, SIZE) == (0, SIZE)
    assert obj.peek(0, 100) is None
    assert await obj.read(0, 100) is None
    assert cache.cached_bytes(CONTENT, SIZE) == 0
    obj.close()


async def test_stored_pages_are_served(cache: PageCache) -> None:
    """Bytes come back from any range within stored pages."""
    obj = await cache.open(CONTENT, SIZE)
    assert await obj.store(0, view(0, SIZE))
    for offset, length in [(0, SIZE), (1, 1), (PAGE_SIZE - 1, 2), (SIZE - 1, 1), (3 * PAGE_SIZE + 5, 2 * PAGE_SIZE)]:
        assert await fetched(obj, offset, length) == BODY[offset : offset + length]
        assert await obj.read(offset, length) == BODY[offset : offset + length]
    obj.close()


async def test_a_range_with_one_missing_page_is_missing(cache: PageCache) -> None:
    """Neither verb serves part of a range."""
    obj = await cache.open(CONTENT, SIZE)
    assert await obj.store(0, view(0, 2 * PAGE_SIZE))
    assert await obj.store(3 * PAGE_SIZE, view(3 * PAGE_SIZE, 4 * PAGE_SIZE))
    assert await fetched(obj, PAGE_SIZE, 2 * PAGE_SIZE) is None
    assert await fetched(obj, 3 * PAGE_SIZE, PAGE_SIZE) == BODY[3 * PAGE_SIZE : 4 * PAGE_SIZE]
    obj.close()


async def test_missing_names_the_first_run_of_holes(cache: PageCache) -> None:
    """Runs are page-aligned, end at the next recorded page, and are clipped to the size."""
    obj = await cache.open(CONTENT, SIZE)
    assert await obj.store(2 * PAGE_SIZE, view(2 * PAGE_SIZE, 3 * PAGE_SIZE))
    assert obj.missing(0, SIZE) == (0, 2 * PAGE_SIZE)
    assert obj.missing(10, 20) == (0, PAGE_SIZE)
    assert obj.missing(2 * PAGE_SIZE, 3 * PAGE_SIZE) is None
    assert obj.missing(2 * PAGE_SIZE, SIZE) == (3 * PAGE_SIZE, SIZE)
    assert obj.missing(2 * PAGE_SIZE + 1, 3 * PAGE_SIZE + 1) == (3 * PAGE_SIZE, 4 * PAGE_SIZE)
    assert obj.missing(SIZE, SIZE + 10) is None
    obj.close()


async def test_the_last_page_counts_its_real_length(cache: PageCache) -> None:
    """`cached_bytes` is exact for a whole object and for its tail."""
    obj = await cache.open(CONTENT, SIZE)
    assert await obj.store(10 * PAGE_SIZE, view(10 * PAGE_SIZE, SIZE))
    assert obj.cached_bytes == 1000
    assert await obj.store(0, view(0, 10 * PAGE_SIZE))
    assert obj.cached_bytes == SIZE
    assert obj.missing(0, SIZE) is None
    assert cache.cached_bytes(CONTENT, SIZE) == SIZE
    assert cache.stats().size_bytes == SIZE
    obj.close()


async def test_storing_again_is_harmless(cache: PageCache) -> None:
    """Recorded pages may be stored again, alone or with new ones, and count once."""
    obj = await cache.open(CONTENT, SIZE)
    assert await obj.store(0, view(0, 3 * PAGE_SIZE))
    assert await obj.store(0, view(0, 3 * PAGE_SIZE))
    assert await obj.store(PAGE_SIZE, view(PAGE_SIZE, 5 * PAGE_SIZE))
    assert cache.stats().size_bytes == 5 * PAGE_SIZE
    assert await fetched(obj, 0, 5 * PAGE_SIZE) == BODY[: 5 * PAGE_SIZE]
    obj.close()


async def test_the_buffer_may_be_reused_after_a_store(cache: PageCache) -> None:
    """The cache keeps no reference to the caller's buffer."""
    obj = await cache.open(CONTENT, SIZE)
    buffer = bytearray(BODY[:PAGE_SIZE])
    assert await obj.store(0, memoryview(buffer))
    buffer[:] = bytes(PAGE_SIZE)
    assert await fetched(obj, 0, PAGE_SIZE) == BODY[:PAGE_SIZE]
    obj.close()


@pytest.mark.parametrize(("offset", "length"), [(1, PAGE_SIZE), (0, 100), (10 * PAGE_SIZE, 2000)])
async def test_a_store_of_broken_pages_is_a_fault_of_the_caller(cache: PageCache, offset: int, length: int) -> None:
    """Pages are whole, but for the object's end; nothing lies beyond it."""
    obj = await cache.open(CONTENT, SIZE)
    with pytest.raises(ValueError, match="whole pages"):
        await obj.store(offset, memoryview(bytes(length)))
    obj.close()


async def test_versions_and_backends_do_not_share_bytes(cache: PageCache) -> None:
    """Each of backend, key and version makes another object, however the fields are cut."""
    names = [CONTENT, CONTENT._replace(version="v2"), CONTENT._replace(backend="s3|other"), ContentId("a", "bc", "d")]
    names.append(ContentId("ab", "c", "d"))
    for number, name in enumerate(names):
        obj = await cache.open(name, 5)
        assert obj.cached_bytes == 0
        assert await obj.store(0, memoryview(bytes([number]) * 5))
        obj.close()
    for number, name in enumerate(names):
        obj = await cache.open(name, 5)
        assert await fetched(obj, 0, 5) == bytes([number]) * 5
        obj.close()


async def test_keys_hold_any_bytes(cache: PageCache) -> None:
    """A key that is not UTF-8, has slashes or is very long names an object like any other."""
    for key in ("\udcff\udc80/raw", "a/" * 2000 + "\n'\"", ""):
        obj = await cache.open(ContentId("b", key, "1"), 3)
        assert await obj.store(0, memoryview(b"abc"))
        obj.close()
        assert cache.cached_bytes(ContentId("b", key, "1"), 3) == 3


async def test_an_empty_object_is_complete(cache: PageCache) -> None:
    """Nothing is missing from an object of no bytes."""
    obj = await cache.open(CONTENT, 0)
    assert obj.missing(0, 0) is None
    assert await obj.read(0, 0) == b""
    assert await obj.store(0, memoryview(b""))
    obj.close()
    assert await cache.evict(CONTENT) == 0


async def test_two_opens_see_one_object(cache: PageCache) -> None:
    """What one opener stores, another reads; closing one leaves the other alone."""
    first = await cache.open(CONTENT, SIZE)
    second = await cache.open(CONTENT, SIZE)
    assert await first.store(0, view(0, PAGE_SIZE))
    first.close()
    assert await fetched(second, 0, PAGE_SIZE) == BODY[:PAGE_SIZE]
    second.close()


async def test_evict_drops_what_is_recorded(cache: PageCache) -> None:
    """Evicting frees the bytes of the version, open or closed, and it can be filled again."""
    obj = await cache.open(CONTENT, SIZE)
    for _ in range(2):
        assert await obj.store(0, view(0, SIZE))
        assert await cache.evict(CONTENT) == SIZE
        assert obj.cached_bytes == 0
        assert await fetched(obj, 0, 1) is None
    assert await obj.store(0, view(0, SIZE))
    obj.close()
    assert await cache.evict(CONTENT) == SIZE
    assert cache.cached_bytes(CONTENT, SIZE) == 0
    assert cache.stats().size_bytes == 0
    assert cache.stats().objects == 0


async def test_pinned_blocks_stay(cache: PageCache) -> None:
    """`evict` leaves pinned blocks; pins are counted."""
    obj = await cache.open(CONTENT, SIZE)
    assert await obj.store(0, view(0, SIZE))
    obj.pin(1)
    obj.pin(1)
    obj.unpin(1)
    assert await cache.evict(CONTENT) == SIZE - BLOCK
    assert await fetched(obj, BLOCK, BLOCK) == BODY[BLOCK : 2 * BLOCK]
    assert obj.missing(0, SIZE) == (0, BLOCK)
    obj.unpin(1)
    assert await cache.evict(CONTENT) == BLOCK
    obj.close()


async def test_the_cache_stays_within_its_size(make_cache: CacheFactory) -> None:
    """A data set four times the size passes through; what is still recorded is right."""
    async with make_cache(4 * MIB, BLOCK) as cache:
        contents = [CONTENT._replace(key=str(number)) for number in range(24)]
        for content in contents:
            obj = await cache.open(content, SIZE)
            assert await obj.store(0, view(0, SIZE))
            assert cache.stats().size_bytes <= 4 * MIB
            obj.close()
        assert cache.stats().evicted_bytes >= 24 * SIZE - 4 * MIB
        assert cache.stats().size_bytes > MIB
        for content in contents:
            obj = await cache.open(content, SIZE)
            for offset in range(0, SIZE, PAGE_SIZE):
                data = await fetched(obj, offset, min(PAGE_SIZE, SIZE - offset))
                assert data is None or data == BODY[offset : offset + PAGE_SIZE]
            obj.close()


async def test_an_object_larger_than_the_cache_does_not_stop_it(make_cache: CacheFactory) -> None:
    """One open object evicts its own blocks; each stored range is served right after."""
    async with make_cache(2 * MIB, BLOCK) as cache:
        pages = 128
        obj = await cache.open(CONTENT, pages * PAGE_SIZE)
        for page in range(0, pages, 2):
            data = bytes([page]) * (2 * PAGE_SIZE)
            assert await obj.store(page * PAGE_SIZE, memoryview(data))
            obj.touch(page * PAGE_SIZE // BLOCK)
            assert cache.stats().size_bytes <= 2 * MIB
        assert cache.stats().evicted_blocks > 0
        obj.close()


async def test_stores_are_refused_while_everything_is_pinned(make_cache: CacheFactory) -> None:
    """With no block that may go, a store returns False and nothing is lost."""
    async with make_cache(MIB, BLOCK) as cache:
        pinned = await cache.open(CONTENT, MIB - BLOCK)
        body = bytes(MIB - BLOCK)
        for block in range(len(body) // BLOCK):
            pinned.pin(block)
        assert await pinned.store(0, memoryview(body))
        other = await cache.open(CONTENT._replace(key="other"), 2 * BLOCK)
        assert not await other.store(0, memoryview(bytes(2 * BLOCK)))
        assert await fetched(pinned, 0, len(body)) == body
        pinned.unpin(0)
        assert await other.store(0, memoryview(bytes(2 * BLOCK)))
        for block in range(1, len(body) // BLOCK):
            pinned.unpin(block)
        pinned.close()
        other.close()


async def test_a_right_digest_changes_nothing(cache: PageCache) -> None:
    """A whole object that matches its digest stays."""
    obj = await cache.open(CONTENT, SIZE, Digest("md5", hashlib.md5(BODY).digest()))
    assert await obj.store(0, view(0, SIZE))
    assert obj.cached_bytes == SIZE
    assert cache.stats().corrupt_pages == 0
    obj.close()


async def test_a_wrong_digest_drops_the_object(cache: PageCache) -> None:
    """Bytes that do not match the backend's digest are never served, and counted."""
    obj = await cache.open(CONTENT, SIZE, Digest("md5", bytes(16)))
    with pytest.raises(Corrupted):
        await obj.store(0, view(0, SIZE))
    assert obj.cached_bytes == 0
    assert await fetched(obj, 0, 1) is None
    assert cache.stats().corrupt_pages == 11
    assert cache.stats().size_bytes == 0
    obj.close()


async def test_an_unknown_digest_is_ignored(cache: PageCache) -> None:
    """An algorithm without a checker here does not stop the object from being cached."""
    obj = await cache.open(CONTENT, SIZE, Digest("crc32c", bytes(4)))
    assert await obj.store(0, view(0, SIZE))
    assert obj.cached_bytes == SIZE
    obj.close()


@pytest.mark.parametrize("shuffled", [False, True])
async def test_epochs_over_twice_the_cache_keep_a_third(make_cache: CacheFactory, *, shuffled: bool) -> None:
    """From the third epoch on, cyclic or shuffled anew each time, at least 0.3 of the blocks are hits."""
    draw = random.Random(3)
    async with make_cache(8 * MIB, PAGE_SIZE) as cache:
        obj = await cache.open(CONTENT, 16 * MIB)
        total = 16 * MIB // PAGE_SIZE
        hits = []
        for _ in range(6):
            order = draw.sample(range(total), total) if shuffled else range(total)
            seen = 0
            for block in order:
                obj.touch(block)
                if await fetched(obj, block * PAGE_SIZE, PAGE_SIZE) is not None:
                    seen += 1
                else:
                    assert await obj.store(block * PAGE_SIZE, memoryview(bytes(PAGE_SIZE)))
            hits.append(seen / total)
        assert sum(hits[2:]) / len(hits[2:]) >= 0.3
        obj.close()
