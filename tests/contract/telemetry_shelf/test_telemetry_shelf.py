"""Telemetry leaves by the day and by the month, when it is old enough and where it has to be archived, only then."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.access_batches import DAY, DAY_MS, Row, batch_of
from tests.support.manual_clock import ManualClock
from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.connecting import Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.ingest import open_batch_intake
from warpdrive.adapters.store.memory.batch_intake import MemoryBatchIntake
from warpdrive.adapters.store.memory.telemetry_shelf import MemoryTelemetryShelf
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.adapters.store.telemetry_shelf import PostgresTelemetryShelf
from warpdrive.application.control.retention import Retention, RetentionTask
from warpdrive.application.ports.batch_intake import BatchIntake
from warpdrive.application.ports.telemetry_shelf import TelemetryShelf

TODAY = date(1970, 1, 1) + timedelta(days=DAY)


@dataclass(frozen=True)
class Shelf:
    """A shelf with what fills it, and what is on it: days of records, of rollups, of activity, and batches."""

    shelf: TelemetryShelf
    intake: BatchIntake
    archive: Callable[[date], Awaitable[None]]
    left: Callable[[], Awaitable[tuple[set[date], set[date], set[date], int]]]


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[Shelf]:
    """Open an empty one of each kind."""
    opened = _memory() if request.param == "memory" else _postgres(migrated_database)
    async with opened as shelf:
        yield shelf


@asynccontextmanager
async def _memory() -> AsyncIterator[Shelf]:
    warehouse = Warehouse()
    shelf = MemoryTelemetryShelf(warehouse)

    async def archive(day: date) -> None:
        shelf.archived.add(day)

    async def left() -> tuple[set[date], set[date], set[date], int]:
        rows = {row.at.astimezone(UTC).date() for row in warehouse.records}
        days = {key[1] for key in warehouse.rollups}, {key[0] for key in warehouse.activity}
        return rows, *days, len(warehouse.batches)

    yield Shelf(shelf, MemoryBatchIntake(warehouse), archive, left)


@asynccontextmanager
async def _postgres(migrated_database: FreshDatabase) -> AsyncIterator[Shelf]:
    place = await migrated_database()
    async with (
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool,
        open_batch_intake(place) as intake,
    ):
        questions = Questions(pool)

        async def archive(day: date) -> None:
            await questions.do(
                "INSERT INTO telemetry.archives (day, backend, key, parts, records, bytes, seen, archived_at) "
                "VALUES ($1, 'cold', 'k', 1, 1, 1, pg_current_snapshot(), now())",
                day,
            )

        async def left() -> tuple[set[date], set[date], set[date], int]:
            days = [
                {day for (day,) in await questions.rows(f"SELECT DISTINCT day FROM telemetry.{table}")}
                for table in ("records", "rollups", "activity")
            ]
            count = await questions.value(
                "SELECT count(*) FROM telemetry.batches WHERE received_at > now() - '1d'::interval"
            )
            return days[0], days[1], days[2], count

        yield Shelf(PostgresTelemetryShelf(place, questions), intake, archive, left)


def _clock(today: date) -> ManualClock:
    clock = ManualClock()
    clock.set_wall(datetime(today.year, today.month, today.day, 12, tzinfo=UTC).timestamp())
    return clock


async def _fill(kept: Shelf, *days_ago: int) -> None:
    await kept.intake.take([batch_of(*(Row(at=(DAY - ago) * DAY_MS) for ago in days_ago))])


def _task(kept: Shelf, *, archived_only: bool = False, today: date = TODAY) -> RetentionTask:
    return RetentionTask(kept.shelf, Retention(30), _clock(today), archived_only=lambda: archived_only)


async def test_raw_days_go_when_they_are_too_old_and_sums_stay(kept: Shelf) -> None:
    """The border is the one that ingest has, so nothing comes for a day that went."""
    await _fill(kept, 0, 30, 31, 50)
    assert await _task(kept).once() == 2
    records, rollups, activity, _ = await kept.left()
    assert records == {TODAY, TODAY - timedelta(days=30)}
    assert rollups == activity == {TODAY - timedelta(days=ago) for ago in (0, 30, 31, 50)}
    assert await _task(kept).once() == 0


async def test_with_an_archive_days_go_only_after_they_are_in_it(kept: Shelf) -> None:
    """However old they are."""
    await _fill(kept, 40, 41)
    await kept.archive(TODAY - timedelta(days=41))
    assert await _task(kept, archived_only=True).once() == 1
    assert (await kept.left())[0] == {TODAY - timedelta(days=40)}


async def test_sums_go_by_whole_months_after_400_days(kept: Shelf) -> None:
    """A month that has one younger day stays."""
    await _fill(kept, 0, 460, 20)
    await _task(kept).once()
    _, rollups, activity, _ = await kept.left()
    assert rollups == activity == {TODAY, TODAY - timedelta(days=20)}


async def test_one_keeper_at_a_time(kept: Shelf) -> None:
    """The others find that somebody is at it."""
    async with kept.shelf.sole() as first:
        assert first is not None
        async with kept.shelf.sole() as second:
            assert second is None
        await _fill(kept, 50)
        assert await _task(kept).once() == 0
    assert await _task(kept).once() == 1
