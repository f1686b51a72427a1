"""`ArchiveSource` on PostgreSQL: days read as of one snapshot, a few thousand rows at a time.

What came after a day was archived is told from the rest by the transaction that wrote it: every row bears its number,
and the snapshot that the archive was made from says which numbers it saw. Ingest writes rows at the top of its
transactions, never below a savepoint, whose numbers a snapshot does not know; counts are compared all the same. Where
they do not fit (numbers mean nothing in a database that was restored from a dump), a day is read as a whole, if it is
all here.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final

import anyio
import asyncpg

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.telemetry_archive import ArchivedDay, ArchiveOwner, ArchiveUnclear, DayReading

_ARCHIVIST: Final = int.from_bytes(b"warparch", "big")
"""Number of the advisory lock: bytes that nobody else picks by chance."""
_CLOSE_PATIENCE_S: Final = 0.5
BATCH: Final = 8192
"""Rows that are fetched at once."""

# The server's number is made when it is set up, and copied with its files alone; everybody may ask for it.
_IDENTITY: Final = """
    SELECT format('%s-%s', c.system_identifier, d.oid) FROM pg_control_system() AS c
    JOIN pg_database AS d ON d.datname = current_database()
"""
_DAYS: Final = """
    SELECT part.day, a.backend, a.key, a.parts, a.records, a.bytes
    FROM (
        SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'telemetry.records'::regclass
    ) AS part
    LEFT JOIN telemetry.archives AS a USING (day)
    WHERE part.day < $1 AND (
        a.day IS NULL
        -- Kept in the transactions that write records, and counted in a moment, which the records are not.
        OR a.records <> (SELECT coalesce(sum(s.records), 0) FROM telemetry.activity AS s WHERE s.day = part.day)
    )
    ORDER BY part.day
"""
_SEEN: Final = "SELECT pg_current_snapshot()::text"

# Rows bear the lower half of their transaction's number; the whole one is the greatest that is not yet to come.
_LATE: Final = """
    NOT pg_visible_in_snapshot(
        (head.next - ((head.next - r.xmin::text::bigint) & 4294967295))::text::xid8,
        (SELECT seen FROM telemetry.archives WHERE day = $1)
    )
"""
_HEAD: Final = "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS head"

_COUNT: Final = f"""
    SELECT count(*) AS records, count(*) FILTER (WHERE {_LATE}) AS late,
        (SELECT coalesce(sum(s.records), 0)::bigint FROM telemetry.activity AS s WHERE s.day = $1) AS ever
    FROM telemetry.records AS r CROSS JOIN {_HEAD} WHERE r.day = $1
"""  # noqa: S608 - made of this module's own words
_ROWS: Final = f"""
    SELECT r.at, r.window_ms, node.word, person.word, r.uid, job.word, b.name, p.place,
        substr(k.key, length(b.prefix) + 1), coalesce(r.path, mount.word || substr(k.key, length(b.prefix) + 1), ''),
        coalesce(r.version, ''), (ARRAY['open', 'read', 'list', 'stat', 'write'])[r.op + 1],
        r.opens, r.bytes_read, r.hits, r.misses, r.latency_ms, r.latency_max_ms, error.word
    FROM telemetry.records AS r CROSS JOIN {_HEAD}
    JOIN telemetry.words AS node ON node.id = r.node_id
    JOIN telemetry.words AS person ON person.id = r.user_id
    JOIN telemetry.words AS job ON job.id = r.job_id
    JOIN telemetry.words AS error ON error.id = r.error_id
    LEFT JOIN telemetry.words AS mount ON mount.id = r.mount_id
    JOIN storage.backends AS b ON b.id = r.backend_id JOIN storage.places AS p ON p.id = b.place_id
    JOIN storage.keys AS k ON k.id = r.object_id
    WHERE r.day = $1 AND ($2 OR {_LATE})
"""  # noqa: S608 - as above
_NOTE: Final = """
    INSERT INTO telemetry.archives (day, backend, key, parts, records, bytes, seen, archived_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7::text::pg_snapshot, $8)
    ON CONFLICT (day) DO UPDATE SET backend = excluded.backend, key = excluded.key, parts = excluded.parts,
        records = excluded.records, bytes = excluded.bytes, seen = excluded.seen, archived_at = excluded.archived_at
