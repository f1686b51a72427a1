"""The disk cache over its life: restarts, descriptors, digests, eviction on the disk."""

import asyncio
import hashlib
import os
import random
from pathlib import Path

import pytest

from tests.support.crashing_cache import BLOCK, BODY, CONTENT, MIB, SIZE, disk_bytes, fill, object_files
from warpdrive.adapters.cache.disk import DiskCache
from warpdrive.adapters.cache.errors import CacheInUse
from warpdrive.application.ports.objects import Digest
from warpdrive.domain.content.pages import PAGE_SIZE


async def test_pages_survive_an_orderly_restart(tmp_path: Path) -> None:
    """What was recorded is served without being verified again."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        assert cache.cached_bytes(CONTENT, SIZE) == SIZE
        assert cache.stats().size_bytes == SIZE
        obj = await cache.open(CONTENT, SIZE)
        assert obj.table.suspects == 0
        assert await obj.read(0, SIZE) == BODY
        obj.close()
        assert await cache.contents() == [CONTENT]


async def test_eviction_gives_the_disk_its_space_back(tmp_path: Path) -> None:
    """Holes are punched under an open object; a whole object's file is unlinked."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await fill(cache)
        obj.pin(0)
        assert await cache.evict(CONTENT) == SIZE - BLOCK
        assert disk_bytes(tmp_path) <= BLOCK + PAGE_SIZE
        obj.unpin(0)
        await cache.evict(CONTENT)
        assert object_files(tmp_path) == []
        obj.close()


async def test_blocks_of_closed_objects_are_evicted(tmp_path: Path) -> None:
    """An object found at start and never opened gives up single blocks; the rest stays right."""
    big = random.Random(5).randbytes(3 * MIB)
    async with DiskCache(tmp_path, 4 * MIB, BLOCK) as cache:
        (await fill(cache, CONTENT, big)).close()
    async with DiskCache(tmp_path, 4 * MIB, BLOCK) as cache:
        (await fill(cache, CONTENT._replace(key="other"))).close()
        (await fill(cache, CONTENT._replace(key="third"))).close()
        await cache.settled()
        assert cache.stats().evicted_blocks > 0
        left = cache.cached_bytes(CONTENT, len(big))
        assert 0 < left < len(big)
        obj = await cache.open(CONTENT, len(big))
        assert obj.cached_bytes == left
        served = 0
        for offset in range(0, len(big), PAGE_SIZE):
            data = await obj.read(offset, PAGE_SIZE)
            assert data is None or data == big[offset : offset + PAGE_SIZE]
            served += len(data or b"")
        assert served == left
        obj.close()


def test_opening_an_unknown_object_never_waits(tmp_path: Path) -> None:
    """`open` finishes without a single suspension and without touching the disk."""

    async def scenario() -> None:
        async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
            coroutine = cache.open(CONTENT, SIZE)
            with pytest.raises(StopIteration) as finished:
                coroutine.send(None)
            assert object_files(tmp_path) == []
            finished.value.value.close()

    asyncio.run(scenario())


def open_files(path: Path) -> list[str]:
    """List this process' open object files below `path`."""
    names = [os.path.realpath(f"/proc/self/fd/{number}") for number in range(200)]
    return [name for name in names if name.startswith(f"{path}/objects/")]


async def test_descriptors_are_bounded(tmp_path: Path) -> None:
    """Closed objects beyond the bound give up their descriptor and come back from the index."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK, keep_closed=3) as cache:
        contents = [CONTENT._replace(key=str(number)) for number in range(12)]
        for number, content in enumerate(contents):
            (await fill(cache, content, bytes([number]) * 1000)).close()
        await cache.settled()
        for number, content in enumerate(contents):
            obj = await cache.open(content, 1000)
            assert await obj.read(0, 1000) == bytes([number]) * 1000
            obj.close()
        assert len(open_files(tmp_path)) <= 4


async def test_the_size_is_cut_to_what_the_disk_has(tmp_path: Path) -> None:
    """A `max_bytes` beyond the disk becomes nine tenths of what is free or already ours."""
    async with DiskCache(tmp_path, 1 << 60, BLOCK) as cache:
        free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
        assert cache.stats().max_bytes == pytest.approx(0.9 * free, rel=0.05)


async def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    """Also within one process."""
    async with DiskCache(tmp_path, MIB, BLOCK):
        with pytest.raises(CacheInUse):
            async with DiskCache(tmp_path, MIB, BLOCK):
                pass


async def test_an_object_completed_in_parts_is_checked(tmp_path: Path) -> None:
    """The digest is checked when the last page is recorded; wrong objects are dropped, right ones stay."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        for value, left in ((hashlib.md5(BODY).digest(), SIZE), (bytes(16), 0)):
            content = CONTENT._replace(version=value.hex())
            obj = await cache.open(content, SIZE, Digest("md5", value))
            assert await obj.store(4 * PAGE_SIZE, memoryview(BODY)[4 * PAGE_SIZE :])
            assert await obj.store(0, memoryview(BODY)[: 4 * PAGE_SIZE])
            await cache.settled()
            assert obj.cached_bytes == left
            obj.close()
        assert cache.stats().corrupt_pages == 11
        assert disk_bytes(tmp_path) <= SIZE + 2 * PAGE_SIZE, "the wrong object's space is given back"


async def test_concurrent_stores_share_a_small_cache(tmp_path: Path) -> None:
    """Many stores at once never take more than the maximum, and each either succeeds or says no."""
    async with DiskCache(tmp_path, 4 * MIB, BLOCK) as cache:
        peak = 0

        async def one(number: int) -> bool:
            nonlocal peak
            obj = await cache.open(CONTENT._replace(key=str(number)), SIZE)
            stored = await obj.store(0, memoryview(BODY))
            peak = max(peak, cache.stats().size_bytes)
            if stored and (data := await obj.read(0, SIZE)) is not None:
                assert data == BODY
            obj.close()
            return stored

        outcomes = await asyncio.gather(*(one(number) for number in range(60)))
        assert peak <= 4 * MIB
        assert sum(outcomes) >= 20
        await cache.settled()
        assert disk_bytes(tmp_path) <= 5 * MIB


async def test_block_size_may_change_between_runs(tmp_path: Path) -> None:
    """Blocks are a unit of eviction, not of the format."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        (await fill(cache)).close()
    async with DiskCache(tmp_path, 64 * MIB, PAGE_SIZE) as cache:
        assert cache.cached_bytes(CONTENT, SIZE) == SIZE
        assert await cache.evict(CONTENT) == SIZE
        assert cache.stats().evicted_blocks == 11


async def test_a_smaller_size_than_last_time_is_reached_at_start(tmp_path: Path) -> None:
    """What is recorded beyond the new maximum leaves without waiting for a store."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        for number in range(8):
            (await fill(cache, CONTENT._replace(key=str(number)))).close()
    async with DiskCache(tmp_path, 2 * MIB, BLOCK) as cache:
        async with asyncio.timeout(10):
            while cache.stats().size_bytes > 2 * MIB * 0.8:  # noqa: ASYNC110 - a figure has no event to wait for
                await asyncio.sleep(0.005)
        assert cache.stats().size_bytes > 0
