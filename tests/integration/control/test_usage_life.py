"""Answers about use with a real worker: files in a directory, crawled, read, counted, deleted, counted again."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import anyio

from tests.support.postgres import FreshDatabase
from tests.support.postgres_plane import PostgresPlane, postgres_plane
from warpdrive.adapters.store.connecting import Role, connect
from warpdrive.application.control.usage import UsageView
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.entrypoints.control.worker import working
from warpdrive.entrypoints.settings.control import load_control_settings

_READ = """
    INSERT INTO telemetry.rollups (day, user_id, object_id, backend_id, opens, bytes_read, hits, misses)
    SELECT $1, $2, id, backend_id, 1, 1, 0, 0 FROM storage.objects WHERE size = 600
"""

ON_DEMAND = {"control_plane.storage_crawl_interval": "0s"}
"""Crawls begin when they are asked for, so that they can be counted."""


async def test_a_worker_keeps_what_answers_are_made_of(migrated_database: FreshDatabase, tmp_path: Path) -> None:
    """By owner, by reader, as stale, as growth and by backend it is always what lies in the directory."""
    lake = tmp_path / "lake"
    (lake / "v").mkdir(parents=True)
    (lake / "v" / "a").write_bytes(bytes(600))
    (lake / "x").write_bytes(bytes(50))
    place = await migrated_database()
    async with (
        postgres_plane(place) as on,
        working(place, load_control_settings(None, {}, overrides=ON_DEMAND, roles=())),
    ):
        on.clock.set_wall(time.time())
        plane = on.plane
        backend = BackendDefinition("lake", "local", {"root": str(lake)})
        await plane.namespaces.create(on.call(), "training", [MountEntry("/", backend)])
        done = await plane.teams.ensure(on.call(), "vision", ["ann"], [OwnershipRule("lake", "v/")])
        await _projected(on, done.position)
        await plane.crawls.start(on.call(), "lake", confirm_deletions=False)

        owned = await _until(lambda: _usage(on, "owner"), lambda view: view.total_bytes == 650)
        assert _bytes(owned) == {"vision": 600, "unattributed": 50}
        unread = await _until(lambda: _usage(on, "reader"), lambda view: view.total_bytes == 650)
        assert _bytes(unread) == {"unread": 650}
        connection = await connect(place, Role.APP, application_name="tests")
        try:
            today = datetime.fromtimestamp(on.clock.wall(), UTC).date()
            await connection.execute("SELECT public.warpdrive_telemetry_day($1)", today)
            user = await connection.fetchval("INSERT INTO telemetry.words (word) VALUES ('ann') RETURNING id")
            async with connection.transaction():
                await connection.execute(_READ, today, user)
                await connection.execute("INSERT INTO telemetry.batches VALUES ($1, now(), 1)", uuid4())
        finally:
            await connection.close()
        read = await _until(lambda: _usage(on, "reader"), lambda view: len(view.rows) == 2)
        assert _bytes(read) == {"vision": 600, "unread": 50}
        assert read.as_of.readers_counted_at is not None

        (lake / "v" / "a").unlink()
        await plane.crawls.start(on.call(), "lake", confirm_deletions=True)
        await _until(lambda: _usage(on, "owner"), lambda view: view.total_bytes == 50)
        growth = (await plane.growth.get(on.call(), days=2)).value
        assert [(each.bytes, each.flow.added_bytes, each.flow.removed_bytes) for each in growth.days] == [
            (0, 0, 0),
            (50, 650, 600),
        ]
        stale = (await plane.stale.page(on.call(), days=1)).value
        assert (stale.total_bytes, stale.unknown_bytes, stale.objects) == (50, 0, ())
        (shown,) = (await plane.backends.every(on.call())).value.backends
        assert (shown.name, shown.objects, shown.bytes) == ("lake", 1, 50)
        assert shown.last_crawl is not None
        assert (shown.last_crawl.generation, shown.generation) == (2, 2)


def _bytes(view: UsageView) -> dict[str, int]:
    return {row.name or row.kind: row.bytes for row in view.rows}


async def _usage(on: PostgresPlane, basis: str) -> UsageView:
    return (await on.plane.usage.get(on.call(), basis=basis)).value


async def _projected(on: PostgresPlane, position: int) -> None:
    with anyio.fail_after(20):
        while (await on.plane.moments.now(on.call().at)).position < position:  # noqa: ASYNC110 - the worker does not tell
            await anyio.sleep(0.05)


async def _until(ask: Callable[[], Awaitable[UsageView]], wanted: Callable[[UsageView], bool]) -> UsageView:
    with anyio.fail_after(30):
        while not wanted(view := await ask()):  # noqa: ASYNC110 - as above
            await anyio.sleep(0.05)
    return view
