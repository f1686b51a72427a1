"""Pages become rows: one transaction a batch, and for what is as before not one write to its row.

The batch goes to a temporary table by COPY, is compared with the index in one pass, and what differs is kept in a
second table with what was there before: from it come keys, objects, changes, capacity and ledger.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg
from xxhash import xxh3_64_intdigest

from warpdrive.adapters.store.index.numbers import Numbered
from warpdrive.adapters.store.index.sums import add_to_capacity, add_to_ledger
from warpdrive.application.ports.listing_source import ListedPage
from warpdrive.application.ports.storage_index import CrawlEnded
from warpdrive.domain.governance.attribution import Assignment, Attribution
from warpdrive.domain.governance.duplicates import md5_of_etag
from warpdrive.domain.governance.recorded_texts import recorded_key

_COLUMNS: Final = (
    "key", "size", "modified_us", "version_hash", "class_id", "digest_kind", "digest", "backend_id", "owner_id",
)  # fmt: skip
_LISTED: Final = """
    key text COLLATE "C", size bigint, modified_us bigint, version_hash bigint, class_id smallint,
    digest_kind smallint, digest bytea, backend_id integer, owner_id integer
"""
TEMPORARY: Final = f"""
    CREATE TEMPORARY TABLE listed ({_LISTED}) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE news (
        {_LISTED}, id bigint, change smallint, old_size bigint, old_class integer, old_backend integer,
        old_owner integer
    ) ON COMMIT DELETE ROWS;
"""
"""Tables of the session. `change`: 0 a new object, 1 one that is back, 2 one that is otherwise."""

# The tables that are joined are millions of rows, the batch is thousands: always row by row (LATERAL, and OFFSET 0 as a
# fence) and by their indexes, whatever the planner believes of a temporary table that nobody analysed. Left alone, it
# read all keys once for each row of the batch.
BY_INDEX: Final = """
    SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off; SET LOCAL jit = off
"""
_MODIFIED: Final = "to_timestamp(modified_us / 1000000.0::float8)"

_COMPARE: Final = f"""
    WITH found AS MATERIALIZED (
        SELECT l.*, k.id, CASE
            WHEN o.id IS NULL THEN 0 WHEN o.deleted_at IS NOT NULL THEN 1
            WHEN o.size <> l.size OR o.version_hash <> l.version_hash OR o.modified_at <> {_MODIFIED}
                OR o.class_id <> l.class_id OR o.digest_kind <> l.digest_kind OR o.digest IS DISTINCT FROM l.digest
            THEN 2 ELSE 3 END::smallint AS change,
            o.size AS old_size, o.class_id AS old_class, o.backend_id AS old_backend, o.owner_id AS old_owner
        FROM pg_temp.listed AS l
        LEFT JOIN LATERAL (SELECT id FROM storage.keys WHERE place_id = $1 AND key = l.key OFFSET 0) AS k ON true
        LEFT JOIN LATERAL (SELECT * FROM storage.objects WHERE id = k.id OFFSET 0) AS o ON true
    ), seen AS (
        INSERT INTO storage.crawl_seen (crawl_id, object_ids)
        SELECT $2, array_agg(id) FROM found WHERE change > 0 HAVING count(*) > 0
    ), news AS (
        INSERT INTO pg_temp.news ({", ".join(_COLUMNS)}, id, change, old_size, old_class, old_backend, old_owner)
        SELECT {", ".join(_COLUMNS)}, id, change, old_size, old_class, old_backend, old_owner
        FROM found WHERE change < 3
    )
    SELECT count(*) AS objects, coalesce(sum(size), 0)::bigint AS bytes,
        count(*) FILTER (WHERE change < 2) AS added, count(*) FILTER (WHERE change = 2) AS changed,
        count(*) FILTER (WHERE change = 0) AS fresh
    FROM found
"""  # noqa: S608 - texts of this file
_KEYS: Final = """
    INSERT INTO storage.keys (place_id, key) SELECT $1, key FROM pg_temp.news WHERE id IS NULL ORDER BY key
    ON CONFLICT (place_id, key) DO NOTHING
"""
_FRESH: Final = f"""
    WITH fresh AS (
        INSERT INTO storage.objects (id, size, modified_at, first_seen, last_access, place_id, backend_id, owner_id,
            class_id, digest_kind, digest, version_hash)
        SELECT k.id, n.size, {_MODIFIED}, $3, e.day, $1, n.backend_id, n.owner_id, n.class_id, n.digest_kind, n.digest,
            n.version_hash
        FROM pg_temp.news AS n
        CROSS JOIN LATERAL (SELECT id FROM storage.keys WHERE place_id = $1 AND key = n.key OFFSET 0) AS k
        LEFT JOIN LATERAL (SELECT day FROM storage.early_accesses WHERE object_id = k.id OFFSET 0) AS e ON true
        WHERE n.change = 0 ORDER BY k.id
        RETURNING id, last_access
    ), taken_over AS (
        DELETE FROM storage.early_accesses AS e USING fresh AS f WHERE e.object_id = f.id AND f.last_access IS NOT NULL
    )
    INSERT INTO storage.crawl_seen (crawl_id, object_ids) SELECT $2, array_agg(id) FROM fresh HAVING count(*) > 0
"""  # noqa: S608 - as above
_LOCK: Final = """
    SELECT 1 FROM storage.objects WHERE id IN (SELECT id FROM pg_temp.news WHERE change > 0)
    ORDER BY id FOR NO KEY UPDATE
