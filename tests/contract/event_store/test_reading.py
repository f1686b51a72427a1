"""What both stores promise to whoever reads and follows."""

from datetime import timedelta
from uuid import uuid4

import anyio

from tests.contract.event_store.conftest import OpenStore
from tests.support.appends import an_append, everything
from warpdrive.application.ports.event_store import RecordedEvent


async def test_an_empty_store_is_at_position_0(open_store: OpenStore) -> None:
    """Nothing has been recorded: no head, no time, no stream."""
    async with open_store() as store:
        assert await store.head() == 0
        assert await store.read(0, 10) == []
        assert await store.stream(uuid4()) == []


async def test_a_stream_is_read_within_bounds(open_store: OpenStore) -> None:
    """`after_version` is exclusive, `to_version` and `to_position` are inclusive."""
    async with open_store() as store:
        append = an_append(5)
        await store.append(append)
        await store.append(an_append(3))
        whole = await store.stream(append.stream)
        assert [event.version for event in whole] == [1, 2, 3, 4, 5]
        assert await store.stream(append.stream, after_version=2) == whole[2:]
        assert await store.stream(append.stream, to_version=2) == whole[:2]
        assert await store.stream(append.stream, after_version=1, to_version=3) == whole[1:3]
        assert await store.stream(append.stream, to_position=whole[3].position) == whole[:4]
        assert await store.stream(append.stream, after_version=5) == []


async def test_all_streams_are_read_in_the_order_of_positions(open_store: OpenStore) -> None:
    """`after` is exclusive, `to` inclusive, and `limit` cuts."""
    async with open_store() as store:
        for _ in range(3):
            await store.append(an_append(4))
        events = await everything(store)
        assert len(events) == 12
        assert await store.read(0, 5) == events[:5]
        assert await store.read(events[4].position, 100) == events[5:]
        assert await store.read(events[4].position, 100, to=events[7].position) == events[5:8]
        assert await store.read(0, 3, to=events[7].position) == events[:3]
        assert await store.read(events[-1].position, 100) == []
        assert await store.head() == events[-1].position


async def test_bounds_beyond_all_positions_are_only_bounds(open_store: OpenStore) -> None:
    """Numbers that no position can have cut nothing off, or everything."""
    async with open_store() as store:
        append = an_append(3)
        await store.append(append)
        huge = 2**70
        assert len(await store.stream(append.stream, to_version=huge, to_position=huge)) == 3
        assert await store.stream(append.stream, after_version=huge) == []
        assert len(await store.read(-huge, huge, to=huge)) == 3
        assert await store.read(huge, 10) == []
        assert await store.latest(append.stream, to_version=huge) is None


async def test_a_time_is_an_index_to_a_position(open_store: OpenStore) -> None:
    """The last event recorded at or before the moment counts; before all events there is 0."""
    async with open_store() as store:
        receipts = [await store.append(an_append(3)) for _ in range(4)]
        times = {event.position: event.recorded_at for event in await everything(store)}
        for receipt in receipts:
            at = times[receipt.position]
            assert times[await store.position_at(at)] == at
            assert await store.position_at(at) >= receipt.position
        first = min(times.values())
        assert await store.position_at(first - timedelta(microseconds=1)) == 0
        assert await store.position_at(max(times.values()) + timedelta(days=1)) == receipts[-1].position


async def test_a_subscriber_sees_what_was_and_what_comes(open_store: OpenStore) -> None:
    """Batches are in order and complete, from the position after the one given."""
    async with open_store() as store:
        before = [await store.append(an_append(2)) for _ in range(3)]
        seen: list[RecordedEvent] = []
        with anyio.fail_after(10):
            async with store.subscribe(before[0].position) as batches:
                async for batch in batches:
                    assert batch
                    seen += batch
                    if len(seen) == 4:
                        await store.append(an_append(3))
                    if len(seen) == 7:
                        break
        assert seen == (await everything(store))[2:]


async def test_a_subscriber_hears_of_new_events_without_polling(open_store: OpenStore) -> None:
    """An event arrives well before the next look a second later would find it."""
    async with open_store() as store:
        delays = []
        with anyio.fail_after(10):
            async with store.subscribe(0) as batches:
                for _ in range(5):
                    await store.append(an_append())
                    began = anyio.current_time()
                    await anext(aiter(batches))
                    delays.append(anyio.current_time() - began)
        assert sorted(delays)[2] < 0.5


async def test_a_subscription_stops_at_once(open_store: OpenStore) -> None:
    """A subscriber that waits for events that never come ends within a second when it is cancelled."""
    async with open_store() as store:
        async with anyio.create_task_group() as tasks:
            waiting = anyio.Event()

            async def follow() -> None:
                async with store.subscribe(0) as batches:
                    waiting.set()
                    async for _ in batches:
                        pass

            tasks.start_soon(follow)
            await waiting.wait()
            began = anyio.current_time()
            tasks.cancel_scope.cancel()
        assert anyio.current_time() - began < 1.0


async def test_many_subscribers_see_the_same(open_store: OpenStore) -> None:
    """Each of many gets every event once, in order, while events are appended."""
    async with open_store() as store:
        seen: list[list[int]] = [[] for _ in range(10)]

        async def follow(into: list[int]) -> None:
            async with store.subscribe(0) as batches:
                async for batch in batches:
                    into += [event.position for event in batch]
                    if len(into) >= 60:
                        return

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for into in seen:
                    tasks.start_soon(follow, into)
                for _ in range(30):
                    await store.append(an_append(2))
        positions = [event.position for event in await everything(store)]
        assert all(each == positions for each in seen)
