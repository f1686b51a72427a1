"""The hash chain and the times that the trigger writes, against their definition in Python."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.appends import an_append, everything, first_break
from tests.support.postgres import superuser
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.application.ports.event_store import Append, CommandFacts, NewEvent

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
EVENTS = st.lists(st.tuples(TEXTS, st.binary(max_size=200)), min_size=1, max_size=5)
INSERT = """
    INSERT INTO warpdrive_events (originator_id, originator_version, topic, state, recorded_at, actor, command_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def test_the_trigger_and_python_agree_on_any_event(event_database: DatabasePlace) -> None:
    """Empty texts, all of Unicode, any bytes, any id; with a command and, by the owner's hand, without."""
    streams: dict[UUID, int] = {}
    batches: dict[UUID, tuple[UUID, str, list[tuple[str, bytes]]]] = {}

    @given(stream=st.uuids(), command=st.uuids(), actor=TEXTS, events=EVENTS)
    @settings(max_examples=100)
    def collect(stream: UUID, command: UUID, actor: str, events: list[tuple[str, bytes]]) -> None:
        batches[command] = (stream, actor, events)  # a command counts once

    collect()
    owner = await connect(event_database, Role.OWNER, application_name="tests")
    try:
        async with open_event_store(event_database) as store:
            for command, (stream, actor, events) in batches.items():
                after = streams.get(stream, 0)
                streams[stream] = after + len(events) + 1
                new = [NewEvent(stream, after + n, topic, state) for n, (topic, state) in enumerate(events, 1)]
                await store.append(Append(CommandFacts(command, b"", actor), stream, after + len(events), new))
                await owner.execute(
                    INSERT, stream, streams[stream], events[0][0], events[0][1], datetime.now(UTC), actor, None
                )
            recorded = await everything(store)
    finally:
        await owner.close()
    assert len(recorded) == sum(streams.values())
    assert first_break(recorded) is None


@pytest.mark.parametrize(
    "tampering",
    [
        "state = set_byte(state, 3, get_byte(state, 3) # 1)",
        "topic = topic || ' '",
        "actor = 'mallory'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "command_id = NULL",
        "originator_version = 99",
    ],
)
async def test_one_tampered_byte_is_found_at_its_position(event_database: DatabasePlace, tampering: str) -> None:
    """Somebody who can switch the triggers off still cannot hide what was changed."""
    async with open_event_store(event_database) as store:
        for _ in range(4):
            await store.append(an_append(3))
        victim = (await everything(store))[6].position
        async with superuser(event_database, inside=True) as root:
            await root.execute("SET session_replication_role = replica")
            await root.execute(f"UPDATE warpdrive_events SET {tampering} WHERE notification_id = $1", victim)
        assert first_break(await everything(store)) == victim


async def test_a_removed_event_is_found_where_it_was(event_database: DatabasePlace) -> None:
    """The event after a removed one does not follow from the event before it."""
    async with open_event_store(event_database) as store:
        for _ in range(3):
            await store.append(an_append(2))
        events = await everything(store)
        async with superuser(event_database, inside=True) as root:
            await root.execute("SET session_replication_role = replica")
            await root.execute("DELETE FROM warpdrive_events WHERE notification_id = $1", events[2].position)
        assert first_break(await everything(store)) == events[3].position


async def test_a_clock_that_goes_back_does_not_take_time_back(event_database: DatabasePlace) -> None:
    """After an event from the future, as a clock that was wrong leaves it, times stand still until it is reached."""
    future = datetime.now(UTC) + timedelta(days=1)
    owner = await connect(event_database, Role.OWNER, application_name="tests")
    try:
        await owner.execute(INSERT, uuid4(), 1, "topic", b"", future, "", None)
    finally:
        await owner.close()
    async with open_event_store(event_database) as store:
        append = an_append(2)
        receipt = await store.append(append)
        events = await everything(store)
        assert [event.recorded_at for event in events] == [future] * 3
        assert await store.position_at(future) == receipt.position
        assert await store.position_at(future - timedelta(microseconds=1)) == 0
        assert first_break(events) is None


async def test_the_twins_clock_goes_back_as_harmlessly() -> None:
    """The same in memory."""
    times = iter([datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)])
    store = MemoryEventStore(now=lambda: next(times))
    for _ in range(3):
        await store.append(an_append())
    assert [event.recorded_at.day for event in await everything(store)] == [2, 2, 3]


async def test_an_event_without_topic_or_state_is_refused(event_database: DatabasePlace) -> None:
    """The library's tables allow NULL there; nobody could tell it from nothing in the hash."""
    owner = await connect(event_database, Role.OWNER, application_name="tests")
    try:
        for topic, state in ((None, b""), ("topic", None)):
            with pytest.raises(Exception, match="an event has a topic and a state"):
                await owner.execute(INSERT, uuid4(), 1, topic, state, datetime.now(UTC), "", None)
    finally:
        await owner.close()


async def test_positions_that_do_not_grow_are_refused(event_database: DatabasePlace) -> None:
    """A sequence that was set back would put events where readers have passed."""
    async with open_event_store(event_database) as store:
        await store.append(an_append(5))
        owner = await connect(event_database, Role.OWNER, application_name="tests")
        try:
            await owner.execute(
                "DROP INDEX warpdrive_events_notification_id_idx;"
                "SELECT setval('warpdrive_events_notification_id_seq', 2)"
            )
            with pytest.raises(Exception, match="positions must grow"):
                await owner.execute(INSERT, uuid4(), 1, "topic", b"", datetime.now(UTC), "", None)
        finally:
            await owner.close()
