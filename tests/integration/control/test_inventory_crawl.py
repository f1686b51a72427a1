"""From a provider's report to the index: what a crawl makes of it, on a real database, wired as the worker wires it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.inventory_reports import MOMENT, S3Report, Stored
from tests.support.manual_clock import ManualClock
from tests.support.postgres import FreshDatabase
from tests.support.postgres_plane import PostgresPlane, postgres_plane
from tests.support.raw_records import put_records, sums
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.application.control.archiving import Archiving
from warpdrive.application.ports.crawl_register import CrawlRecord
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.entrypoints.control import archiving as archiving_wiring
from warpdrive.entrypoints.control.crawling import crawler
from warpdrive.entrypoints.settings.control import ControlSettings, decode_control_settings

TEAM = BackendDefinition("lake", "s3", {"bucket": "lake"}, prefix="team/")
HOUR = timedelta(hours=1)


@dataclass
class World:
    """A database where a namespace has a bucket that nobody can list, and a folder with reports about it."""

    place: DatabasePlace
    plane: PostgresPlane
    pool: Any
    questions: Questions
    reports: Backend
    settings: ControlSettings
    clock: ManualClock

    async def crawl(self, *, confirmed: bool = False) -> CrawlRecord:
        """Ask for a crawl, run the crawler until it ended."""
        register = PostgresCrawlRegister(self.questions)
        [backend] = [each for each in await register.backends() if each.name == "lake"]
        at = MOMENT + timedelta(days=30)
        asked = await register.request(backend.place, by="tests", at=at, confirmed=confirmed)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crawler(self.place, self.questions, self.settings, self.clock).run)
            record = await self._ended(register, asked.id)
            tasks.cancel_scope.cancel()
        return record

    async def _ended(self, register: PostgresCrawlRegister, crawl: int) -> CrawlRecord:
        with anyio.fail_after(20):
            while True:
                record = await register.get(crawl)
                if record is not None and record.ended:
                    return record
                await anyio.sleep(0.02)

    async def there(self) -> dict[str, tuple[Any, ...]]:
        """Return the index, by key."""
        rows = await self.questions.rows(
            """
            SELECT k.key, o.size, c.class, o.digest_kind, o.deleted_at IS NULL FROM storage.objects AS o
            JOIN storage.keys AS k USING (id) JOIN storage.classes AS c ON c.id = o.class_id ORDER BY k.key
            """
        )
        return {key: tuple(rest) for key, *rest in rows}


@asynccontextmanager
async def opened(place: DatabasePlace, tmp_path: Path) -> AsyncIterator[World]:
    """Make it, in the test's own task."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "cold").mkdir()
    source = f"{{type: local, config: {{root: {tmp_path / 'reports'}}}}}"
    text = f"""
        control_plane:
          storage_crawl_interval: 0s
          inventories: [{{backend: lake, format: s3, prefix: inv/lake/daily, source: {source}}}]
          archive: {{backend: cold, prefix: telemetry}}
    """
    settings = decode_control_settings(text.encode(), tmp_path, {})
    reports = build_backend(BackendDefinition("r", "local", {"root": str(tmp_path / "reports")}), Anonymous())
    cold = BackendDefinition("cold", "local", {"root": str(tmp_path / "cold")})
    async with (
        postgres_plane(place) as plane,
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool,
    ):
        entries = [MountEntry("/lake", TEAM), MountEntry("/cold", cold)]
        await plane.plane.namespaces.apply(plane.call(), "vision", entries, dry_run=False, expected_version=0)
        await plane.project()
        clock = ManualClock()
        clock.set_wall((MOMENT + HOUR).timestamp())
        yield World(place, plane, pool, Questions(pool), reports, settings, clock)
    await reports.aclose()


async def test_a_report_becomes_the_index(migrated_database: FreshDatabase, tmp_path: Path) -> None:
    """Keys below the backend's prefix, with storage class and checksum; the crawl says which report it took."""
    async with opened(await migrated_database(), tmp_path) as world:
        await S3Report().write(
            world.reports.writer,
            "inv/lake/daily/",
            [
                Stored('team/a b,"c"', 5, storage_class="GLACIER"),
                Stored("team/ü", 7),
                Stored("other/x"),
                Stored("team/"),
            ],
        )
        record = await world.crawl()
        assert (record.state, record.detail) == ("completed", "")
        assert record.source == "inventory of 2026-11-22T00:00:00Z"
        assert (record.started_at, record.objects, record.bytes, record.parts_done) == (MOMENT, 2, 12, 2)
        assert await world.there() == {'team/a b,"c"': (5, "GLACIER", 1, True), "team/ü": (7, "STANDARD", 1, True)}


