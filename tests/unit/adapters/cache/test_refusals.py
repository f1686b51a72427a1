"""A disk that refuses, and callers that go away, never hurt a reader."""

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from tests.support.crashing_cache import BLOCK, BODY, CONTENT, MIB, SIZE, disk_bytes, fill
from warpdrive.adapters.cache.disk import DiskCache
from warpdrive.adapters.cache.files import ObjectFile, Written
from warpdrive.domain.content.pages import PAGE_SIZE


class ManualTime:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def test_a_refusing_disk_suspends_stores_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EIO makes a store return False; stores pause, reads go on, and after the pause the disk is tried again."""
    time = ManualTime()
    async with DiskCache(tmp_path, 64 * MIB, BLOCK, monotonic=time, pause=30) as cache:
        obj = await fill(cache)
        other = await cache.open(CONTENT._replace(key="other"), 100)
        tries = 0
        write = ObjectFile.write

        def broken(*_: object) -> Written:
            nonlocal tries
            tries += 1
            raise OSError(errno.EIO, "input/output error")

        monkeypatch.setattr(ObjectFile, "write", broken)
        assert not await other.store(0, memoryview(bytes(100)))
        assert not await other.store(0, memoryview(bytes(100)))
        assert tries == 1
        assert cache.stats().degraded
        assert cache.stats().store_failures == 1
        assert await obj.read(0, SIZE) == BODY
        time.now += 31
        assert not await other.store(0, memoryview(bytes(100)))
        assert tries == 2
        monkeypatch.setattr(ObjectFile, "write", write)
        time.now += 31
        assert await other.store(0, memoryview(bytes(100)))
        assert not cache.stats().degraded
        obj.close()
        other.close()


async def test_an_unreadable_page_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EIO on read drops the pages and answers None."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await fill(cache)

        def broken(*_: object) -> bytes | None:
            raise OSError(errno.EIO, "input/output error")

        monkeypatch.setattr(ObjectFile, "read", broken)
        assert await obj.read(0, 2 * PAGE_SIZE) is None
        assert obj.missing(0, SIZE) == (0, 2 * PAGE_SIZE)
        assert cache.stats().size_bytes == SIZE - 2 * PAGE_SIZE
        obj.close()


async def test_a_cancelled_store_is_over_when_its_caller_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buffer may be reused after cancellation: the job has ended, nothing is recorded, nothing is held."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await cache.open(CONTENT, SIZE)
        loop = asyncio.get_running_loop()
        began = asyncio.Event()
        ended = False
        write = ObjectFile.write

        def slow(self: ObjectFile, offset: int, data: memoryview, digest: str | None) -> Written:
            nonlocal ended
            loop.call_soon_threadsafe(began.set)
            for _ in range(20):
                written = write(self, offset, data, digest)
            ended = True
            return written

        monkeypatch.setattr(ObjectFile, "write", slow)
        storing = asyncio.ensure_future(obj.store(0, memoryview(BODY)))
        await began.wait()
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing
        assert ended
        assert obj.cached_bytes == 0
        assert obj.holds == {}
        assert disk_bytes(tmp_path) == 0
        monkeypatch.setattr(ObjectFile, "write", write)
        assert await obj.store(0, memoryview(BODY))
        assert await obj.read(0, SIZE) == BODY
        obj.close()


async def test_a_read_under_way_keeps_its_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eviction passes over blocks that a worker thread is reading, so no hole is punched under it."""
    async with DiskCache(tmp_path, 64 * MIB, BLOCK) as cache:
        obj = await fill(cache)
        loop = asyncio.get_running_loop()
        began, go = asyncio.Event(), threading.Event()
        read = ObjectFile.read

        def slow(self: ObjectFile, offset: int, length: int) -> bytes | None:
            loop.call_soon_threadsafe(began.set)
            assert go.wait(10)
            return read(self, offset, length)

        monkeypatch.setattr(ObjectFile, "read", slow)
        reading = asyncio.ensure_future(obj.read(0, BLOCK))
        await began.wait()
        try:
            assert await cache.evict(CONTENT) == SIZE - BLOCK
        finally:
            go.set()
        assert await reading == BODY[:BLOCK]
        assert await cache.evict(CONTENT) == BLOCK
        obj.close()
