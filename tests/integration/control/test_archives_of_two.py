"""Two databases that archive into the same backend and prefix: the second keeps its hands off the first one's files."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from tests.support.postgres import FreshDatabase
from tests.support.raw_records import put_records
from warpdrive.adapters.blob.factory import build_backend
from warpdrive.adapters.lake import ParquetFiles, ParquetRecordFiles
from warpdrive.adapters.store.archive_source import PostgresArchiveSource
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.telemetry_shelf import PostgresTelemetryShelf
from warpdrive.application.control.archive_place import MARKER, ArchivePlace, ArchiveTaken
from warpdrive.application.control.archiving import Archiving
from warpdrive.application.control.retention import Retention, RetentionTask
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.domain.namespace.values import BackendDefinition

TODAY = date(2026, 11, 23)
DAY = TODAY - timedelta(days=2)


def archiving(database: DatabasePlace, root: Path, prefix: str = "telemetry/") -> Archiving:
    """Make what archives a database below a folder."""
    clock = ManualClock()
    clock.set_wall(datetime.combine(TODAY, datetime.min.time(), UTC).timestamp() + 60)

    @asynccontextmanager
    async def opening() -> AsyncIterator[ArchivePlace]:
        backend = build_backend(BackendDefinition("cold", "local", {"root": str(root)}), Anonymous())
        try:
            yield ArchivePlace("cold", backend.reader, backend.writer, prefix)
        finally:
            await backend.aclose()

    return Archiving(PostgresArchiveSource(database), opening, ParquetRecordFiles(), ParquetFiles(), clock)


async def put(database: DatabasePlace, first: int, end: int) -> None:
    """Put records of the day into a database."""
    connection = await connect(database, Role.APP, application_name="tests")
    try:
        await put_records(connection, DAY, first, end)
    finally:
        await connection.close()


def files(root: Path) -> dict[str, bytes]:
    """Return everything that is there."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
async def first(migrated_database: FreshDatabase, tmp_path: Path) -> DatabasePlace:
    """A database that archived a day in two files."""
    database = await migrated_database()
    for begin, end in ((0, 60), (60, 80)):
        await put(database, begin, end)
        assert await archiving(database, tmp_path).once() == 1
    assert {f"telemetry/records/day={DAY}/part-000{part}.parquet" for part in range(2)} <= files(tmp_path).keys()
    return database


@pytest.fixture
async def second(migrated_database: FreshDatabase) -> DatabasePlace:
    """A database of the same server with other records of the same day, none of them archived."""
    database = await migrated_database()
    await put(database, 0, 7)
    return database


async def test_the_second_writes_and_deletes_nothing_and_loses_nothing(
    first: DatabasePlace, second: DatabasePlace, tmp_path: Path
) -> None:
    """Its day is not noted, so retention keeps it however old it is; the first one goes on as before."""
    before = files(tmp_path)
    with pytest.raises(ArchiveTaken, match=f"of database {first.name} on .*, and this is database {second.name} on "):
        await archiving(second, tmp_path).once()
    assert files(tmp_path) == before
    await put(first, 80, 90)
    assert await archiving(first, tmp_path).once() == 1
    assert before.items() < files(tmp_path).items()
    late = ManualClock()
    late.set_wall(datetime.combine(DAY + timedelta(days=90), datetime.min.time(), UTC).timestamp())
    for database, kept in ((first, 0), (second, 7)):
        async with open_pool(database, Role.APP, min_size=1, max_size=2, application_name="tests") as pool:
            shelf = PostgresTelemetryShelf(database, Questions(pool))
            await RetentionTask(shelf, Retention(), late, archived_only=lambda: True).once()
            async with pool.acquire() as connection:
                assert await connection.fetchval("SELECT count(*) FROM telemetry.records") == kept


async def test_the_second_archives_elsewhere_or_when_it_is_let(
    first: DatabasePlace, second: DatabasePlace, tmp_path: Path
) -> None:
    """Below another prefix, or in place of the first when somebody took its marker away."""
    before = files(tmp_path)
    assert await archiving(second, tmp_path, "other/").once() == 1
    assert {name: content for name, content in files(tmp_path).items() if name in before} == before
    await put(second, 7, 8)
    (tmp_path / "telemetry" / MARKER).unlink()
    assert await archiving(second, tmp_path).once() == 1
    assert json.loads((tmp_path / "telemetry" / MARKER).read_bytes())["name"] == str(second)
    await put(first, 80, 90)
    with pytest.raises(ArchiveTaken, match=f"of database {second.name} on "):
        await archiving(first, tmp_path).once()


@pytest.mark.usefixtures("first")
async def test_the_worker_says_it_in_one_line_and_goes_on(
    second: DatabasePlace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else stops because of it."""
    async with anyio.create_task_group() as group:
        group.start_soon(archiving(second, tmp_path).run)
        await wait_until_async(lambda: "not archived" in caplog.text)
        group.cancel_scope.cancel()
    [record] = [each for each in caplog.records if each.name.endswith(".archiving")]
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith(f"telemetry is not archived: telemetry/{MARKER} in backend 'cold' says")
    assert "\n" not in record.getMessage()


@pytest.mark.usefixtures("first")
async def test_a_copy_of_a_database_is_another(second: DatabasePlace, tmp_path: Path) -> None:
    """A database whose notes say that the files are its own is not believed: the marker counts."""
    connection = await connect(second, Role.APP, application_name="tests")
    await connection.execute(
        "INSERT INTO telemetry.archives (day, backend, key, parts, records, bytes, archived_at) "
        "VALUES ($1, 'cold', $2, 2, 80, 1, now())",
        DAY,
        f"telemetry/records/day={DAY}/",
    )
    await connection.close()
    before = files(tmp_path)
    with pytest.raises(ArchiveTaken):
        await archiving(second, tmp_path).once()
    assert files(tmp_path) == before
