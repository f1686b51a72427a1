"""A group's transaction: everything that its batches change, or nothing.

Several ingest processes may write at once. Every statement takes its rows in the order of their keys, and the
statements come in one order, so that two groups wait for each other in one direction only.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

from warpdrive.adapters.store.ingest.group import NOTHING, Prepared, arrays
from warpdrive.adapters.store.ingest.packing import COLUMNS, HEAD, TAIL
from warpdrive.adapters.store.ingest.staging import ACTIVITY, ROLLUPS, TABLE

_BATCHES: Final = """
    INSERT INTO telemetry.batches (batch_id, received_at, records)
    SELECT id, now(), records FROM unnest($1::uuid[], $2::int[]) AS batch (id, records) ORDER BY id
    ON CONFLICT (batch_id) DO NOTHING RETURNING batch_id
"""
KNOWN: Final = "SELECT batch_id FROM telemetry.batches WHERE batch_id = ANY($1::uuid[])"

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
            await connection.copy_to_table(TABLE, schema_name="pg_temp", source=_copied(group.staged), format="binary")
            # Without arguments they are planned each time, for as many rows as there are.
            await connection.execute(ROLLUPS)
            await connection.execute(ACTIVITY)
        if group.coverage[0] != NOTHING:
            await connection.execute(_COVERAGE, *group.coverage)
        touched = arrays(group.touched)
        if touched[0] != NOTHING:
            raised = await connection.execute(_TOUCHED, *touched)
            # Where every one was found and raised, none is early.
            if raised != f"UPDATE {len(group.touched[0])}":
                await connection.execute(_EARLY, *touched)


async def _copied(rows: Sequence[bytes | memoryview]) -> AsyncIterator[bytes | memoryview]:
    yield HEAD
    for part in rows:
        yield part
    yield TAIL
