"""When the shares of readers are counted, and when they are not."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio

from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from warpdrive.application.control.reader_shares import ReaderShareKeeping
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.reader_shares import ReaderCounter


class Counter:
    """Notes what it is asked; is away when told to be."""

    def __init__(self) -> None:
        self.now = "a"
        self.looks = 0
        self.counted: list[tuple[str, datetime]] = []
        self.away = False
        self.taken = False
        self.asked = 0

    async def state(self) -> str:
        """Say what there is."""
        self.looks += 1
        if self.away:
            raise StoreUnavailable("away")
        return self.now

    async def count(self, at: datetime) -> None:
        """Count it."""
        self.counted.append((self.now, at))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ReaderCounter | None]:
        """Be the one, or not."""
        self.asked += 1
        yield None if self.taken else self


@asynccontextmanager
async def kept(counter: Counter, clock: ManualClock | None = None) -> AsyncIterator[ReaderShareKeeping]:
    """Keep the shares while the block runs, without pauses."""
    clock = clock or ManualClock()
    keeping = ReaderShareKeeping(counter, clock, least_pause_s=0.01)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeping.run)
        yield keeping
        tasks.cancel_scope.cancel()


def _looked(counter: Counter, times: int) -> Callable[[], bool]:
    until = counter.looks + times
    return lambda: counter.looks >= until


async def test_all_is_counted_when_something_came_and_not_again() -> None:
    """Once for each state, as of the clock's moment."""
    counter, clock = Counter(), ManualClock()
    async with kept(counter, clock) as keeping:
        await wait_until_async(lambda: keeping.counts == 1)
        await wait_until_async(_looked(counter, 1))
        assert len(counter.counted) == 1
        counter.now = "b"
        await wait_until_async(lambda: keeping.counts == 2)
    at = datetime.fromtimestamp(clock.wall(), UTC)
    assert counter.counted == [("a", at), ("b", at)]


async def test_a_new_day_is_counted_anew() -> None:
    """For its window is another one."""
    counter, clock = Counter(), ManualClock()
    async with kept(counter, clock) as keeping:
        await wait_until_async(lambda: keeping.counts == 1)
        clock.advance(86_400)
        await wait_until_async(lambda: keeping.counts == 2)


async def test_a_store_that_was_away_is_counted_when_it_is_back() -> None:
    """Nothing is given up."""
    counter = Counter()
    counter.away = True
    async with kept(counter) as keeping:
        await wait_until_async(lambda: keeping.faults == 1)
        counter.away = False
        await wait_until_async(lambda: keeping.counts == 1)


async def test_nothing_is_counted_while_another_process_does() -> None:
    """Nor looked at."""
    counter = Counter()
    counter.taken = True
    async with kept(counter):
        await wait_until_async(lambda: counter.asked == 1)
        assert counter.looks == 0
