"""Fetches: shared, bounded, demand first; nothing leaks whoever is cancelled."""

import anyio
import pytest

from tests.support.read_half import BLOCK, KIB, MIB, PAGE, only_fetch, pattern, reading
from warpdrive.application.mount.fetching import FetchCancelled
from warpdrive.application.ports.errors import ShortBody, Unavailable

DATA = pattern(4 * BLOCK)


async def test_a_reader_gets_its_bytes_while_the_rest_is_still_on_its_way() -> None:
    """A wait ends with the bytes it is for, not with the fetch."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        fetch = half.scheduler.demand(content, 0, BLOCK)
        await fetch.wait(1)
        assert 0 < fetch.filled < BLOCK
        assert fetch.view(0, fetch.filled) == DATA[: fetch.filled]


async def test_headers_come_before_bytes() -> None:
    """Opening waits for the headers only."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.hold_bodies()
        fetch = half.scheduler.demand(content, 0, BLOCK)
        await fetch.wait_started()
        assert (fetch.filled, fetch.info is not None) == (0, True)


async def test_a_failing_fetch_fails_every_waiter_and_gives_all_back() -> None:
    """Bytes that did arrive are served; the others get the error, once each; budget and content are free again."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.reader.faults.append(Unavailable("reset"))
        fetch = half.scheduler.demand(content, 0, BLOCK)
        fetch.readers += 2
        await fetch.wait(BLOCK // 4)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await fetch.wait(BLOCK)
            half.scheduler.release(fetch)
        await half.quiet()
        assert (content.fetches, half.pool.in_use, len(half.failed)) == ([], 0, 1)


async def test_headers_of_a_fetch_that_fails_before_them_are_its_error() -> None:
    """Whoever waits for headers alone is not left waiting."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.mount.remove("/d", "f")
        fetch = half.scheduler.demand(content, 0, BLOCK)
        with pytest.raises(Exception, match="f"):
            await fetch.wait_started()


async def test_a_short_body_is_an_error_and_nothing_is_recorded() -> None:
    """What arrived of a failed fetch was served to those who waited for it; the cache takes whole fetches only."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.reader.faults.append(ShortBody("cut", 0))
        fetch = half.scheduler.demand(content, 0, BLOCK)
        with pytest.raises(ShortBody):
            await fetch.wait(BLOCK)
        assert content.cached.missing(0, BLOCK) == (0, BLOCK)


async def test_a_buffer_stays_while_a_reader_has_yet_to_look() -> None:
    """Two rules in one: settled is not enough, and `readers` 0 is not enough."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        fetch = half.scheduler.demand(content, 0, BLOCK)
        fetch.readers += 1
        await fetch.ended.wait()
        half.scheduler.drop_lingering()
        assert fetch.settled
        assert fetch.view(PAGE, 2 * PAGE) == DATA[PAGE : 2 * PAGE]
        assert half.pool.in_use == BLOCK
        half.scheduler.release(fetch)
        assert half.pool.in_use == 0


async def test_demand_overtakes_prefetches_that_wait() -> None:
    """One place for prefetch, the others kept for readers."""
    async with reading({"f": DATA}, max_parallel=3) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        for at in (0, BLOCK):
            half.scheduler.ahead(content, at, at + BLOCK)
        half.scheduler.demand(content, 2 * BLOCK, 3 * BLOCK)
        await half.quiet()
        assert half.asked == [(0, BLOCK), (2 * BLOCK, BLOCK)]
        half.let_bodies(gate)
        await half.quiet()
        assert half.asked[2:] == [(BLOCK, BLOCK)]


