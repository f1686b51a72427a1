"""Whole files into the cache and out of it."""

import pytest

from tests.support.read_half import BLOCK, PAGE, ReadHalf, pattern, reading
from warpdrive.application.mount.errors import BackendOffline
from warpdrive.application.mount.warming import TreeFile
from warpdrive.application.ports.errors import Corrupted, Unavailable, VersionChanged

DATA = pattern(2 * BLOCK + 100)


async def walked(half: ReadHalf, path: str = "/d/f") -> TreeFile:
    """The file as a walk yields it."""
    (item,) = [item async for item in half.walker.walk(path, recursive=False)]
    assert isinstance(item, TreeFile)
    return item


async def test_a_file_is_filled_counted_and_evicted() -> None:
    """There and back."""
    async with reading({"f": DATA}) as half:
        file = await walked(half)
        added: list[int] = []
        assert half.filler.cached_bytes(file) == 0
        await half.filler.fill(file, None, added.append)
        assert (sum(added), half.filler.cached_bytes(file)) == (len(DATA), len(DATA))
        assert await half.filler.evict(file) == len(DATA)
        assert half.filler.cached_bytes(file) == 0


async def test_ranges_are_clamped_to_the_file() -> None:
    """Whole pages of what exists."""
    async with reading({"f": DATA}) as half:
        file = await walked(half)
        await half.filler.fill(file, ((-5, 10), (2 * BLOCK, 1 << 40)), lambda _: None)
        assert half.filler.cached_bytes(file) == PAGE + 100


async def test_a_file_that_moved_on_is_said_and_looked_up_anew() -> None:
    """VersionChanged, and the path no longer leads to the old version."""
    async with reading({"f": DATA}) as half:
        file = await walked(half)
        inode = await half.mount.lookup("/d/f")
        half.mount.put("/d", "f", b"new")
        with pytest.raises(VersionChanged):
            await half.filler.fill(file, None, lambda _: None)
        assert not half.mount.inodes.is_current(inode)
        assert (await walked(half)).size == 3


async def test_a_fault_leaves_nothing_open() -> None:
    """The content is given back whatever happens."""
    async with reading({"f": DATA}) as half:
        file = await walked(half)
        half.reader.faults.append(Unavailable("reset"))
        with pytest.raises(Unavailable):
            await half.filler.fill(file, None, lambda _: None)
        await half.quiet()
        half.scheduler.drop_lingering()
        assert (half.contents._open, half.pool.in_use) == ({}, 0)


async def test_an_empty_file_is_full() -> None:
    """No request at all."""
    async with reading({"f": b""}) as half:
        await half.filler.fill(await walked(half), None, lambda _: None)
        assert half.asked == []


async def test_a_file_of_a_backend_that_went_offline_is_a_refusal() -> None:
    """The fault of the mount entry, not of the run."""
    async with reading({"f": DATA}) as half:
        file = await walked(half)
        backend = half.mount.tree.backend_of("/d/f")
        backend._reader = None
        with pytest.raises(BackendOffline):
            await half.filler.fill(file, None, lambda _: None)


async def test_warming_checks_the_digest_as_reading_does() -> None:
    """Bytes that differ from what the backend says of the whole object are not kept."""
    async with reading({"f": DATA}) as half:
        bucket = half.mount.buckets["/d"]
        stored = bucket.objects["f"]
        assert stored.info.digest is not None
        wrong = stored.info._replace(digest=stored.info.digest._replace(value=b"\0" * 16))
        bucket.objects["f"] = type(stored)(wrong, stored.data, stored.metadata)
        file = await walked(half)
        with pytest.raises(Corrupted):
            await half.filler.fill(file, None, lambda _: None)
        assert half.filler.cached_bytes(file) == 0
        assert half.cache.stats().corrupt_pages > 0
