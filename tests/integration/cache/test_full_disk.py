"""On a disk that fills up under it, the cache makes room or steps aside, and readers never see an error."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.crashing_cache import BLOCK, BODY, CONTENT, MIB, SIZE, fill
from warpdrive.adapters.cache import DiskCache

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")

DISK = 16 * MIB


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a tmpfs of 16 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def take_all_space(path: Path, leave: int) -> None:
    """Fill the disk with somebody else's file, but for `leave` bytes."""
    figures = os.statvfs(path.parent)
    path.write_bytes(bytes(max(figures.f_bavail * figures.f_frsize - leave, 0)))


async def test_a_full_disk_makes_the_cache_give_way(small_disk: Path) -> None:
    """When others took the space, stores evict older blocks and succeed."""
    async with DiskCache(small_disk / "cache", DISK, BLOCK) as cache:
        for number in range(6):
            (await fill(cache, CONTENT._replace(key=str(number)))).close()
        take_all_space(small_disk / "other", leave=SIZE // 4)
        obj = await fill(cache, CONTENT._replace(key="new"))
        assert await obj.read(0, SIZE) == BODY
        assert cache.stats().evicted_blocks > 0
        assert not cache.stats().degraded
        obj.close()


async def test_a_disk_that_stays_full_degrades_the_cache(small_disk: Path) -> None:
    """With nothing of its own to evict the cache refuses stores, goes on serving, and recovers after the pause."""
    now = 0.0
    async with DiskCache(small_disk / "cache", DISK, BLOCK, monotonic=lambda: now) as cache:
        kept = await fill(cache)
        for block in range(3):
            kept.pin(block)
        other = small_disk / "other"
        take_all_space(other, leave=0)
        obj = await cache.open(CONTENT._replace(key="new"), SIZE)
        assert not await obj.store(0, memoryview(BODY))
        assert cache.stats().degraded
        assert cache.stats().store_failures == 1
        assert obj.cached_bytes == 0
        assert await kept.read(0, SIZE) == BODY
        other.unlink()
        assert not await obj.store(0, memoryview(BODY)), "stores are suspended until the pause is over"
        now = 60.0
        assert await obj.store(0, memoryview(BODY))
        assert not cache.stats().degraded
        assert await obj.read(0, SIZE) == BODY
        obj.close()
        kept.close()


async def test_a_full_disk_at_the_end_loses_only_records(small_disk: Path) -> None:
    """When the index cannot be written any more, the next start finds an unclean cache and serves right bytes."""
    path = small_disk / "cache"
    async with DiskCache(path, DISK, BLOCK) as cache:
        kept = await fill(cache)
        await cache.settled()
        kept.close()
        take_all_space(small_disk / "other", leave=0)
        await cache.evict(CONTENT)
    (small_disk / "other").unlink()
    async with DiskCache(path, DISK, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        data = await obj.read(0, SIZE)
        assert data is None or data == BODY
        assert await obj.store(0, memoryview(BODY))
        assert await obj.read(0, SIZE) == BODY
        obj.close()