"""
_CHANGED: Final = f"""
    UPDATE storage.objects AS o SET size = n.size, modified_at = {_MODIFIED}, version_hash = n.version_hash,
        class_id = n.class_id, digest_kind = n.digest_kind, digest = n.digest, deleted_at = NULL,
        backend_id = CASE n.change WHEN 1 THEN n.backend_id ELSE o.backend_id END,
        owner_id = CASE n.change WHEN 1 THEN n.owner_id ELSE o.owner_id END
    FROM pg_temp.news AS n WHERE o.id = n.id AND n.change > 0
"""  # noqa: S608 - as above
_CAPACITY: Final = add_to_capacity("""
    SELECT backend_id, owner_id, class_id, 1 AS objects, size AS bytes FROM pg_temp.news WHERE change < 2
    UNION ALL SELECT old_backend, old_owner, class_id, 1, size FROM pg_temp.news WHERE change = 2
    UNION ALL SELECT old_backend, old_owner, old_class, -1, -old_size FROM pg_temp.news WHERE change = 2
""")
_LEDGER: Final = add_to_ledger(
    "$1::date",
    """
    SELECT backend_id, owner_id, 1 AS added_objects, size AS added_bytes, 0 AS changed_bytes
    FROM pg_temp.news WHERE change < 2
    UNION ALL SELECT old_backend, old_owner, 0, 0, size - old_size FROM pg_temp.news WHERE change = 2
    """,
    "added_objects",
    "added_bytes",
    "changed_bytes",
)
_PARTS: Final = """
    INSERT INTO storage.crawl_parts (crawl_id, prefix, "cursor", done)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::boolean[])
    ON CONFLICT (crawl_id, prefix) DO UPDATE SET "cursor" = excluded."cursor", done = excluded.done
"""
_PROGRESS: Final = """
    UPDATE storage.crawls SET objects = objects + $2, bytes = bytes + $3, added = added + $4, changed = changed + $5,
        (parts_done, parts_known) = (
            SELECT count(*) FILTER (WHERE done), count(*) FROM storage.crawl_parts WHERE crawl_id = $1
        )
    WHERE id = $1 AND state = 'running' RETURNING id
"""

_DIGESTS: Final = {"md5": 1, "crc32c": 2}
_HALF: Final = 2**63

ListedRow = tuple[str, int, int, int, int, int, bytes | None, int, int]


def listed_rows(
    pages: Iterable[ListedPage],
    attribution: Attribution,
    numbers: Mapping[Assignment, Numbered],
    classes: Mapping[str, int],
    *,
    etags: bool = False,
) -> Sequence[ListedRow]:
    """Write pages as rows for COPY, each key once: the last one counts. `etags`: see `has_etags`."""
    rows: list[ListedRow] = []
    homes: dict[str, Numbered] = {}
    for page in pages:
        prefix = page.prefix
        for own, size, version, mtime_ns, digest, _, storage_class in page.objects:
            key = recorded_key(prefix, own)
            directory = key[: key.rfind("/") + 1]
            home = homes.get(directory)
            if home is None:
                found = attribution.of(key)
                assert found is not None, "what was listed is shown by some backend"
                home = homes[directory] = numbers[found]
            kind, value = (0, None) if digest is None else (_DIGESTS[digest.algorithm], digest.value)
            if digest is None and etags and (value := md5_of_etag(version)) is not None:
                kind = _DIGESTS["md5"]
            hashed = xxh3_64_intdigest(version.encode("utf-8", "surrogatepass")) - _HALF
            rows.append((key, size, mtime_ns // 1000, hashed, classes[storage_class], kind, value, *home))
    by_key = {row[0]: row for row in rows}
    return rows if len(by_key) == len(rows) else list(by_key.values())


async def merge_rows(
    connection: "asyncpg.Connection[asyncpg.Record]",
    crawl: int,
    place: int,
    rows: Sequence[ListedRow],
    pages: Iterable[ListedPage],
    at: datetime,
) -> None:
    """Take rows in, with the progress of their pages' parts, in one transaction. Raises CrawlEnded."""
    async with connection.transaction():
        await connection.execute(BY_INDEX)
        counts = (0, 0, 0, 0)
        if rows:
            await connection.copy_records_to_table("listed", schema_name="pg_temp", records=rows, columns=_COLUMNS)
            found = await connection.fetchrow(_COMPARE, place, crawl)
            assert found is not None, "counts are always there"
            counts = (found["objects"], found["bytes"], found["added"], found["changed"])
            if found["added"] + found["changed"] > found["fresh"]:
                # Before early accesses are touched: ingest goes from objects to those, too.
                await connection.execute(_LOCK)
                await connection.execute(_CHANGED)
            if found["fresh"]:
                await connection.execute(_KEYS, place)
                await connection.execute(_FRESH, place, crawl, at)
            if found["added"] + found["changed"]:
                await connection.execute(_CAPACITY)
                await connection.execute(_LEDGER, at.date())
        parts: dict[str, tuple[str, bool]] = {}
        for page in pages:
            parts[page.part] = (page.cursor, page.done)
            for name in page.found:
                parts.setdefault(name, ("", False))
        cursors, done = zip(*parts.values(), strict=True)
        await connection.execute(_PARTS, crawl, list(parts), cursors, done)
        if await connection.fetchval(_PROGRESS, crawl, *counts) is None:
            raise CrawlEnded(f"crawl {crawl} does not run any more")