"""


class PostgresArchiveSource:
    """See the port: each archivist has a connection of its own, which holds the lock."""

    def __init__(self, place: DatabasePlace) -> None:
        self._place = place

    @asynccontextmanager
    async def sole(self) -> "AsyncIterator[PostgresArchivist | None]":
        """See the port."""
        with told_as_store_errors():
            connection = await connect(
                self._place,
                Role.APP,
                application_name="warpdrive archive",
                patience_s=None,  # a day is counted for as long as it takes
                tcp_keepalives_idle="5",
                tcp_keepalives_interval="1",
                tcp_keepalives_count="3",
            )
        try:
            with told_as_store_errors():
                held = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ARCHIVIST)
            if not held:
                yield None
                return
            with anyio.CancelScope() as scope:

                def lost(_: object) -> None:
                    scope.cancel()

                connection.add_termination_listener(lost)
                yield PostgresArchivist(connection, str(self._place))
                connection.remove_termination_listener(lost)
            if scope.cancelled_caught:
                raise StoreUnavailable("the archivist's connection was lost, and its lock with it")
        finally:
            await hang_up(connection, patience_s=_CLOSE_PATIENCE_S)


class PostgresArchivist:
    """See `Archivist`."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", words: str) -> None:
        self._connection = connection
        self._words = words

    async def owner(self) -> ArchiveOwner:
        """See the port."""
        with told_as_store_errors():
            identity = await self._connection.fetchval(_IDENTITY)
        return ArchiveOwner(identity, self._words)

    async def days(self, *, before: date) -> Sequence[tuple[date, ArchivedDay | None]]:
        """See the port."""
        with told_as_store_errors():
            rows = await self._connection.fetch(_DAYS, before)
        return [(row["day"], None if row["backend"] is None else ArchivedDay(**row)) for row in rows]

    @asynccontextmanager
    async def reading(self, day: date, archived: ArchivedDay | None) -> "AsyncIterator[PostgresDayReading]":
        """See the port."""
        transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
        with told_as_store_errors():
            await transaction.start()
        try:
            with told_as_store_errors():
                seen = await self._connection.fetchval(_SEEN)
                counts = await self._connection.fetchrow(_COUNT, day)
            assert counts is not None, "a count has a row"
            whole = archived is None or _anew(archived, **counts)
            records = counts["records"] if whole else counts["late"]
            yield PostgresDayReading(self._connection, day, seen, records, whole=whole)
        finally:
            # Nothing was written, so there is nothing to commit; a connection that was lost has no transaction.
            if not self._connection.is_closed():
                with told_as_store_errors():
                    await transaction.rollback()

    async def note(self, archived: ArchivedDay, reading: DayReading, at: datetime) -> None:
        """See the port."""
        with told_as_store_errors():
            await self._connection.execute(
                _NOTE,
                archived.day,
                archived.backend,
                archived.key,
                archived.parts,
                archived.records,
                archived.bytes,
                reading.seen,
                at,
            )


def _anew(archived: ArchivedDay, records: int, late: int, ever: int) -> bool:
    """Say whether a day has to be written anew. `ever`: how many records were counted, those that were dropped too.

    Raises ArchiveUnclear when neither that nor an addition would make it right.
    """
    if archived.records == records - late:
        return False
    if records == late and archived.records + late == ever:
        # What is archived was dropped here, and then something came that had been too late before.
        return False
    if records == ever:
        # Everything is here: nothing is lost with the old files.
        return True
    raise ArchiveUnclear(archived.day, archived.records, records, ever)


class PostgresDayReading:
    """See `DayReading`."""

    def __init__(
        self, connection: "asyncpg.Connection[asyncpg.Record]", day: date, seen: str, records: int, *, whole: bool
    ) -> None:
        self._connection = connection
        self._day = day
        self.seen = seen
        self.records = records
        self.whole = whole

    async def rows(self) -> AsyncGenerator[Sequence[tuple[Any, ...]], None]:
        """See the port."""
        with told_as_store_errors():
            cursor = await self._connection.cursor(_ROWS, self._day, self.whole)
            while batch := await cursor.fetch(BATCH):
                yield [tuple(row) for row in batch]
