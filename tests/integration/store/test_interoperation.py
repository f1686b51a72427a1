"""The `eventsourcing` library's official recorder, as the owner, on our tables: both directions."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import anyio.to_thread
import psycopg
import pytest
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import DatetimeAsISO, IntegrityError, JSONTranscoder, Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder

from tests.support.appends import an_append, everything, first_break
from tests.support.recorders import uuid_of
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.application.ports.event_store import Append, CommandFacts, ConcurrentWrite, NewEvent


@contextmanager
def _official(place: DatabasePlace, *, create: bool) -> Iterator[PostgresProcessRecorder]:
    """Open the library's recorder; `create` is what POSTGRES_CREATE_TABLE would say."""
    datastore = PostgresDatastore(
        dbname=place.name, host=place.host, port=place.port, user=place.users[Role.OWNER], password=""
    )
    with datastore:
        recorder = PostgresProcessRecorder(
            datastore, events_table_name="warpdrive_events", tracking_table_name="warpdrive_tracking"
        )
        if create:
            recorder.create_table()
        yield recorder


@pytest.mark.parametrize("create", [False, True], ids=["tables-as-they-are", "create-table-on"])
async def test_each_reads_what_the_other_wrote(event_database: DatabasePlace, create: bool) -> None:
    """Streams, positions and states are the same from both sides; the chain covers the library's rows too."""
    theirs = [StoredEvent(uuid4(), version, f"their topic {version}", b"{}") for version in (1, 2)]
    theirs = [StoredEvent(theirs[0].originator_id, each.originator_version, each.topic, each.state) for each in theirs]
    ours = an_append(3)

    def write_and_read() -> None:
        with _official(event_database, create=create) as recorder:
            read = recorder.select_events(ours.stream)
            assert [(each.originator_version, each.topic, each.state) for each in read] == [
                (event.version, event.topic, event.state) for event in ours.events
            ]
            ids = recorder.insert_events(theirs, tracking=Tracking("upstream", 7))
            assert ids is not None
            assert recorder.max_tracking_id("upstream") == 7
            assert recorder.max_tracking_id("__migration__") == 1
            assert recorder.max_notification_id() == ids[-1]
            notifications = recorder.select_notifications(start=1, limit=10)
            assert [each.id for each in notifications][-2:] == list(ids)
            with pytest.raises(IntegrityError):
                recorder.insert_events([theirs[0]])
            with pytest.raises(IntegrityError):
                recorder.insert_events([StoredEvent(ours.stream, 2, "late", b"")])

    async with open_event_store(event_database) as store, store.subscribe(0) as batches:
        await store.append(ours)
        assert len(await anext(aiter(batches))) == 3
        await anyio.to_thread.run_sync(write_and_read)
        heard = await anext(aiter(batches))
        assert [(event.version, event.topic, event.actor, event.command_id) for event in heard] == [
            (1, "their topic 1", "", None),
            (2, "their topic 2", "", None),
        ]
        await store.append(an_append(1))
        events = await everything(store)
        assert len(events) == 6
        assert first_break(events) is None
        assert [event.recorded_at for event in events] == sorted(event.recorded_at for event in events)
        with pytest.raises(ConcurrentWrite):
            await store.append(an_append(1, stream=heard[0].stream))


async def test_creating_its_tables_leaves_ours_as_they_are(event_database: DatabasePlace) -> None:
    """Run with POSTGRES_CREATE_TABLE on, the library finds everything there: columns, rows and triggers stay."""
    shape = """
        SELECT string_agg(format('%s.%s %s', table_name, column_name, data_type), ', ' ORDER BY 1)
        FROM (SELECT * FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2, 3, 4) AS c
    """
    tracking = "SELECT * FROM warpdrive_tracking ORDER BY 1"
    triggers = "SELECT array_agg(tgname::text ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal"
    owner = await connect(event_database, Role.OWNER, application_name="tests")
    try:
        before = [await owner.fetchval(shape), await owner.fetchval(triggers), await owner.fetch(tracking)]

        def create() -> None:
            with _official(event_database, create=True), _official(event_database, create=True):
                pass

        await anyio.to_thread.run_sync(create)
        after = [await owner.fetchval(shape), await owner.fetchval(triggers), await owner.fetch(tracking)]
        assert after == before
    finally:
        await owner.close()


class Ledger(Aggregate):
    """An aggregate of the library, for its mapper's bytes."""

    class Opened(Aggregate.Created):
        """It begins."""

        owner: str

    @classmethod
    def open(cls, owner: str) -> "Ledger":
        """Begin."""
        return cls._create(cls.Opened, owner=owner)

    def __init__(self, owner: str) -> None:
        self.owner = owner


async def test_states_are_the_librarys_own_bytes(event_database: DatabasePlace) -> None:
    """What the library's mapper makes goes in and comes out as it was, and folds to the same aggregate."""
    transcoder = JSONTranscoder()
    transcoder.register(DatetimeAsISO())
    mapper: Mapper[UUID] = Mapper(transcoder)
    (opened,) = Ledger.open("alice").collect_events()
    stored = mapper.to_stored_event(opened)
    stream = uuid_of(stored)
    new = NewEvent(stream, stored.originator_version, stored.topic, stored.state)
    async with open_event_store(event_database) as store:
        await store.append(Append(CommandFacts(uuid4(), b"", "alice"), stream, 1, [new]))

        def read() -> Ledger | None:
            with _official(event_database, create=False) as recorder:
                (event,) = recorder.select_events(stream)
                assert event == stored
                ledger: Ledger | None = mapper.to_domain_event(event).mutate(None)  # type: ignore[attr-defined]  # the library's events have it
                return ledger

        ledger = await anyio.to_thread.run_sync(read)
        assert ledger is not None
        assert (ledger.id, ledger.owner) == (stream, "alice")


async def test_the_owner_cannot_write_past_the_chain_with_psycopg(event_database: DatabasePlace) -> None:
    """A row inserted by hand gets its hash and time from the trigger, whatever it claims."""

    def insert() -> None:
        with psycopg.connect(
            host=event_database.host,
            port=event_database.port,
            dbname=event_database.name,
            user=event_database.users[Role.OWNER],
        ) as connection:
            connection.execute(
                "INSERT INTO warpdrive_events (originator_id, originator_version, topic, state, hash, recorded_at)"
                " VALUES (gen_random_uuid(), 1, 't', 's', 'forged', '2001-01-01')"
            )

    async with open_event_store(event_database) as store:
        await store.append(an_append())
        await anyio.to_thread.run_sync(insert)
        events = await everything(store)
        assert first_break(events) is None
        assert events[1].recorded_at == events[0].recorded_at
