"""Prefetch: what comes next, within what may be in flight; nothing twice, nothing forgotten."""

from tests.support.read_half import BLOCK, PAGE, ReadHalf, fetches_of, pattern, reading
from warpdrive.application.mount.prefetch import Target

DATA = pattern(8 * BLOCK)
SMALL = {f"f{n:02}": pattern(100, n) for n in range(40)}


async def read_through(half: ReadHalf, handle: int, stop: int, step: int = PAGE) -> bytes:
    """Read from the beginning in requests of one size, each after all is quiet."""
    parts = []
    for offset in range(0, stop, step):
        parts.append(await half.read(handle, offset, min(step, stop - offset)))
        await half.quiet()
    return b"".join(parts)


async def test_a_sequential_reader_asks_for_every_byte_once() -> None:
    """Demand and prefetch do not overlap, and after the start no read waits."""
    async with reading({"f": DATA}) as half:
        assert await read_through(half, await half.open("f"), len(DATA)) == DATA
        assert sum(length for _, length in half.asked) == len(DATA)
        assert half.counters.misses <= 2


async def test_blocks_prefetched_and_read_are_hits_and_the_others_waste() -> None:
    """Counted when a reader enters the block, or the content closes without one."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        await read_through(half, handle, 4 * BLOCK + PAGE)
        await half.files.release(handle)
        half.scheduler.drop_lingering()
        await half.quiet()
        assert half.counters.readahead_hits == 1
        assert half.counters.readahead_wasted >= 1


async def test_a_random_reader_sets_nothing_off() -> None:
    """Only the pages asked for."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        for block in (5, 2, 7, 0, 3):
            await half.read(handle, block * BLOCK + 10, 100)
            await half.quiet()
        assert all(length <= PAGE for _, length in half.asked)


async def test_a_window_cut_short_for_want_of_room_is_taken_up_again() -> None:
    """Many handles share the bytes in flight: what did not fit is fetched ahead as soon as it does."""
    async with reading({"f": DATA, "g": DATA}, limit=8 * BLOCK) as half:
        content, other = await half.content("f"), await half.content("g")
        await half.read_path.fill(content, 0, BLOCK, lambda _: None)
        gate = half.hold_bodies()
        for at in range(4):
            half.scheduler.ahead(other, at * BLOCK, (at + 1) * BLOCK)
        assert half.scheduler.room_ahead() == 0
        handle = await half.open("f")
        await half.read(handle, 0, PAGE)
        await half.read(handle, PAGE, PAGE)
        half.let_bodies(gate)
        await half.quiet()
        await half.read(handle, 2 * PAGE, PAGE)
        await half.quiet()
        assert content.cached.missing(BLOCK, 2 * BLOCK) is None, "planned, refused for want of room, and forgotten"


async def test_closing_gives_up_what_was_fetched_for_the_handle_alone() -> None:
    """Queued and running prefetches go; nothing is held."""
    async with reading({"f": DATA}) as half:
        handle = await half.open("f")
        await half.read(handle, 0, PAGE)
        await half.quiet()
        half.hold_bodies()
        await half.read(handle, PAGE, PAGE)
        await half.quiet()
        await half.files.release(handle)
        await half.quiet()
        assert (half.pool.in_use, half.scheduler.room_ahead()) == (0, half.pool.limit // 2)


async def test_a_target_is_fetched_in_the_ranges_it_names() -> None:
    """Clipped to the object, whole pages, [start, None) to the end."""
    async with reading({"f": DATA}) as half:
        backend, info = await half.mount.tree.file_at("/d/f")
        assert await half.prefetcher.fetch(Target(backend, info, ((10, 20), (7 * BLOCK + 5, None), (1 << 40, None))))
        await half.quiet()
        assert half.asked == [(0, PAGE), (7 * BLOCK, BLOCK)]


async def test_a_target_that_does_not_fit_says_so_and_goes_on_where_it_was() -> None:
    """False means: ask again; what was started is not started again."""
    async with reading({"f": DATA}, limit=4 * BLOCK) as half:
        target = Target(*await half.mount.tree.file_at("/d/f"))
        gate = half.hold_bodies()
        assert not await half.prefetcher.fetch(target)
        half.let_bodies(gate)
        while not await half.prefetcher.fetch(target):
            await half.prefetcher.wait_for_room()
        await half.quiet()
        assert sorted(half.asked) == [(at * BLOCK, BLOCK) for at in range(8)]


async def test_files_opened_in_name_order_have_the_next_ones_fetched() -> None:
    """From the second open on; each once, and the files already open not again."""
    async with reading(SMALL) as half:
        await half.mount.names("/d")
        for name in ("f00", "f01"):
            await half.read(await half.open(name), 0, 100)
        await half.quiet()
        asked = [key for key, _, _ in half.reader.requests]
        assert asked == [f"f{n:02}" for n in range(2 + 16)]


async def test_files_opened_in_any_other_order_set_nothing_off() -> None:
    """A shuffled epoch."""
    async with reading(SMALL) as half:
        await half.mount.names("/d")
        for name in ("f30", "f07", "f19", "f02", "f33"):
            await half.read(await half.open(name), 0, 100)
        await half.quiet()
        assert len(half.asked) == 5


async def test_a_failing_prefetch_is_nobodys_error() -> None:
    """The reader that comes later asks for itself."""
    async with reading({"f": DATA}) as half:
        target = Target(*await half.mount.tree.file_at("/d/f"), ranges=((0, PAGE),))
        half.mount.put("/d", "f", b"changed")
        assert await half.prefetcher.fetch(target)
        await half.quiet()
        assert (len(half.failed), half.pool.in_use) == (1, 0)


async def test_an_evicted_page_between_recorded_ones_is_all_that_is_asked_for() -> None:
    """Holes only; what is under way is left alone."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        for at in (0, 2 * PAGE, 3 * PAGE):
            await half.read_path.fill(content, at, at + PAGE, lambda _: None)
        half.scheduler.drop_lingering()
        half.reader.requests.clear()
        half.hold_bodies()
        half.scheduler.ahead(content, 5 * PAGE, 6 * PAGE)
        target = Target(*await half.mount.tree.file_at("/d/f"), ranges=((0, 7 * PAGE),))
        assert await half.prefetcher.fetch(target)
        assert [each[:2] for each in fetches_of(content)] == [
            (PAGE, 2 * PAGE),
            (4 * PAGE, 5 * PAGE),
            (5 * PAGE, 6 * PAGE),
            (6 * PAGE, 7 * PAGE),
        ]
