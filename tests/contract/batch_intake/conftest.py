"""Both intakes, and what they counted, read back in one shape."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.postgres import FreshDatabase
from tests.support.postgres_plane import postgres_plane
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.ingest import open_batch_intake
from warpdrive.adapters.store.memory.batch_intake import MemoryBatchIntake
from warpdrive.adapters.store.memory.warehouse import BackendRow, ObjectRow, Warehouse
from warpdrive.application.ports.batch_intake import BatchIntake
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

_THEN = datetime(2020, 1, 1, tzinfo=UTC)

Sums = Mapping[tuple[Any, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Counted:
    """What there is after batches were taken.

    `rollups`: by user, day, place and key: opens, bytes, hits, misses. `activity`: by day, backend, user and job:
    records, opens, bytes, hits, misses, errors. `coverage`: by node and day: covered, lost. `last`: the last day of
    objects (True) and of keys that no crawl has seen (False), by place and key.
    """

    records: Sequence[tuple[Any, ...]]
    rollups: Sums
    activity: Sums
    coverage: Sums
    last: Mapping[tuple[bool, str, str], date]


@dataclass(frozen=True)
class Intake:
    """An intake, what it has counted, and how objects come to be there."""

    taking: BatchIntake
    counted: Callable[[], Awaitable[Counted]]
    crawled: Callable[[str, str], Awaitable[None]]
    """Puts an object (place, key) into the index."""
    named: Callable[[str, str, str], Awaitable[None]]
    """Has a namespace name a backend of type memory: its name, its place's name, its prefix."""


@pytest.fixture(params=["memory", "postgres"])
async def intake(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[Intake]:
    """Open an empty one of each kind."""
    if request.param == "memory":
        yield memory_intake()
        return
    place = await migrated_database()
    async with postgres_intake(place) as found:
        yield found


def memory_intake() -> Intake:
    """Make one in memory."""
    warehouse = Warehouse()

    async def counted() -> Counted:
        rows: list[Any] = warehouse.records
        return Counted(
            records=sorted(
                (row.at, row.node, row.user, row.backend, row.key, row.path, row.version, row.op, row.error)
                for row in rows
            ),
            rollups={
                key: (each.opens, each.bytes_read, each.hits, each.misses) for key, each in warehouse.rollups.items()
            },
            activity={
                key: (each.records, each.opens, each.bytes_read, each.hits, each.misses, each.errors)
                for key, each in warehouse.activity.items()
            },
            coverage=dict(warehouse.coverage),
            last={(False, *key): day for key, day in warehouse.early_accesses.items()}
            | {(True, *key): row.last_access for key, row in warehouse.objects.items() if row.last_access},
        )

    async def crawled(place: str, key: str) -> None:
        warehouse.objects[place, key] = ObjectRow(1, _THEN, _THEN, "lake")

    async def named(name: str, place: str, prefix: str) -> None:
        warehouse.backends.append(BackendRow(name, f"memory|name={place}", prefix, "memory"))

    return Intake(MemoryBatchIntake(warehouse), counted, crawled, named)


@asynccontextmanager
async def postgres_intake(place: DatabasePlace) -> AsyncIterator[Intake]:
    """Open one on a migrated database."""
    connection = await connect(place, Role.OWNER, application_name="tests")

    async def counted() -> Counted:
        return Counted(
            records=sorted(tuple(row) for row in await connection.fetch(_RECORDS)),
            rollups={tuple(row)[:4]: tuple(row)[4:] for row in await connection.fetch(_ROLLUPS)},
            activity={tuple(row)[:4]: tuple(row)[4:] for row in await connection.fetch(_ACTIVITY)},
            coverage={tuple(row)[:2]: tuple(row)[2:] for row in await connection.fetch(_COVERAGE)},
            last={tuple(row)[:3]: row["day"] for row in await connection.fetch(_LAST)},
        )

    async def crawled(where: str, key: str) -> None:
        await connection.execute("INSERT INTO storage.places (place) VALUES ($1) ON CONFLICT (place) DO NOTHING", where)
        await connection.execute(
            """
            WITH named AS (
                INSERT INTO storage.keys (place_id, key) SELECT id, $2 FROM storage.places WHERE place = $1
                RETURNING id, place_id
            )
            INSERT INTO storage.objects (id, size, modified_at, first_seen, place_id, backend_id, owner_id, class_id,
                digest_kind, version_hash)
            SELECT id, 1, $3, $3, place_id, 1, 0, 0, 0, 0 FROM named
            """,
            where,
            key,
            _THEN,
        )

    async def named(name: str, where: str, prefix: str) -> None:
        entry = MountEntry("/a", BackendDefinition(name=name, type="memory", options={"name": where}, prefix=prefix))
        async with postgres_plane(place) as plane:
            await plane.plane.namespaces.apply(plane.call(), "train", [entry], dry_run=False, expected_version=0)
            await plane.project()

    try:
        async with open_batch_intake(place) as taking:
            yield Intake(taking, counted, crawled, named)
    finally:
        await connection.close()


_RECORDS = """
    SELECT r.at, node.word, person.word, b.name, k.key,
        coalesce(r.path, mount.word || substr(k.key, length(b.prefix) + 1)), r.version, r.op, error.word
    FROM telemetry.records AS r
    JOIN telemetry.words AS node ON node.id = r.node_id JOIN telemetry.words AS person ON person.id = r.user_id
    JOIN telemetry.words AS error ON error.id = r.error_id LEFT JOIN telemetry.words AS mount ON mount.id = r.mount_id
    JOIN storage.keys AS k ON k.id = r.object_id JOIN storage.backends AS b ON b.id = r.backend_id
"""
_ROLLUPS = """
    SELECT w.word, r.day, p.place, k.key, r.opens, r.bytes_read, r.hits, r.misses FROM telemetry.rollups AS r
    JOIN telemetry.words AS w ON w.id = r.user_id JOIN storage.keys AS k ON k.id = r.object_id
    JOIN storage.places AS p ON p.id = k.place_id
"""
_ACTIVITY = """
    SELECT a.day, b.name, person.word, job.word, a.records, a.opens, a.bytes_read, a.hits, a.misses, a.errors
    FROM telemetry.activity AS a JOIN storage.backends AS b ON b.id = a.backend_id
    JOIN telemetry.words AS person ON person.id = a.user_id JOIN telemetry.words AS job ON job.id = a.job_id
"""
_COVERAGE = """
    SELECT w.word, c.day, c.covered_ms, c.lost FROM telemetry.coverage AS c
    JOIN telemetry.words AS w ON w.id = c.node_id
"""
_LAST = """
    SELECT true, p.place, k.key, o.last_access AS day FROM storage.objects AS o JOIN storage.keys AS k USING (id)
    JOIN storage.places AS p ON p.id = k.place_id WHERE o.last_access IS NOT NULL
    UNION ALL
    SELECT false, p.place, k.key, e.day FROM storage.early_accesses AS e JOIN storage.keys AS k ON k.id = e.object_id
    JOIN storage.places AS p ON p.id = k.place_id
"""
