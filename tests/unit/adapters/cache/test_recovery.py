"""After a crash the cache serves only what is right and leaks nothing."""

import os
from pathlib import Path

from tests.support.crashing_cache import BLOCK, BODY, CONTENT, MIB, SIZE, CrashingCache, disk_bytes, fill, object_files
from warpdrive.adapters.cache.disk import DiskCache
from warpdrive.domain.content.pages import PAGE_SIZE


async def test_committed_pages_survive_a_crash_and_are_verified(tmp_path: Path) -> None:
    """After an unclean shutdown pages are read once against their checksums, then peeked like any other."""
    async with CrashingCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
        await cache.settled()
        cache.crash = True
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        assert obj.missing(0, SIZE) is None
        assert obj.peek(0, PAGE_SIZE) is None
        assert await obj.read(0, SIZE) == BODY
        assert obj.table.suspects == 0
        seen = obj.peek(100, PAGE_SIZE)
        assert seen is not None
        assert bytes(seen) == BODY[100 : 100 + PAGE_SIZE]
        obj.close()


async def test_flipped_bits_are_never_served_after_a_crash(tmp_path: Path) -> None:
    """The page with a flipped bit is dropped and counted; its neighbours are served; it can be stored again."""
    async with CrashingCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
        await cache.settled()
        cache.crash = True
    (file,) = object_files(tmp_path)
    with file.open("r+b") as raw:
        raw.seek(3 * PAGE_SIZE + 77)
        raw.write(bytes([BODY[3 * PAGE_SIZE + 77] ^ 4]))
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        assert await obj.read(0, SIZE) is None
        assert cache.stats().corrupt_pages == 1
        assert obj.missing(0, SIZE) == (3 * PAGE_SIZE, 4 * PAGE_SIZE)
        assert await obj.read(4 * PAGE_SIZE, SIZE - 4 * PAGE_SIZE) == BODY[4 * PAGE_SIZE :]
        assert await obj.store(3 * PAGE_SIZE, memoryview(BODY)[3 * PAGE_SIZE : 4 * PAGE_SIZE])
        assert await obj.read(0, SIZE) == BODY
        obj.close()


async def test_a_truncated_file_is_never_served(tmp_path: Path) -> None:
    """Pages past a file's end are missing, crash or not."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
    (file,) = object_files(tmp_path)
    os.truncate(file, 2 * PAGE_SIZE)
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        assert obj.peek(2 * PAGE_SIZE, PAGE_SIZE) is None
        assert await obj.read(2 * PAGE_SIZE, PAGE_SIZE) is None
        assert obj.missing(2 * PAGE_SIZE, 3 * PAGE_SIZE) == (2 * PAGE_SIZE, 3 * PAGE_SIZE)
        assert cache.stats().corrupt_pages == 1
        assert await obj.read(0, 2 * PAGE_SIZE) == BODY[: 2 * PAGE_SIZE]
        obj.close()


async def test_a_crash_leaks_no_disk_space(tmp_path: Path) -> None:
    """Files without rows are deleted and unrecorded pages of others are punched at the next start."""
    async with CrashingCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        assert await obj.store(0, memoryview(BODY)[:PAGE_SIZE])
        await cache.settled()
        # From here on nothing reaches the index.
        cache._recorder._snapshot = dict  # type: ignore[method-assign]  # the process "dies" before its next group
        assert await obj.store(PAGE_SIZE, memoryview(BODY)[PAGE_SIZE:])
        (await fill(cache, CONTENT._replace(key="unknown"))).close()
        obj.close()
        cache.crash = True
    assert disk_bytes(tmp_path) >= 2 * (SIZE - PAGE_SIZE)
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        assert len(object_files(tmp_path)) == 1
        assert disk_bytes(tmp_path) <= 2 * PAGE_SIZE
        assert cache.stats().size_bytes == PAGE_SIZE
        obj = await cache.open(CONTENT, SIZE)
        assert await obj.read(0, PAGE_SIZE) == BODY[:PAGE_SIZE]
        assert obj.missing(0, SIZE) == (PAGE_SIZE, SIZE)
        obj.close()


async def test_rows_without_a_file_are_dropped(tmp_path: Path) -> None:
    """An object whose file vanished before an unclean start is not known any more."""
    async with CrashingCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
        await cache.settled()
        cache.crash = True
    object_files(tmp_path)[0].unlink()
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        assert cache.cached_bytes(CONTENT, SIZE) == 0
        assert cache.stats().objects == 0


async def test_an_unreadable_index_empties_the_cache(tmp_path: Path) -> None:
    """It is a cache: a broken index is replaced and no file is left behind."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
    (tmp_path / "index.sqlite").write_bytes(b"not a database " * 1000)
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        assert cache.stats().size_bytes == 0
        assert object_files(tmp_path) == []
        (await fill(cache)).close()


async def test_evicted_pages_stay_evicted_after_a_crash(tmp_path: Path) -> None:
    """No older snapshot of a row brings back a page whose hole is punched."""
    async with CrashingCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await fill(cache)
        obj.pin(2)
        await cache.evict(CONTENT)
        obj.unpin(2)
        obj.close()
        cache.crash = True
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        assert obj.cached_bytes == SIZE - 2 * BLOCK
        assert obj.missing(0, SIZE) == (0, 2 * BLOCK)
        assert await obj.read(2 * BLOCK, SIZE - 2 * BLOCK) == BODY[2 * BLOCK :]
        obj.close()
