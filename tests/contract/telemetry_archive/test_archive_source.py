"""Days of access records, as ingest took them, on their way into the archive: in memory and on PostgreSQL alike."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.support.access_batches import DAY, DAY_MS, Row, batch_of
from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.archive_source import PostgresArchiveSource
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.ingest import open_batch_intake
from warpdrive.adapters.store.memory.archive_source import MemoryArchiveSource
from warpdrive.adapters.store.memory.batch_intake import MemoryBatchIntake
from warpdrive.adapters.store.memory.warehouse import BackendRow, Warehouse
from warpdrive.application.ports.batch_intake import LIST, OPEN, STAT, WRITE, BatchIntake
from warpdrive.application.ports.telemetry_archive import (
    COLUMNS,
    ArchivedDay,
    ArchiveOwner,
    ArchiveSource,
    ArchiveUnclear,
    Archivist,
    DayReading,
)

TODAY = date(1970, 1, 1) + timedelta(days=DAY)
LATER = TODAY + timedelta(days=30)
MIDNIGHT = datetime.combine(TODAY, datetime.min.time(), UTC)


@dataclass(frozen=True)
class Both:
    """A source, what fills it, and how a day is dropped. The backend `team` has the prefix `t/`."""

    source: ArchiveSource
    intake: BatchIntake
    dropped: Callable[[date], Awaitable[object]]

    async def read(self, archivist: Archivist, archived: ArchivedDay | None = None) -> tuple[bool, list[Any]]:
        """Read what is to be archived of the day: is it all, and the rows."""
        async with archivist.reading(TODAY, archived) as reading:
            rows = [dict(zip(COLUMNS, row, strict=True)) async for batch in reading.rows() for row in batch]
            assert reading.records == len(rows)
            return reading.whole, sorted(rows, key=lambda row: (row["ts"], row["key"]))

    async def archive(self, archivist: Archivist, archived: ArchivedDay | None = None) -> ArchivedDay:
        """Do as if it was archived; returns what is noted."""
        kept: DayReading
        async with archivist.reading(TODAY, archived) as kept:
            before = 0 if archived is None or kept.whole else archived.records
            noted = ArchivedDay(TODAY, "cold", "d/", 1, before + kept.records, 7)
        await archivist.note(noted, kept, MIDNIGHT)
        return noted


Opening = Callable[[], AbstractAsyncContextManager[Both]]


Kind = Callable[[], Awaitable[Opening]]


@pytest.fixture(params=["memory", "postgres"])
def kind(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> Kind:
    """Return what makes a database of each kind."""

    async def make() -> Opening:
        if request.param == "memory":
            warehouse = Warehouse(backends=[BackendRow("team", "memory|name=b", "t/", "memory")])
            return lambda: in_memory(warehouse)
        place = await migrated_database()
        return lambda: on_postgres(place)

    return make


@pytest.fixture
async def opening(kind: Kind) -> Opening:
    """Return what opens an empty one."""
    return await kind()


@asynccontextmanager
async def in_memory(warehouse: Warehouse) -> AsyncIterator[Both]:
    """Open one in memory."""

    async def dropped(day: date) -> None:
        warehouse.records[:] = [row for row in warehouse.records if row.at.date() != day]

    yield Both(MemoryArchiveSource(warehouse), MemoryBatchIntake(warehouse), dropped)


@asynccontextmanager
async def on_postgres(place: DatabasePlace) -> AsyncIterator[Both]:
    """Open one on a migrated database."""
    connection = await connect(place, Role.OWNER, application_name="tests")
    await connection.execute(
        """
        INSERT INTO storage.places (place) VALUES ('memory|name=b') ON CONFLICT DO NOTHING;
        INSERT INTO storage.backends (name, place_id, prefix, type, present)
            SELECT 'team', id, 't/', 'memory', true FROM storage.places ON CONFLICT DO NOTHING
        """
    )

    async def dropped(day: date) -> None:
        assert await connection.fetchval("SELECT public.warpdrive_telemetry_drop_day($1)", day)

    try:
        async with open_batch_intake(place) as intake:
            yield Both(PostgresArchiveSource(place), intake, dropped)
    finally:
        await connection.close()


async def test_every_field_of_a_record_is_read(opening: Opening) -> None:
    """Texts and words, the key below its backend's prefix, the path put together or as it came."""
    rows = (
        Row(at=DAY * DAY_MS + 1, backend="unheard", key="ü/\udcff", op=OPEN, job="j", error="EIO", mount="!/whole"),
        Row(at=DAY * DAY_MS + 2, op=LIST),
        Row(at=DAY * DAY_MS + 3, op=STAT),
        Row(at=DAY * DAY_MS + 4, op=WRITE, version=""),
    )
    async with opening() as both, both.source.sole() as archivist:
        await both.intake.take([batch_of(*rows)])
        assert archivist is not None
        whole, found = await both.read(archivist)
    assert whole
    assert [row["op"] for row in found] == ["open", "list", "stat", "write"]
    assert found[0] == {
        "ts": MIDNIGHT + timedelta(milliseconds=1),
        "window_ms": 10_000,
        "node": "gpu-1",
        "user": "ada",
        "uid": 1000,
        "job": "j",
        "backend": "unheard",
        "place": "unknown|name=unheard",
        "key": "ü/\\udcff",
        "path": "/whole",
        "version": "v1",
        "op": "open",
        "opens": 1,
        "bytes_read": 100,
        "hits": 2,
        "misses": 1,
        "latency_ms": 1.5,
        "latency_max_ms": 0.5,
        "error": "EIO",
    }
    assert (found[1]["key"], found[1]["path"], found[3]["version"]) == ("a/one", "/mnt/a/one", "")


