"""A reader that follows positions misses nothing while many write: the reason for the append function's lock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import anyio

from tests.support.appends import an_append, everything, first_break
from tests.support.ports import wait_until_async
from tests.support.postgres import superuser
from warpdrive.adapters.store import append_call
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.store.group_append import GroupAppender, GroupLimits
from warpdrive.application.ports.event_store import Append, EventReader, RecordedEvent

LOCK = "LOCK TABLE public.warpdrive_events IN EXCLUSIVE MODE;"
END = "IF written THEN"
WRITERS, EACH = 8, 40


async def _take_the_lock_out(place: DatabasePlace) -> None:
    """Replace the function by itself without the line that locks."""
    owner = await connect(place, Role.OWNER, application_name="tests")
    try:
        source = await owner.fetchval("SELECT pg_get_functiondef('public.warpdrive_append'::regproc)")
        assert source.count(LOCK) == 1
        # Writers that dawdle before their COMMIT, each for another while, make the race certain instead of likely.
        assert source.count(END) == 1
        await owner.execute(source.replace(LOCK, "").replace(END, f"PERFORM pg_sleep(random() * 0.005); {END}"))
    finally:
        await owner.close()


@asynccontextmanager
async def _writer(place: DatabasePlace) -> AsyncIterator[Any]:
    connection = await connect(place, Role.APP, application_name="tests")
    try:
        yield connection
    finally:
        await connection.close()


async def _append(connection: Any, append: Append) -> None:
    row = await connection.fetchrow(append_call.SQL, 5000, *append_call.arguments([append]))
    assert row["outcome"] == "recorded"


async def _tail(reader: EventReader, seen: list[RecordedEvent]) -> None:
    """Read on from the last position seen, as every projection does."""
    seen += await reader.read(seen[-1].position if seen else 0, 1000)


_SOMEBODY_WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.warpdrive_events'::regclass)
"""


async def _two_writers_cross(place: DatabasePlace) -> tuple[set[UUID], set[UUID]]:
    """Read while one writer is between its call and its COMMIT and another appends: what was written, what was seen."""
    slow, fast = an_append(2), an_append(2)
    seen: list[RecordedEvent] = []
    done = anyio.Event()
    async with (
        open_event_store(place) as store,
        _writer(place) as first,
        _writer(place) as second,
        superuser(place, inside=True) as watcher,
    ):

        async def append() -> None:
            await _append(second, fast)
            done.set()

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                async with first.transaction():
                    await _append(first, slow)
                    tasks.start_soon(append)
                    while not done.is_set() and not await watcher.fetchval(_SOMEBODY_WAITS):
                        pass
                    await _tail(store, seen)
                await done.wait()
            await _tail(store, seen)
        written = {event.stream for event in await everything(store)}
    return written, {event.stream for event in seen}


async def test_a_reader_misses_nothing_of_writers_that_cross(event_database: DatabasePlace) -> None:
    """The second writer waits for the first one's COMMIT, so positions become visible in their order."""
    written, seen = await _two_writers_cross(event_database)
    assert len(written) == 2
    assert seen == written


async def test_without_the_lock_the_same_reader_misses_events(event_database: DatabasePlace) -> None:
    """The proof that the test above can fail: nothing else keeps the order of positions and COMMITs together."""
    await _take_the_lock_out(event_database)
    written, seen = await _two_writers_cross(event_database)
    assert len(written) == 2
    assert len(seen) == 1


async def _many_write_and_one_follows(place: DatabasePlace) -> tuple[list[RecordedEvent], list[RecordedEvent]]:
    """Let writers append over a connection each while a subscriber follows: what was written, what was seen."""
    seen: list[RecordedEvent] = []

    async def write(appender: GroupAppender) -> None:
        for number in range(EACH):
            await appender.append(an_append(1 + number % 3))

    async def follow() -> None:
        async with store.subscribe(0) as batches:
            following.set()
            async for batch in batches:
                seen.extend(batch)

    async with open_event_store(place) as store, anyio.create_task_group() as around:
        following = anyio.Event()
        around.start_soon(follow)
        await following.wait()
        appenders = [GroupAppender(place, GroupLimits(patience_s=30)) for _ in range(WRITERS)]
        for appender in appenders:
            around.start_soon(appender.run)
        async with anyio.create_task_group() as writers:
            for appender in appenders:
                writers.start_soon(write, appender)
        last = await store.head()
        await wait_until_async(lambda: bool(seen) and seen[-1].position == last, what="the subscriber being at the end")
        recorded = await everything(store)
        around.cancel_scope.cancel()
    return recorded, seen


async def test_a_subscriber_misses_nothing_of_many_writers(event_database: DatabasePlace) -> None:
    """Eight processes' worth of writers and a subscriber that is there all the time: complete, in order, one chain."""
    recorded, seen = await _many_write_and_one_follows(event_database)
    assert len(recorded) == WRITERS * sum(1 + number % 3 for number in range(EACH))
    assert seen == recorded
    assert first_break(recorded) is None


async def test_without_the_lock_the_same_subscriber_misses_events(event_database: DatabasePlace) -> None:
    """The same race, unlocked. The trigger, which notices positions that do not grow, is out as well."""
    await _take_the_lock_out(event_database)
    async with superuser(event_database, inside=True) as root:
        await root.execute("ALTER TABLE warpdrive_events DISABLE TRIGGER chain")
    recorded, seen = await _many_write_and_one_follows(event_database)
    assert len(seen) < len(recorded)
    assert {event.position for event in seen} < {event.position for event in recorded}