async def test_a_promoted_prefetch_goes_to_the_front() -> None:
    """A reader waits for the last of three queued prefetches: it is the next to start."""
    async with reading({"f": DATA}, max_parallel=1) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        queued = [half.scheduler.ahead(content, at * BLOCK, (at + 1) * BLOCK) for at in range(4)]
        half.scheduler.promote(queued[3])
        half.let_bodies(gate)
        await half.quiet()
        assert [offset // BLOCK for offset, _ in half.asked] == [0, 3, 1, 2]


async def test_a_deserted_demand_fetch_is_cancelled_and_its_place_is_free() -> None:
    """Nobody waits, nobody pays: the request is dropped, the next one runs."""
    async with reading({"f": DATA}, max_parallel=1) as half:
        content = await half.content("f")
        half.hold_bodies()
        fetch = half.scheduler.demand(content, 0, BLOCK)
        fetch.readers += 1
        await half.quiet()
        half.scheduler.desert(fetch)
        await half.quiet()
        assert (content.fetches, half.pool.in_use) == ([], 0)
        half.scheduler.demand(content, BLOCK, 2 * BLOCK)
        await half.quiet()
        assert half.asked[-1] == (BLOCK, BLOCK)


async def test_a_deserted_fetch_goes_on_for_the_reader_that_stays() -> None:
    """Two wait, one is cancelled: the other gets its bytes."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        fetch = half.scheduler.demand(content, 0, BLOCK)
        fetch.readers += 2
        await half.quiet()
        half.scheduler.desert(fetch)
        half.let_bodies(gate)
        await fetch.wait(BLOCK)
        assert fetch.view(0, BLOCK) == DATA[:BLOCK]


async def test_a_queued_demand_fetch_that_is_deserted_never_starts() -> None:
    """It is taken out of the queue."""
    async with reading({"f": DATA}, max_parallel=1) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        half.scheduler.demand(content, 0, BLOCK)
        queued = half.scheduler.demand(content, BLOCK, 2 * BLOCK)
        queued.readers += 1
        half.scheduler.desert(queued)
        half.let_bodies(gate)
        await half.quiet()
        assert half.asked == [(0, BLOCK)]
        assert isinstance(queued.error, FetchCancelled)


async def test_an_abandoned_prefetch_stops_whether_queued_or_running() -> None:
    """Both give their bytes of the prefetch budget back."""
    async with reading({"f": DATA}, max_parallel=1) as half:
        content = await half.content("f")
        room = half.scheduler.room_ahead()
        half.hold_bodies()
        running = half.scheduler.ahead(content, 0, BLOCK)
        queued = half.scheduler.ahead(content, BLOCK, 2 * BLOCK)
        await half.quiet()
        assert half.scheduler.room_ahead() == room - 2 * BLOCK
        half.scheduler.abandon(queued)
        half.scheduler.abandon(running)
        await half.quiet()
        assert (half.scheduler.room_ahead(), half.pool.in_use, content.fetches) == (room, 0, [])


async def test_a_prefetch_with_a_reader_is_not_abandoned() -> None:
    """The handle it was made for closes; another one's reader has joined."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        gate = half.hold_bodies()
        fetch = half.scheduler.ahead(content, 0, BLOCK)
        half.scheduler.promote(fetch)
        fetch.readers += 1
        half.scheduler.abandon(fetch)
        half.let_bodies(gate)
        await fetch.wait(BLOCK)
        assert fetch.view(0, 1) == DATA[:1]


async def test_a_reader_of_a_finished_prefetch_gives_no_room_twice() -> None:
    """The prefetch's bytes were given back when it ended; a reader that joins what lingers changes nothing."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        room = half.scheduler.room_ahead()
        fetch = half.scheduler.ahead(content, 0, BLOCK)
        await fetch.ended.wait()
        await half.quiet()
        half.scheduler.promote(fetch)
        assert half.scheduler.room_ahead() == room
        await half.scheduler.wait_for_room()  # nothing is under way: returns at once


async def test_a_fetch_larger_than_all_that_may_linger_ends_once() -> None:
    """Its buffer is let go at once; the task group survives."""
    async with reading({"f": DATA}, limit=3 * PAGE, block=PAGE) as half:
        content = await half.content("f")
        fetch = half.scheduler.demand(content, 0, PAGE)
        await fetch.ended.wait()
        await half.quiet()
        assert (content.fetches, half.pool.in_use) == ([], 0)
        assert content.cached.missing(0, PAGE) is None


async def test_the_smallest_memory_limit_has_room_for_one_prefetch() -> None:
    """Else whoever waits for room would ask for ever, without the loop getting a turn."""
    async with reading({"f": DATA}, limit=PAGE, block=PAGE) as half:
        assert half.scheduler.room_ahead() >= half.scheduler.largest


async def test_what_lingers_is_bounded_and_the_oldest_goes_first() -> None:
    """A quarter of the memory limit."""
    async with reading({"f": DATA}, limit=8 * BLOCK) as half:
        half.cache.refuse = True
        content = await half.content("f")
        for at in range(4):
            await half.scheduler.demand(content, at * BLOCK, (at + 1) * BLOCK).ended.wait()
        await half.quiet()
        assert [fetch.start // BLOCK for fetch in content.fetches] == [2, 3]
        assert half.pool.in_use == 2 * BLOCK
        half.scheduler.let_go(content, 3 * BLOCK)
        assert only_fetch(content).start == 3 * BLOCK


async def test_tiny_files_do_not_all_stay_open_because_their_bytes_are_few() -> None:
    """What lingers is bounded in number too: each fetch keeps its content, and a descriptor, open."""
    async with reading({f"f{n}": b"x" for n in range(400)}) as half:
        half.cache.refuse = True
        for n in range(400):
            content = await half.content(f"f{n}")
            fetch = half.scheduler.ahead(content, 0, 1)
            content.unhold()
            await fetch.ended.wait()
        await half.quiet()
        still_open = [n for n in range(400) if half.contents.find(*await half.mount.tree.file_at(f"/d/f{n}"))]
        assert 0 < len(still_open) <= 256
        assert still_open[-1] == 399


async def test_what_the_disk_refuses_is_served_from_memory_once() -> None:
    """Reading goes on uncached, from the fetch that lingers."""
    async with reading({"f": DATA}) as half:
        half.cache.refuse = True
        content = await half.content("f")
        fetch = half.scheduler.demand(content, 0, BLOCK)
        await fetch.ended.wait()
        await half.quiet()
        assert half.counters.uncached_reads == 1
        assert bytes(half.read_path.peek(content, 10, 20) or b"") == DATA[10:30]
        assert half.asked == [(0, BLOCK)]


async def test_one_fetch_serves_one_kernel_request_and_several_fit_the_memory() -> None:
    """A MiB at least, a quarter of the memory at most, whole pages."""
    async with reading({}, limit=16 * MIB) as half:
        assert half.scheduler.largest == MIB
    async with reading({}, limit=3 * MIB + 5 * KIB) as half:
        assert half.scheduler.largest == 12 * PAGE


async def test_waiting_for_room_ends_with_the_next_prefetch() -> None:
    """Finished or given up, both make room."""
    async with reading({"f": DATA}) as half:
        content = await half.content("f")
        half.hold_bodies()
        fetch = half.scheduler.ahead(content, 0, BLOCK)
        await half.quiet()
        woken = anyio.Event()

        async def wait() -> None:
            await half.scheduler.wait_for_room()
            woken.set()

        half.tasks.start_soon(wait)
        await half.quiet()
        assert not woken.is_set()
        half.scheduler.abandon(fetch)
        await woken.wait()
