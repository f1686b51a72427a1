"""Telemetry's archive: days of a real PostgreSQL as Parquet in real backends, read by DuckDB."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.manual_clock import ManualClock
from tests.support.postgres import FreshDatabase
from tests.support.raw_records import put_records, sums
from tests.support.seaweedfs import seaweedfs, seaweedfs_missing
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.lake import ParquetFiles, ParquetRecordFiles
from warpdrive.adapters.store import archive_source
from warpdrive.adapters.store.archive_source import PostgresArchiveSource
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.application.control.archive_place import ArchivePlace
from warpdrive.application.control.archiving import ArchiveDamaged, Archiving
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.errors import VersionChanged
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey
from warpdrive.domain.namespace.values import BackendDefinition

TODAY = date(2026, 11, 23)
DAY = TODAY - timedelta(days=2)

Connection = Any


class Archive:
    """An archive under test: a database with records, and a place for files."""

    def __init__(self, database: DatabasePlace, connection: Connection, backend: Backend, clock: ManualClock) -> None:
        self.database = database
        self.connection = connection
        self.backend = backend
        self.clock = clock

    def archiving(self, *, part_rows: int = 8_000_000, readback: Any = None) -> Archiving:
        """Make one."""
        source = PostgresArchiveSource(self.database)
        files = readback or ParquetFiles()
        return Archiving(source, self.opening, ParquetRecordFiles(), files, self.clock, part_rows=part_rows)

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[ArchivePlace]:
        """Open the place."""
        yield ArchivePlace("cold", self.backend.reader, self.backend.writer, "telemetry/")

    async def noted(self) -> list[tuple[Any, ...]]:
        """Return what is noted."""
        rows = await self.connection.fetch("SELECT day, backend, key, parts, records FROM telemetry.archives")
        return [tuple(row) for row in rows]

    async def keys(self) -> dict[str, int]:
        """Return the archive's files, without what says whose they are, and their sizes."""
        page = await self.backend.reader.list_page(ObjectKey("telemetry/records/"), recursive=True)
        return {info.key: info.size for info in page.objects}

    async def downloaded(self, into: Path) -> str:
        """Copy the archive to a folder through our own reader; returns what DuckDB is to read."""
        for key, size in (await self.keys()).items():
            content = bytearray(size)
            await self.backend.reader.read_range(ObjectKey(key), 0, memoryview(content))
            target = into / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return str(into / "telemetry/records/*/*.parquet")


@pytest.fixture
async def archive(migrated_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Archive]:
    """A database with a day of records that is complete, one that is not, and a folder for the archive."""
    place = await migrated_database()
    connection = await connect(place, Role.APP, application_name="tests")
    root = tmp_path / "cold"
    root.mkdir()
    backend = build_backend(BackendDefinition("cold", "local", {"root": str(root)}), Anonymous())
    await put_records(connection, DAY, 0, 5000)
    await put_records(connection, DAY + timedelta(days=1), 0, 10)
    now = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(minutes=1)
    clock = ManualClock()
    clock.set_wall(now.timestamp())
    try:
        yield Archive(place, connection, backend, clock)
    finally:
        await backend.aclose()
        await connection.close()


def told(files: str) -> list[tuple[Any, ...]]:
    """Sum the archived day with DuckDB as `sums` does with PostgreSQL."""
    with duckdb.connect() as lake:
        return lake.sql(
            f"""
            SELECT "user", backend, count(*), sum(opens)::BIGINT, sum(bytes_read)::BIGINT, sum(hits)::BIGINT,
                sum(misses)::BIGINT
            FROM read_parquet('{files}', hive_partitioning = true) WHERE day = '{DAY}' GROUP BY 1, 2 ORDER BY 1, 2
            """
        ).fetchall()


async def test_duckdb_reads_what_postgresql_had(archive: Archive, tmp_path: Path) -> None:
    """A complete day is archived, a younger one is not; every sum is the same, and every text of a record."""
    assert await archive.archiving().once() == 1
    files = str(tmp_path / "cold/telemetry/records/*/*.parquet")
    expected = await sums(archive.connection, DAY)
    assert len(expected) == 6
    assert told(files) == expected
    assert list(await archive.keys()) == [f"telemetry/records/day={DAY}/part-0000.parquet"]
    assert await archive.noted() == [(DAY, "cold", f"telemetry/records/day={DAY}/", 1, 5000)]
    with duckdb.connect() as lake:
        [record] = lake.sql(
            f"""SELECT ts AT TIME ZONE 'UTC', * EXCLUDE (ts) FROM read_parquet('{files}', hive_partitioning = true)
            WHERE bytes_read = 100 * 4099"""
        ).fetchall()
    key = 'train/100 ünï,"'
    assert record == (
        datetime.combine(DAY, datetime.min.time()) + timedelta(milliseconds=700),
        1000, "node-0", "bob", 1001, "job-7", "lake", "s3|endpoint=|bucket=lake", key, "/mnt/data/" + key, "etag-1",
        "open", 0, 100 * 4099, 0, 2, 1.0, 4.5, "EIO", DAY,
    )  # fmt: skip


