"""The end of a crawl: what it has not seen is counted, and, when that is believed, gone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from warpdrive.adapters.store.index.sums import add_to_capacity, add_to_ledger
from warpdrive.application.ports.storage_index import CrawlEnded, Missing

# Keys below a root are a range of the index: from the root itself to the first text that no longer starts with it,
# which is the root with "0", the character after "/", in place of its last. Everything is below "".
_BELOW: Final = """
    ('' = ANY($2::text[]) OR EXISTS (
        SELECT FROM storage.keys AS k JOIN unnest($2::text[]) AS root
        ON k.key >= root AND k.key < left(root, -1) || '0' COLLATE "C" WHERE k.id = o.id
    ))
"""
_THERE: Final = f"""
    SELECT o.id, o.size, o.first_seen, seen.id IS NOT NULL AS seen, o.backend_id, o.owner_id, o.class_id
    FROM storage.objects AS o
    LEFT JOIN (
        SELECT DISTINCT unnest(object_ids) AS id FROM storage.crawl_seen WHERE crawl_id = $1
    ) AS seen ON seen.id = o.id
    WHERE o.place_id = $3 AND o.deleted_at IS NULL AND {_BELOW}
"""  # noqa: S608 - a text of this file
_STARTED: Final = "(SELECT started_at FROM storage.crawls WHERE id = $1)"
_COUNT: Final = f"""
    SELECT coalesce(sum(known), 0)::bigint AS known, coalesce(sum(missing), 0)::bigint AS missing,
        coalesce(sum(objects), 0)::bigint AS objects, coalesce(sum(bytes), 0)::bigint AS bytes,
        coalesce(array_agg(DISTINCT b.name ORDER BY b.name) FILTER (WHERE missing > 0 AND missing = known), '{{}}')
            AS emptied
    FROM (
        SELECT backend_id, count(*) FILTER (WHERE first_seen < {_STARTED}) AS known,
            count(*) FILTER (WHERE first_seen < {_STARTED} AND NOT seen) AS missing,
            count(*) FILTER (WHERE seen) AS objects, sum(size) FILTER (WHERE seen) AS bytes
        FROM ({_THERE}) AS there GROUP BY backend_id
    ) AS counted JOIN storage.backends AS b ON b.id = counted.backend_id
"""  # noqa: S608 - as above
_COUNTED: Final = """
    UPDATE storage.crawls SET objects = $2, bytes = $3 WHERE id = $1 AND state = 'running' RETURNING confirmed
"""
TEMPORARY: Final = """
    CREATE TEMPORARY TABLE gone (id bigint, size bigint, backend_id integer, owner_id integer, class_id integer)
    ON COMMIT DELETE ROWS;
"""
"""A table of the session."""
_FIND_GONE: Final = f"""
    INSERT INTO pg_temp.gone (id, size, backend_id, owner_id, class_id)
    SELECT id, size, backend_id, owner_id, class_id FROM ({_THERE}) AS there
    WHERE NOT seen AND first_seen < {_STARTED}
"""  # noqa: S608 - as above
_LOCK: Final = """
    SELECT count(*) FROM (
        SELECT 1 FROM storage.objects
        WHERE id IN (SELECT id FROM pg_temp.gone UNION SELECT object_id FROM storage.early_accesses)
        ORDER BY id FOR NO KEY UPDATE
    ) AS locked
"""
"""All that is deleted and all that is swept, in the one order in which ingest locks objects too."""
_LOCK_SWEPT: Final = _LOCK.replace("SELECT id FROM pg_temp.gone UNION ", "")
_DELETE: Final = "UPDATE storage.objects SET deleted_at = $1 WHERE id IN (SELECT id FROM pg_temp.gone)"
_CAPACITY: Final = add_to_capacity(
    "SELECT backend_id, owner_id, class_id, -1 AS objects, -size AS bytes FROM pg_temp.gone"
)
_LEDGER: Final = add_to_ledger(
    "$1::date",
    "SELECT backend_id, owner_id, 1 AS removed_objects, size AS removed_bytes FROM pg_temp.gone",
    "removed_objects",
    "removed_bytes",
)
_SWEEP: Final = """
    WITH swept AS (
        DELETE FROM storage.early_accesses AS early USING storage.objects AS o
        WHERE o.id = early.object_id AND o.place_id = $1 RETURNING early.object_id, early.day
    )
    UPDATE storage.objects AS o SET last_access = greatest(o.last_access, swept.day)
    FROM swept WHERE o.id = swept.object_id
"""
_COMPLETED: Final = """
    UPDATE storage.crawls SET state = 'completed', detail = '', ended_at = $2, deleted = $3
    WHERE id = $1 AND state = 'running' RETURNING id
"""
_FORGET: Final = (
    "DELETE FROM storage.crawl_parts WHERE crawl_id = $1",
    "DELETE FROM storage.crawl_seen WHERE crawl_id = $1",
)


# Everything of a place is held against everything that was seen, and the planner knows neither's size: tables that were
# just filled have no statistics, and arrays never. Row by row, 40,000 objects took minutes.
_ALL_AT_ONCE: Final = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"


async def count_missing(
    connection: "asyncpg.Connection[asyncpg.Record]", crawl: int, place: int, roots: Sequence[str]
) -> Missing:
    """Count what was not seen, and what was: each object once, however often it was listed. Raises CrawlEnded."""
    async with connection.transaction():
        await connection.execute(_ALL_AT_ONCE)
        counted = await connection.fetchrow(_COUNT, crawl, list(roots), place)
        assert counted is not None, "counts are always there"
        confirmed = await connection.fetchval(_COUNTED, crawl, counted["objects"], counted["bytes"])
    if confirmed is None:
        raise CrawlEnded(f"crawl {crawl} does not run any more")
    return Missing(counted["known"], counted["missing"], confirmed, tuple(counted["emptied"]))


async def complete(
    connection: "asyncpg.Connection[asyncpg.Record]",
    crawl: int,
    place: int,
    roots: Sequence[str],
    at: datetime,
    *,
    all_seen: bool = False,
) -> None:
    """Let what was not seen be gone; `all_seen`: there is nothing of the kind. Raises CrawlEnded."""
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = on")
        await connection.execute(_ALL_AT_ONCE)
        gone = 0
        if not all_seen:
            found = await connection.execute(_FIND_GONE, crawl, list(roots), place)
            gone = int(found.rpartition(" ")[2])
        await connection.fetchval(_LOCK if gone else _LOCK_SWEPT)
        if gone:
            await connection.execute(_DELETE, at)
            await connection.execute(_CAPACITY)
            await connection.execute(_LEDGER, at.date())
        await connection.execute(_SWEEP, place)
        if await connection.fetchval(_COMPLETED, crawl, at, gone) is None:
            raise CrawlEnded(f"crawl {crawl} does not run any more")
        for statement in _FORGET:
            await connection.execute(statement, crawl)
