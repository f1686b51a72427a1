"""File operations: a version is pinned, confirmed when its time is up, and given up before ESTALE is said."""

import pytest

from tests.support.read_half import BLOCK, NOBODY, PAGE, pattern, reading
from warpdrive.application.mount.errors import BadHandle, IsADirectory, ReadOnlyEntry, StaleInode
from warpdrive.application.ports.errors import AccessDenied, Unavailable

DATA = pattern(8 * BLOCK + 77)


async def test_reads_are_short_at_the_end_only_and_empty_past_it() -> None:
    """POSIX, and an empty file too."""
    async with reading({"f": DATA, "empty": b""}) as half:
        handle = await half.open("f")
        assert await half.read(handle, 0, len(DATA) + PAGE) == DATA
        assert await half.read(handle, len(DATA) - 5, 100) == DATA[-5:]
        assert await half.read(handle, len(DATA), 100) == b""
        assert await half.read(await half.open("empty"), 0, 100) == b""


async def test_a_handle_keeps_its_version_or_fails_while_a_new_open_gets_the_new_one() -> None:
    """R1: the old handle's cached bytes stay good, what was never fetched is ESTALE."""
    other = pattern(len(DATA), 2)
    async with reading({"f": DATA}) as half:
        old = await half.open("f")
        assert await half.read(old, 0, 10) == DATA[:10]
        half.mount.put("/d", "f", other)
        half.mount.clock.advance(61)
        with pytest.raises(StaleInode):
            await half.read(old, 7 * BLOCK, 10)
        new = await half.open("f")
        assert await half.read(new, 0, 10) == other[:10]
        assert await half.read(old, 0, 10) == DATA[:10]


async def test_losing_the_version_makes_the_path_ask_anew_before_estale_is_raised() -> None:
    """R2: whoever looks the path up after that error is not shown the old version."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        inode = await half.mount.lookup("/d/f")
        half.mount.remove("/d", "f")
        with pytest.raises(StaleInode):
            await half.read(handle, 0, 10)
        assert not half.mount.inodes.is_current(inode)


async def test_within_its_lifetime_an_open_asks_nothing() -> None:
    """The lookup has said what there is to say."""
    async with reading({"f": DATA}) as half:
        await half.mount.lookup("/d/f")
        half.reader.stats = 0
        await half.open("f")
        assert (half.reader.stats, half.asked) == (0, [])


async def test_past_its_lifetime_the_first_get_confirms_the_version() -> None:
    """One ranged GET, no HEAD (R2); the read after it is served by the same request."""
    async with reading({"f": DATA}) as half:
        inode = await half.mount.lookup("/d/f")
        half.mount.clock.advance(61)
        half.reader.stats = 0
        handle = (await half.files.open(inode.number, writable=False, caller=NOBODY)).handle
        assert await half.read(handle, 0, 10) == DATA[:10]
        assert (half.reader.stats, len(half.asked)) == (0, 1)
        assert half.mount.tree.is_fresh(inode)


async def test_past_its_lifetime_a_fully_cached_file_costs_one_head() -> None:
    """There is nothing to GET."""
    async with reading({"f": DATA}) as half:
        await half.read(await half.open("f"), 0, len(DATA))
        await half.quiet()
        inode = await half.mount.lookup("/d/f")
        half.mount.clock.advance(61)
        half.reader.stats = 0
        half.reader.requests.clear()
        await half.files.open(inode.number, writable=False, caller=NOBODY)
        assert (half.reader.stats, half.asked) == (1, [])


async def test_a_changed_file_is_stale_at_open_past_its_lifetime() -> None:
    """The kernel then looks the path up again; nothing of the refused open stays."""
    async with reading({"f": DATA}) as half:
        inode = await half.mount.lookup("/d/f")
        half.mount.clock.advance(61)
        half.mount.put("/d", "f", b"new")
        with pytest.raises(StaleInode):
            await half.files.open(inode.number, writable=False, caller=NOBODY)
        await half.quiet()
        assert (half.files.open_handles, inode.handles, half.pool.in_use) == (0, 0, 0)
        assert (await half.mount.lookup("/d/f")).size == 3


async def test_headers_that_came_long_ago_confirm_nothing() -> None:
    """A fetch that lingers because the disk refused it was answered before the lifetime began (R2)."""
    async with reading({"f": DATA}) as half:
        half.cache.refuse = True
        inode = await half.mount.lookup("/d/f")
        inode.lookups += 1
        content = await half.content("f")
        await half.scheduler.ahead(content, 0, BLOCK).ended.wait()
        half.mount.clock.advance(61)
        half.mount.put("/d", "f", pattern(len(DATA), 2))
        with pytest.raises(StaleInode):
            await half.files.open(inode.number, writable=False, caller=NOBODY)


async def test_a_fault_at_open_leaves_nothing_open() -> None:
    """The backend is down when the version has to be confirmed."""
    async with reading({"f": b""}) as half:
        inode = await half.mount.lookup("/d/f")
        half.mount.clock.advance(61)

        async def down(key: str) -> None:
            raise AccessDenied(key)

        half.reader.stat = down  # type: ignore[method-assign,assignment]  # one verb of the twin fails
        with pytest.raises(AccessDenied):
            await half.files.open(inode.number, writable=False, caller=NOBODY)
        assert (half.files.open_handles, inode.handles) == (0, 0)


async def test_a_backend_fault_passes_through_a_read_and_the_handle_lives() -> None:
    """EIO once, and the next read tries again."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        half.reader.faults.append(Unavailable("reset"))
        with pytest.raises(Unavailable):
            await half.read(handle, 0, 4 * BLOCK)
        assert await half.read(handle, 0, PAGE) == DATA[:PAGE]


async def test_what_cannot_be_opened() -> None:
    """Directories, files for writing, inodes whose path has moved on."""
    async with reading({"f": DATA, "sub/g": b""}) as half:
        with pytest.raises(IsADirectory):
            await half.files.open((await half.mount.lookup("/d/sub")).number, writable=False, caller=NOBODY)
        inode = await half.mount.lookup("/d/f")
        with pytest.raises(ReadOnlyEntry):
            await half.files.open(inode.number, writable=True, caller=NOBODY)
        inode.lookups += 1
        half.mount.tree.supersede("/d/f")
        with pytest.raises(StaleInode):
            await half.files.open(inode.number, writable=False, caller=NOBODY)


async def test_release_gives_everything_back() -> None:
    """Handle, inode, content, prefetches and buffers; twice is an error."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        inode = await half.mount.lookup("/d/f")
        await half.read(handle, 0, PAGE)
        await half.quiet()
        await half.read(handle, 5 * BLOCK, 3 * PAGE)
        await half.quiet()
        await half.files.release(handle)
        await half.quiet()
        assert (half.files.open_handles, inode.handles, half.pool.in_use) == (0, 0, 0)
        backend, info = await half.mount.tree.file_at("/d/f")
        assert half.contents.find(backend, info) is None
        with pytest.raises(BadHandle):
            await half.files.release(handle)
        with pytest.raises(BadHandle):
            await half.read(handle, 0, 1)


async def test_hits_and_misses_are_counted_by_read() -> None:
    """A hit came from memory or disk, a miss waited for the backend."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        await half.read(handle, 0, 100)
        await half.quiet()
        await half.read(handle, 0, 100)
        assert (half.counters.misses, half.counters.hits, half.counters.bytes_served) == (1, 1, 200)