async def test_the_documented_question_is_answered(archive: Archive, tmp_path: Path) -> None:
    """What docs/archive.md has DuckDB asked is what PostgreSQL would say, but for the order; its columns are all."""
    assert await archive.archiving().once() == 1
    text = (Path(__file__).parents[3] / "docs/archive.md").read_text()
    query = text.partition("```sql\n")[2].partition("```")[0].replace("ARCHIVE", str(tmp_path / "cold/telemetry"))
    expected = [(each[0], each[1], each[4], each[3]) for each in await sums(archive.connection, DAY)]
    with duckdb.connect() as lake:
        assert sorted(lake.sql(query.rstrip(";\n")).fetchall()) == expected
        written = lake.sql(f"DESCRIBE SELECT * FROM '{tmp_path}/cold/telemetry/records/*/*.parquet'").fetchall()
    table = text.partition("### Layout")[2].partition("### Asking")[0]
    named = {name for line in table.splitlines() if line.startswith("| `") for name in line.split("|")[1].split("`")}
    assert {column for column, *_ in written} - {"day"} == named - {" ", ", "}


async def test_an_archive_in_s3_reads_the_same(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same day in an S3 bucket, in several files of bounded size, has the same sums."""
    if why := seaweedfs_missing():
        pytest.skip(why)
    with seaweedfs(tmp_path / "weed") as server:
        await server.make_bucket("cold")
        options = {"bucket": "cold", "endpoint": server.endpoint, "region": "us-east-1", "force_path_style": "true"}
        archive.backend = build_backend(BackendDefinition("cold", "s3", options, prefix="backups/"), server.keys)
        monkeypatch.setattr(archive_source, "BATCH", 1000)
        assert await archive.archiving(part_rows=2000).once() == 1
        assert len(await archive.keys()) == 3
        assert told(await archive.downloaded(tmp_path / "copy")) == await sums(archive.connection, DAY)
        assert await archive.archiving().once() == 0
        await archive.backend.aclose()


async def test_late_records_go_into_a_further_file(archive: Archive, tmp_path: Path) -> None:
    """Whatever comes after a day was archived is appended once; when nothing came, nothing is written."""
    files = str(tmp_path / "cold/telemetry/records/*/*.parquet")
    assert await archive.archiving().once() == 1
    first = await archive.keys()
    assert await archive.archiving().once() == 0
    for end in (5300, 5301):
        await put_records(archive.connection, DAY, end - (300 if end == 5300 else 1), end)
        assert await archive.archiving().once() == 1
        assert told(files) == await sums(archive.connection, DAY)
    assert (await archive.noted())[0][3:] == (3, 5301)
    now = await archive.keys()
    assert len(now) == 3
    assert first.items() <= now.items()
    assert await archive.archiving().once() == 0


async def test_a_day_without_records_is_noted_without_a_file(archive: Archive, tmp_path: Path) -> None:
    """So that it can be dropped; what comes late is archived as ever."""
    empty = DAY - timedelta(days=1)
    await archive.connection.execute("SELECT public.warpdrive_telemetry_day($1)", empty)
    assert await archive.archiving().once() == 2
    assert (empty, "cold", f"telemetry/records/day={empty}/", 0, 0) in await archive.noted()
    assert len(await archive.keys()) == 1
    assert await archive.archiving().once() == 0
    await put_records(archive.connection, empty, 0, 20)
    assert await archive.archiving().once() == 1
    assert (empty, "cold", f"telemetry/records/day={empty}/", 1, 20) in await archive.noted()
    assert (tmp_path / f"cold/telemetry/records/day={empty}/part-0000.parquet").exists()


async def test_records_of_a_transaction_that_was_under_way_come_later(archive: Archive, tmp_path: Path) -> None:
    """A batch that is being stored while its day is archived is late, although it began before."""
    other = await connect(archive.database, Role.APP, application_name="tests")
    try:
        async with other.transaction():
            await put_records(other, DAY, 5000, 5100)
            assert await archive.archiving().once() == 1
        assert (await archive.noted())[0][3:] == (1, 5000)
        assert await archive.archiving().once() == 1
    finally:
        await other.close()
    assert (await archive.noted())[0][3:] == (2, 5100)
    assert told(str(tmp_path / "cold/telemetry/records/*/*.parquet")) == await sums(archive.connection, DAY)


async def test_an_archive_that_does_not_fit_is_written_anew(archive: Archive, tmp_path: Path) -> None:
    """When counts cannot be explained by late records, new files take the place of the old ones."""
    assert await archive.archiving(part_rows=1).once() == 1
    await archive.connection.execute("UPDATE telemetry.archives SET records = records - 7")
    assert await archive.archiving().once() == 1
    assert (await archive.noted())[0][4] == 5000
    assert len(await archive.keys()) == 1
    assert told(str(tmp_path / "cold/telemetry/records/*/*.parquet")) == await sums(archive.connection, DAY)


async def test_what_comes_after_a_day_was_dropped_is_added(archive: Archive, tmp_path: Path) -> None:
    """The old files stay: nothing else has those records any more."""
    assert await archive.archiving().once() == 1
    first = await archive.keys()
    assert await archive.connection.fetchval("SELECT public.warpdrive_telemetry_drop_day($1)", DAY)
    await put_records(archive.connection, DAY, 5000, 5020)
    await archive.connection.execute(
        "UPDATE telemetry.activity SET records = records + 5000 WHERE ctid IN (SELECT ctid "
        "FROM telemetry.activity WHERE day = $1 LIMIT 1)",
        DAY,
    )
    assert await archive.archiving().once() == 1
    assert first.items() <= (await archive.keys()).items()
    assert (await archive.noted())[0][3:] == (2, 5020)
    assert sum(each[2] for each in told(str(tmp_path / "cold/telemetry/records/*/*.parquet"))) == 5020


async def test_a_day_that_does_not_add_up_is_left_to_somebody(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written and nothing deleted; other days are archived all the same."""
    assert await archive.archiving().once() == 1
    before = await archive.keys()
    await archive.connection.execute("DELETE FROM telemetry.records WHERE day = $1 AND uid = 1001", DAY)
    await archive.connection.execute("UPDATE telemetry.archives SET records = records - 1")
    archive.clock.advance(86_400)
    assert await archive.archiving().once() == 1
    assert "4999 records are archived and 3333 are here, where 5000 were counted" in caplog.text
    assert before.items() < (await archive.keys()).items()
    assert {each[0]: each[4] for each in await archive.noted()} == {DAY: 4999, DAY + timedelta(days=1): 10}


async def test_what_an_interrupted_round_left_is_written_over(archive: Archive, tmp_path: Path) -> None:
    """Files that nobody noted are no part of the archive: the next round begins at the first."""
    assert await archive.archiving().once() == 1
    await archive.connection.execute("DELETE FROM telemetry.archives")
    await put_records(archive.connection, DAY, 5000, 5050)
    assert await archive.archiving().once() == 1
    assert len(await archive.keys()) == 1
    assert told(str(tmp_path / "cold/telemetry/records/*/*.parquet")) == await sums(archive.connection, DAY)


async def test_a_place_that_was_the_archive_before_counts_nothing_twice(archive: Archive, tmp_path: Path) -> None:
    """There may be more files of a day than are written now: all of it is in these."""
    assert await archive.archiving(part_rows=1).once() == 1
    await put_records(archive.connection, DAY, 5000, 5050)
    assert await archive.archiving().once() == 1
    assert len(await archive.keys()) > 1
    await archive.connection.execute("UPDATE telemetry.archives SET backend = 'elsewhere'")
    assert await archive.archiving().once() == 0
    await put_records(archive.connection, DAY, 5050, 5051)
    assert await archive.archiving().once() == 1
    assert len(await archive.keys()) == 1
    assert told(str(tmp_path / "cold/telemetry/records/*/*.parquet")) == await sums(archive.connection, DAY)


async def test_a_day_is_not_noted_before_its_file_counts_the_same(archive: Archive) -> None:
    """What was sent is not believed: the file is read back, and a count that differs leaves the day due."""

    class Short:
        row_count = 4999
        columns = ()

    class Shortening:
        @asynccontextmanager
        async def open(self, _: object, __: ObjectInfo) -> AsyncIterator[Short]:
            yield Short()

    with pytest.raises(ArchiveDamaged, match="4999"):
        await archive.archiving(readback=Shortening()).once()
    assert await archive.noted() == []
    assert await archive.archiving().once() == 1


async def test_one_archivist_at_a_time(archive: Archive) -> None:
    """While one process archives, another does nothing."""
    async with PostgresArchiveSource(archive.database).sole() as archivist:
        assert archivist is not None
        assert await archive.archiving().once() == 0
    assert await archive.noted() == []


async def test_two_that_write_the_same_file_do_not_mix(archive: Archive) -> None:
    """One that lost its lock unawares, and looked before the other wrote, cannot write over it."""
    late = archive.archiving()
    place = archive.opening

    class Overtaken:
        """A writer before whose write another archivist is quicker."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def write(self, key: ObjectKey, body: Any, **how: Any) -> ObjectInfo:
            async def other() -> AsyncIterator[bytes]:
                yield b"by another"

            if key.endswith(".parquet"):
                await self.inner.write(key, other())
            info: ObjectInfo = await self.inner.write(key, body, **how)
            return info

    @asynccontextmanager
    async def overtaken() -> AsyncIterator[ArchivePlace]:
        async with place() as opened:
            yield ArchivePlace(opened.backend, opened.reader, Overtaken(opened.writer), opened.prefix)  # type: ignore[arg-type] # one verb is enough

    archive.opening = overtaken  # type: ignore[method-assign] # for this round
    late = archive.archiving()
    with pytest.raises(VersionChanged):
        await late.once()
    assert await archive.noted() == []
