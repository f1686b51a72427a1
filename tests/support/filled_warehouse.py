"""A warehouse filled from plain facts, in memory and in PostgreSQL alike: what is there, who used it, what was told.

    facts = PlainFacts()
    facts.backends.append(PlainBackend("lake"))
    facts.objects.append(PlainObject("lake", "raw/a", 100, owners=("team-1",)))
    facts.uses.append(PlainUse("ann", DAY, "lake", "raw/a"))
    fill_memory(warehouse, facts)                 # or: await fill_postgres(connection, facts)

Keys are below their backend's prefix. Objects are numbered in the order of the list, on both sides. Reader shares are
not filled: count them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.support.plain_facts import (
    DAY,
    MOMENT,
    PlainBackend,
    PlainCrawl,
    PlainFacts,
    PlainLedger,
    PlainObject,
    PlainTold,
    PlainUse,
)
from warpdrive.adapters.store.memory.warehouse import (
    BackendRow,
    Counts,
    CrawlRow,
    LedgerCounts,
    ObjectRow,
    Warehouse,
)

__all__ = [
    "DAY",
    "DIGESTS",
    "MOMENT",
    "PlainBackend",
    "PlainCrawl",
    "PlainFacts",
    "PlainLedger",
    "PlainObject",
    "PlainTold",
    "PlainUse",
    "empty_postgres",
    "fill_memory",
    "fill_postgres",
]

DIGESTS = {"": 0, "md5": 1, "crc32c": 2}
"""Numbers of storage.objects.digest_kind."""

_TABLES = (
    "storage.objects",
    "storage.keys",
    "storage.capacity",
    "storage.ledger",
    "storage.crawls",
    "storage.backends",
    "storage.places",
    "telemetry.rollups",
    "telemetry.activity",
    "telemetry.coverage",
    "telemetry.presence",
    "telemetry.batches",
    "governance.reader_shares",
    "governance.refreshes",
)


def fill_memory(warehouse: Warehouse, facts: PlainFacts) -> None:
    """Put everything into an empty warehouse."""
    for backend in facts.backends:
        warehouse.backends.append(
            BackendRow(backend.name, backend.where, backend.prefix, backend.type, present=backend.present)
        )
    for each in facts.objects:
        warehouse.objects[facts.whole_key(each.backend, each.key)] = ObjectRow(
            size=each.size,
            modified_at=each.modified_at,
            first_seen=each.first_seen,
            backend=each.backend,
            owners=each.owners,
            storage_class=each.storage_class,
            deleted_at=each.deleted_at,
            last_access=each.last_access,
            digest=each.digest,
        )
    for use in facts.uses:
        rollup = (use.user, use.day, *facts.whole_key(use.backend, use.key))
        _add(warehouse.rollups.setdefault(rollup, Counts()), use)
        warehouse.rollup_backends[rollup] = use.backend
        _add(warehouse.activity.setdefault((use.day, use.backend, use.user, use.job), Counts()), use)
    for entry in facts.ledger:
        warehouse.ledger[entry.day, entry.backend, entry.owners] = entry.counts
    for told in facts.told:
        warehouse.presence[told.node, told.day] = told.present_ms
        warehouse.coverage[told.node, told.day] = (told.covered_ms, told.lost)
    for number, crawl in enumerate(facts.crawls, start=1):
        warehouse.crawls[number] = CrawlRow(
            id=number,
            place=facts.backend(crawl.backend).where,
            generation=crawl.generation,
            state=crawl.state,
            requested_by="test",
            requested_at=MOMENT,
            started_at=crawl.started_at,
            ended_at=crawl.ended_at,
        )


async def fill_postgres(connection: Any, facts: PlainFacts) -> None:
    """Put everything into empty tables of a migrated database, by an asyncpg connection that may write them."""
    async with connection.transaction():
        await _fill_backends(connection, facts)
        await _fill_objects(connection, facts)
        await _fill_uses(connection, facts)
        await _fill_days(connection, facts)


async def empty_postgres(connection: Any) -> None:
    """Take everything out again, so that one database serves many tests."""
    async with connection.transaction():
        for table in _TABLES:
            await connection.execute(f"DELETE FROM {table}")
        for table in ("storage.owners", "storage.classes", "telemetry.words"):
            await connection.execute(f"DELETE FROM {table} WHERE id <> 0")


def _add(counts: Counts, use: PlainUse) -> None:
    counts.records += 1
    counts.opens += use.opens
    counts.bytes_read += use.bytes_read
    counts.hits += use.hits
    counts.misses += use.misses


async def _fill_backends(connection: Any, facts: PlainFacts) -> None:
    places = dict.fromkeys(each.where for each in facts.backends)
    await connection.executemany("INSERT INTO storage.places (place) VALUES ($1)", [(each,) for each in places])
    await connection.executemany(
        "INSERT INTO storage.backends (name, place_id, prefix, type, present) "
        "VALUES ($1, (SELECT id FROM storage.places WHERE place = $2), $3, $4, $5)",
        [(each.name, each.where, each.prefix, each.type, each.present) for each in facts.backends],
    )
    await connection.executemany(
        "INSERT INTO storage.crawls (place_id, generation, state, detail, source, confirmed, requested_by, "
        "requested_at, started_at, ended_at) "
        "VALUES ((SELECT id FROM storage.places WHERE place = $1), $2, $3, '', 'list', false, 'test', $4, $6, $5)",
        [
            (facts.backend(each.backend).where, each.generation, each.state, MOMENT, each.ended_at, each.started_at)
            for each in facts.crawls
        ],
    )


async def _fill_objects(connection: Any, facts: PlainFacts) -> None:
    owners = {each.owners for each in facts.objects} | {each.owners for each in facts.ledger}
    await connection.executemany(
        "INSERT INTO storage.owners (teams) VALUES ($1)", [(list(each),) for each in sorted(owners - {()})]
    )
    classes = {each.storage_class for each in facts.objects} - {""}
    await connection.executemany(
        "INSERT INTO storage.classes (class) VALUES ($1)", [(each,) for each in sorted(classes)]
    )
    await _fill_keys(connection, [facts.whole_key(each.backend, each.key) for each in facts.objects])
    await connection.executemany(
        """
        INSERT INTO storage.objects (id, size, modified_at, first_seen, deleted_at, last_access, place_id, backend_id,
            owner_id, class_id, digest_kind, digest, version_hash)
        SELECT k.id, $4, $5, $6, $7, $8, k.place_id,
            (SELECT id FROM storage.backends WHERE name = $3 ORDER BY present DESC LIMIT 1),
            (SELECT id FROM storage.owners WHERE teams = $9), (SELECT id FROM storage.classes WHERE class = $10),
            $11, $12, 0
        FROM storage.keys AS k JOIN storage.places AS p ON p.id = k.place_id WHERE p.place = $1 AND k.key = $2
        """,
        [_object_values(facts, each) for each in facts.objects],
    )
    await connection.execute(
        "INSERT INTO storage.capacity SELECT backend_id, owner_id, class_id, count(*), sum(size) FROM storage.objects "
        "WHERE deleted_at IS NULL GROUP BY 1, 2, 3"
    )


def _object_values(facts: PlainFacts, each: PlainObject) -> tuple[Any, ...]:
    kind, digest = each.digest or ("", None)
    return (
        *facts.whole_key(each.backend, each.key),
        each.backend,
        each.size,
        each.modified_at,
        each.first_seen,
        each.deleted_at,
        each.last_access,
        list(each.owners),
        each.storage_class,
        DIGESTS[kind],
        digest,
    )


async def _fill_uses(connection: Any, facts: PlainFacts) -> None:
    names = {name for use in facts.uses for name in (use.user, use.job)} | {each.node for each in facts.told}
    await connection.executemany(
        "INSERT INTO telemetry.words (word) VALUES ($1)", [(each,) for each in sorted(names - {""})]
    )
    for day in {use.day for use in facts.uses}:
        await connection.execute("SELECT public.warpdrive_telemetry_day($1)", day)
    await _fill_keys(connection, [facts.whole_key(use.backend, use.key) for use in facts.uses])
    await connection.executemany(
        """
        INSERT INTO telemetry.rollups AS r (day, user_id, object_id, backend_id, opens, bytes_read, hits, misses)
        SELECT $1, (SELECT id FROM telemetry.words WHERE word = $2), k.id,
            (SELECT id FROM storage.backends WHERE name = $5 ORDER BY present DESC LIMIT 1), $6, $7, $8, $9
        FROM storage.keys AS k JOIN storage.places AS p ON p.id = k.place_id WHERE p.place = $3 AND k.key = $4
        ON CONFLICT (user_id, day, object_id) DO UPDATE SET opens = r.opens + excluded.opens,
            bytes_read = r.bytes_read + excluded.bytes_read, hits = r.hits + excluded.hits,
            misses = r.misses + excluded.misses, backend_id = excluded.backend_id
        """,
        [
            (
                use.day,
                use.user,
                *facts.whole_key(use.backend, use.key),
                use.backend,
                use.opens,
                use.bytes_read,
                use.hits,
                use.misses,
            )
            for use in facts.uses
        ],
    )
    await connection.executemany(
        """
        INSERT INTO telemetry.activity AS a (day, backend_id, user_id, job_id, records, opens, bytes_read, hits,
            misses, errors)
        VALUES ($1, (SELECT id FROM storage.backends WHERE name = $2 ORDER BY present DESC LIMIT 1),
            (SELECT id FROM telemetry.words WHERE word = $3), (SELECT id FROM telemetry.words WHERE word = $4),
            1, $5, $6, $7, $8, 0)
        ON CONFLICT (day, backend_id, user_id, job_id) DO UPDATE SET records = a.records + 1,
            opens = a.opens + excluded.opens, bytes_read = a.bytes_read + excluded.bytes_read,
            hits = a.hits + excluded.hits, misses = a.misses + excluded.misses
        """,
        [
            (use.day, use.backend, use.user, use.job, use.opens, use.bytes_read, use.hits, use.misses)
            for use in facts.uses
        ],
    )


async def _fill_days(connection: Any, facts: PlainFacts) -> None:
    await connection.executemany(
        "INSERT INTO telemetry.presence VALUES ($1, $2, $3, $2::date::timestamptz)",
        [(each.node, each.day, each.present_ms) for each in facts.told],
    )
    await connection.executemany(
        "INSERT INTO telemetry.coverage VALUES ((SELECT id FROM telemetry.words WHERE word = $1), $2, $3, 0, $4, 0, "
        "$2::date::timestamptz)",
        [(each.node, each.day, each.covered_ms, each.lost) for each in facts.told],
    )
    await connection.executemany(
        """
        INSERT INTO storage.ledger VALUES ($1,
            (SELECT id FROM storage.backends WHERE name = $2 ORDER BY present DESC LIMIT 1),
            (SELECT id FROM storage.owners WHERE teams = $3), $4, $5, $6, $7, $8, $9, $10)
        """,
        [(each.day, each.backend, list(each.owners), *_ledger_values(each.counts)) for each in facts.ledger],
    )


def _ledger_values(counts: LedgerCounts) -> Sequence[int]:
    return (
        counts.added_objects,
        counts.added_bytes,
        counts.removed_objects,
        counts.removed_bytes,
        counts.changed_bytes,
        counts.moved_objects,
        counts.moved_bytes,
    )


async def _fill_keys(connection: Any, keys: Iterable[tuple[str, str]]) -> None:
    await connection.executemany(
        "INSERT INTO storage.keys (place_id, key) VALUES ((SELECT id FROM storage.places WHERE place = $1), $2) "
        "ON CONFLICT DO NOTHING",
        list(keys),
    )
