"""What both registers of jobs answer, from the same reports and accesses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.support.filled_warehouse import PlainBackend, PlainFacts, PlainUse, fill_memory, fill_postgres
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.job_register import PostgresJobRegister
from warpdrive.adapters.store.memory.job_register import MemoryJobRegister
from warpdrive.adapters.store.memory.warehouse import RecordRow, Warehouse
from warpdrive.application.ports.job_register import JobAccesses, JobRegister, JobReport

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = PlainFacts(
    backends=[PlainBackend("lake"), PlainBackend("pool")],
    uses=[
        PlainUse("ann", AT.date(), "lake", "a", opens=2, bytes_read=100, hits=3, misses=4, job="7"),
        PlainUse("ann", AT.date() - timedelta(days=40), "lake", "b", bytes_read=50, job="7"),
        PlainUse("ann", AT.date(), "pool", "c", bytes_read=1, job="7"),
        PlainUse("ann", AT.date(), "pool", "c", bytes_read=1000),
        PlainUse("bob", AT.date(), "lake", "a", bytes_read=5000, job="7"),
    ],
)
RECORDS = [
    RecordRow(AT, "ann", "", "lake", 1, 10, 1, 2),
    RecordRow(AT + HOUR, "ann", "", "lake", 1, 20, 0, 0),
    RecordRow(AT + 13 * HOUR, "ann", "", "pool", 1, 40, 0, 0),
    RecordRow(AT, "ann", "7", "lake", 1, 80, 0, 0),
    RecordRow(AT, "bob", "", "lake", 1, 160, 0, 0),
]


@pytest.fixture(params=["memory", "postgres"])
async def register(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[JobRegister]:
    """Open one of each kind on the same facts."""
    if request.param == "memory":
        warehouse = Warehouse()
        fill_memory(warehouse, FACTS)
        warehouse.records += RECORDS
        yield MemoryJobRegister(warehouse)
        return
    place = await migrated_database()
    await _fill(place)
    async with open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool:
        yield PostgresJobRegister(Questions(pool))


async def test_accesses_are_summed_by_backend(register: JobRegister) -> None:
    """Those that name the job of all days, those that name none of a time."""
    assert list(await register.users("7")) == ["ann", "bob"]
    assert list(await register.users("")) == list(await register.users("9")) == []
    assert list(await register.named("7", "ann")) == [
        JobAccesses("lake", 3, 150, 3, 4),
        JobAccesses("pool", 1, 1, 0, 0),
    ]
    assert list(await register.named("", "ann")) == list(await register.named("7", "carl")) == []
    assert list(await register.unnamed("ann", AT, AT + HOUR)) == [JobAccesses("lake", 1, 10, 1, 2)]
    assert list(await register.unnamed("ann", AT, AT + 24 * HOUR)) == [
        JobAccesses("lake", 2, 30, 1, 2),
        JobAccesses("pool", 1, 40, 0, 0),
    ]
    assert list(await register.unnamed("carl", AT, AT + HOUR)) == []


async def test_a_report_replaces_the_last_and_keeps_what_it_does_not_say(register: JobRegister) -> None:
    """Other users' jobs of the name stay as they are."""
    job = str(uuid4())
    first = JobReport(job, "ann", "running", AT, None, AT, "token:a")
    assert await register.put(first) == first
    other = await register.put(JobReport(job, "bob", "completed", AT, AT + HOUR, AT, "token:b"))
    later = AT + 2 * HOUR
    ended = await register.put(JobReport(job, "ann", "failed", None, later, later, "token:b"))
    assert ended == JobReport(job, "ann", "failed", AT, later, later, "token:b")
    assert list(await register.reports(job)) == [ended, other]
    assert list(await register.reports(job, "bob")) == [other]
    again = await register.put(JobReport(job, "ann", "running", None, None, later, "token:a"))
    assert (again.started_at, again.ended_at) == (AT, None)
    assert list(await register.reports("none")) == []


async def _fill(place: DatabasePlace) -> None:
    async with superuser(place, inside=True) as connection:
        await fill_postgres(connection, FACTS)
        for day in sorted({record.at.date() for record in RECORDS}):
            await connection.execute("SELECT public.warpdrive_telemetry_day($1)", day)
        for record in RECORDS:
            await connection.execute(
                """
                INSERT INTO telemetry.records (object_id, at, uid, bytes_read, opens, hits, misses, window_ms,
                    latency_ms, latency_max_ms, day, node_id, user_id, job_id, backend_id, error_id, op)
                SELECT 1, $1, 0, $2, $3, $4, $5, 0, 0, 0, ($1 AT TIME ZONE 'UTC')::date, 0,
                    (SELECT id FROM telemetry.words WHERE word = $6), (SELECT id FROM telemetry.words WHERE word = $7),
                    (SELECT id FROM storage.backends WHERE name = $8), 0, 1
                """,
                record.at,
                record.bytes_read,
                record.opens,
                record.hits,
                record.misses,
                record.user,
                record.job,
                record.backend,
            )
