"""A group's transaction: everything that its batches change, or nothing.

Several ingest processes may write at once. Every statement takes its rows in the order of their keys, and the
statements come in one order, so that two groups wait for each other in one direction only.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

from warpdrive.adapters.store.ingest.group import NOTHING, Prepared, arrays
from warpdrive.adapters.store.ingest.packing import COLUMNS, HEAD, TAIL

_BATCHES: Final = """
    INSERT INTO telemetry.batches (batch_id, received_at, records)
    SELECT id, now(), records FROM unnest($1::uuid[], $2::int[]) AS batch (id, records) ORDER BY id
    ON CONFLICT (batch_id) DO NOTHING RETURNING batch_id
"""
KNOWN: Final = "SELECT batch_id FROM telemetry.batches WHERE batch_id = ANY($1::uuid[])"

_ROLLUPS: Final = """
    INSERT INTO telemetry.rollups AS known
        (user_id, day, object_id, backend_id, opens, bytes_read, hits, misses)
    SELECT user_id, date '1970-01-01' + day, object_id, backend_id, opens, bytes_read, hits, misses
    FROM unnest(
        $1::text::int[], $2::text::int[], $3::text::bigint[], $4::text::int[], $5::text::bigint[],
        $6::text::bigint[], $7::text::bigint[], $8::text::bigint[]
    ) AS new (user_id, day, object_id, backend_id, opens, bytes_read, hits, misses)
    ON CONFLICT (user_id, day, object_id) DO UPDATE SET backend_id = excluded.backend_id,
        opens = known.opens + excluded.opens, bytes_read = known.bytes_read + excluded.bytes_read,
        hits = known.hits + excluded.hits, misses = known.misses + excluded.misses
"""
_ACTIVITY: Final = """
    INSERT INTO telemetry.activity AS known
        (day, backend_id, user_id, job_id, records, opens, bytes_read, hits, misses, errors)
    SELECT date '1970-01-01' + day, backend_id, user_id, job_id, records, opens, bytes_read, hits, misses, errors
    FROM unnest(
        $1::text::int[], $2::text::int[], $3::text::int[], $4::text::int[], $5::text::bigint[],
        $6::text::bigint[], $7::text::bigint[], $8::text::bigint[], $9::text::bigint[], $10::text::bigint[]
    ) AS new (day, backend_id, user_id, job_id, records, opens, bytes_read, hits, misses, errors)
    ON CONFLICT (day, backend_id, user_id, job_id) DO UPDATE SET records = known.records + excluded.records,
        opens = known.opens + excluded.opens, bytes_read = known.bytes_read + excluded.bytes_read,
        hits = known.hits + excluded.hits, misses = known.misses + excluded.misses,
        errors = known.errors + excluded.errors
"""
_COVERAGE: Final = """
    INSERT INTO telemetry.coverage AS known (node_id, day, covered_ms, records, lost, too_old, last_at)
    SELECT node_id, date '1970-01-01' + day, covered_ms, records, lost, too_old, now()
    FROM unnest(
        $1::text::int[], $2::text::int[], $3::text::bigint[], $4::text::bigint[], $5::text::bigint[],
        $6::text::bigint[]
    ) AS new (node_id, day, covered_ms, records, lost, too_old)
    ON CONFLICT (node_id, day) DO UPDATE SET covered_ms = known.covered_ms + excluded.covered_ms,
        records = known.records + excluded.records, lost = known.lost + excluded.lost,
        too_old = known.too_old + excluded.too_old, last_at = excluded.last_at
"""
_TOUCHED: Final = """
    UPDATE storage.objects AS known SET last_access = date '1970-01-01' + new.day
    FROM unnest(
        $1::text::bigint[], $2::text::int[]
    ) AS new (object_id, day)
    WHERE known.id = new.object_id
        AND (known.last_access IS NULL OR known.last_access < date '1970-01-01' + new.day)
"""
_EARLY: Final = """
    INSERT INTO storage.early_accesses AS known (object_id, day)
    SELECT object_id, date '1970-01-01' + day FROM unnest(
        $1::text::bigint[], $2::text::int[]
    ) AS new (object_id, day)
    WHERE NOT EXISTS (SELECT FROM storage.objects AS known WHERE known.id = new.object_id)
    ON CONFLICT (object_id) DO UPDATE SET day = excluded.day WHERE known.day < excluded.day
"""


class AlreadyKnown(Exception):
    """Raised when some of the group's batches are known by now; nothing was written."""

    def __init__(self, known: Sequence[UUID]) -> None:
        super().__init__(f"{len(known)} batches were counted by somebody else")
        self.known = known


async def write(connection: Any, group: Prepared) -> None:
    """Write a group in a transaction. Raises AlreadyKnown, and the driver's errors."""
    async with connection.transaction():
        new = await connection.fetch(_BATCHES, group.ids, group.counts)
        if len(new) < len(group.ids):
            raise AlreadyKnown(sorted(set(group.ids) - {batch for (batch,) in new}))
        if any(group.rows):
            await connection.copy_to_table(
                "records", schema_name="telemetry", columns=COLUMNS, source=_copied(group.rows), format="binary"
            )
        for statement, columns in (
            (_ROLLUPS, group.rollups),
            (_ACTIVITY, group.activity),
            (_COVERAGE, group.coverage),
        ):
            if columns[0] != NOTHING:
                await connection.execute(statement, *columns)
        touched = arrays(group.touched)
        if touched[0] != NOTHING:
            raised = await connection.execute(_TOUCHED, *touched)
            # Where every one was found and raised, none is early.
            if raised != f"UPDATE {len(group.touched[0])}":
                await connection.execute(_EARLY, *touched)


async def _copied(rows: Sequence[bytes]) -> AsyncIterator[bytes]:
    yield HEAD
    for part in rows:
        yield part
    yield TAIL