async def test_the_same_report_twice_changes_nothing(migrated_database: FreshDatabase, tmp_path: Path) -> None:
    """The second crawl completes and says why nothing changed, though objects would be missing by now."""
    async with opened(await migrated_database(), tmp_path) as world:
        await S3Report().write(world.reports.writer, "inv/lake/daily/", [Stored("team/a")])
        assert (await world.crawl()).added == 1
        world.clock.advance(86_400)
        again = await world.crawl()
        assert again.state == "completed"
        assert again.detail == (
            "the newest report is the inventory of 2026-11-22T00:00:00Z, and the index is as of 2026-11-22T00:00:00Z"
        )
        assert (again.objects, again.deleted, again.started_at) == (0, 0, MOMENT)
        assert set(await world.there()) == {"team/a"}


async def test_what_a_later_report_misses_is_gone_unless_it_came_later(
    migrated_database: FreshDatabase, tmp_path: Path
) -> None:
    """Only objects that were known before the report was taken can be missing from it."""
    async with opened(await migrated_database(), tmp_path) as world:
        await S3Report().write(world.reports.writer, "inv/lake/daily/", [Stored("team/a"), Stored("team/b")])
        # Two days late: both are first seen after the next report was taken.
        world.clock.advance(2 * 86_400)
        await world.crawl()
        day = timedelta(days=1)
        await S3Report(taken_at=MOMENT + day).write(world.reports.writer, "inv/lake/daily/", [Stored("team/b")])
        early = await world.crawl()
        assert (early.state, early.deleted) == ("completed", 0)
        await S3Report(taken_at=MOMENT + 3 * day).write(world.reports.writer, "inv/lake/daily/", [Stored("team/b")])
        world.clock.advance(2 * 86_400)
        late = await world.crawl()
        assert (late.state, late.deleted) == ("completed", 1)
        assert {key: row[-1] for key, row in (await world.there()).items()} == {"team/a": False, "team/b": True}


async def test_an_empty_report_of_a_bucket_that_was_not_empty_is_held(
    migrated_database: FreshDatabase, tmp_path: Path
) -> None:
    """As an empty listing is; once it is confirmed, everything is gone."""
    async with opened(await migrated_database(), tmp_path) as world:
        await S3Report().write(world.reports.writer, "inv/lake/daily/", [Stored("team/a")])
        await world.crawl()
        await S3Report(taken_at=MOMENT + 25 * HOUR).write(world.reports.writer, "inv/lake/daily/", [])
        assert (await world.crawl()).state == "held"
        assert (await world.crawl(confirmed=True)).deleted == 1


async def test_without_a_report_nothing_is_concluded(migrated_database: FreshDatabase, tmp_path: Path) -> None:
    """The crawl fails and says what it waits for."""
    async with opened(await migrated_database(), tmp_path) as world:
        record = await world.crawl()
        assert (record.state, record.deleted) == ("failed", 0)
        assert record.detail.startswith("no complete inventory report is there yet")


async def test_the_archive_is_written_where_a_namespace_says(migrated_database: FreshDatabase, tmp_path: Path) -> None:
    """The setting names a backend, its definition comes from the namespace; without such a backend nothing is lost."""
    async with opened(await migrated_database(), tmp_path) as world:
        day = (MOMENT - timedelta(days=400)).date()
        async with world.pool.acquire() as connection:
            await put_records(connection, day, 0, 50)
            assert await sums(connection, day)
        archive = archiving_wiring.archiving(world.place, world.pool, world.settings)
        assert isinstance(archive, Archiving)
        assert await archive.once() == 1
        assert (tmp_path / f"cold/telemetry/records/day={day}/part-0000.parquet").exists()
        nowhere = decode_control_settings(b"control_plane: {archive: {backend: warm}}", tmp_path, {})
        async with world.pool.acquire() as connection:
            await put_records(connection, day, 50, 60)
        lost = archiving_wiring.archiving(world.place, world.pool, nowhere)
        assert lost is not None
        with pytest.raises(BackendMisconfigured, match="no namespace defines a backend 'warm'"):
            await lost.once()
        assert archiving_wiring.archiving(world.place, world.pool, decode_control_settings(b"", tmp_path, {})) is None