async def test_days_are_due_until_they_are_noted_and_when_more_came(opening: Opening) -> None:
    """The oldest first, and none that is not complete."""
    async with opening() as both, both.source.sole() as archivist:
        assert archivist is not None
        await both.intake.take([batch_of(Row(), Row(at=(DAY + 1) * DAY_MS), Row(at=(DAY + 2) * DAY_MS))])
        days = [TODAY + timedelta(days=n) for n in range(3)]
        assert await archivist.days(before=days[2]) == [(days[0], None), (days[1], None)]
        noted = await both.archive(archivist)
        assert await archivist.days(before=LATER) == [(days[1], None), (days[2], None)]
        await both.intake.take([batch_of(Row(user="bob"))])
        assert (await archivist.days(before=LATER))[0] == (days[0], noted)


async def test_only_what_is_late_is_read_again(opening: Opening) -> None:
    """However often something comes late."""
    async with opening() as both, both.source.sole() as archivist:
        assert archivist is not None
        await both.intake.take([batch_of(Row(key="first"), Row(key="second"))])
        noted = await both.archive(archivist)
        for late in ("third", "fourth"):
            await both.intake.take([batch_of(Row(key=late))])
            whole, rows = await both.read(archivist, noted)
            assert (whole, [row["key"] for row in rows]) == (False, [late])
            noted = await both.archive(archivist, noted)
        assert noted.records == 4
        assert await both.read(archivist, noted) == (False, [])


async def test_what_comes_after_a_day_was_dropped_is_late(opening: Opening) -> None:
    """What the archive has is nowhere else."""
    async with opening() as both, both.source.sole() as archivist:
        assert archivist is not None
        await both.intake.take([batch_of(Row(key="first"), Row(key="second"))])
        noted = await both.archive(archivist)
        await both.dropped(TODAY)
        await both.intake.take([batch_of(Row(key="third"))])
        whole, rows = await both.read(archivist, noted)
        assert (whole, [row["key"] for row in rows]) == (False, ["third"])


async def test_what_does_not_fit_is_read_anew_only_when_all_of_it_is_here(opening: Opening) -> None:
    """Else somebody has to look."""
    async with opening() as both, both.source.sole() as archivist:
        assert archivist is not None
        await both.intake.take([batch_of(Row(key="first"), Row(key="second"))])
        await both.archive(archivist)
        wrong = ArchivedDay(TODAY, "cold", "d/", 1, 9, 7)
        whole, rows = await both.read(archivist, wrong)
        assert (whole, len(rows)) == (True, 2)
        await both.dropped(TODAY)
        with pytest.raises(ArchiveUnclear, match="9 records are archived and 0 are here, where 2 were counted"):
            await both.read(archivist, wrong)


async def test_one_at_a_time(opening: Opening) -> None:
    """The second is told so, and comes when the first has gone."""
    async with opening() as both:
        async with both.source.sole() as first, both.source.sole() as second:
            assert first is not None
            assert second is None
        async with both.source.sole() as again:
            assert again is not None


async def test_every_database_has_an_identity_of_its_own(kind: Kind) -> None:
    """Whoever asks, and whenever: the same of one database, and another of another."""

    async def told(opening: Opening) -> ArchiveOwner:
        async with opening() as both, both.source.sole() as archivist:
            assert archivist is not None
            return await archivist.owner()

    one, two = await kind(), await kind()
    first = await told(one)
    assert first.identity
    assert first.words
    assert await told(one) == first
    assert (await told(two)).identity != first.identity
