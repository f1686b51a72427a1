"""Counting who read what, set by set, in one transaction that sees one moment of the store.

Each object's bytes are divided among its readers in the order of their ids (C collation, as the domain's splitting
sorts them), the remainder going, one each, to those who come first. Readers are numbered in that order beforehand, so
that what is sorted ten million times is a number and not a text. Nothing large is written, and the questions are
plain ones, so that PostgreSQL may answer them with several processes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio
import asyncpg

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.read_models import POSITION
from warpdrive.adapters.store.row_statements import LIVE
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.reader_shares import WINDOWS, ReaderCounter

_RUNNER: Final = int.from_bytes(b"warpread", "big")
"""Number of the advisory lock."""

_CLOSE_PATIENCE_S: Final = 0.5
_PATIENCE_S: Final = 600.0
"""Seconds that one statement may take."""

_WORK_MEMORY: Final = "128MB"
"""Sorts of ten million pairs then spill once instead of many times."""

_BASES: Final = ("team", "user")

_STATE: Final = """
    SELECT concat_ws(' ',
        (SELECT concat(count(*), '/', max(received_at)) FROM telemetry.batches),
        (SELECT concat(sum(objects), '/', sum(bytes)) FROM storage.capacity),
        (SELECT concat(count(*), '/', max(ended_at)) FROM storage.crawls WHERE state = 'completed'),
        (SELECT "position" FROM storage.attribution),
        (SELECT max("position") FROM read_model.teams))
"""

_SUBJECTS: Final = """
    WITH RECURSIVE found AS (
        -- From one user's rollups to the next one's: they lie in this order, and there are many of each.
        SELECT min(user_id) AS id FROM telemetry.rollups
        UNION ALL
        SELECT (SELECT min(user_id) FROM telemetry.rollups WHERE user_id > found.id) FROM found
        WHERE found.id IS NOT NULL
    ), users AS (SELECT w.id, w.word FROM telemetry.words AS w JOIN found ON found.id = w.id)
    SELECT 'user' AS basis, id AS user_id, word AS subject FROM users
    UNION ALL
    SELECT 'team', users.id, coalesce(member.team_id, '')
    FROM users LEFT JOIN (
        SELECT m.principal, m.team_id FROM read_model.team_members AS m
        JOIN read_model.teams AS t ON t.id = m.team_id AND NOT t.disbanded
    ) AS member ON member.principal = users.word
"""

_COUNT: Final = """
    WITH shared AS (SELECT * FROM unnest($1::integer[], $2::integer[]) AS given (user_id, number)), pairs AS (
        -- Sorted once, for this and for both windows below.
        SELECT DISTINCT ON (r.object_id, shared.number) r.object_id, shared.number, r.day
        FROM telemetry.rollups AS r JOIN shared ON shared.user_id = r.user_id WHERE r.day >= {first}
        ORDER BY r.object_id, shared.number, r.day DESC
    ), placed AS (
        SELECT object_id, number,
            {placed}
        FROM pairs WINDOW together AS (PARTITION BY object_id),
            ordered AS (PARTITION BY object_id ORDER BY number ROWS UNBOUNDED PRECEDING)
    )
    SELECT o.backend_id, placed.number,
        {sums}
    FROM placed JOIN storage.objects AS o ON o.id = placed.object_id AND o.deleted_at IS NULL
    GROUP BY o.backend_id, placed.number
"""
_KEEP: Final = """
    INSERT INTO governance.reader_shares (days, basis, subject, kind, backend_id, objects, bytes)
    SELECT $1, $2, subject, CASE WHEN subject = '' THEN 'unattributed' ELSE $2 END, backend_id, objects, bytes
    FROM unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[]) AS counted (subject, backend_id, objects, bytes)
"""
_PLACED: Final = """count(*) FILTER (WHERE day >= {since}) OVER together AS sharers{days},
            CASE WHEN day >= {since} THEN count(*) FILTER (WHERE day >= {since}) OVER ordered - 1 END AS place{days}"""
_SUMS: Final = """sum(CASE WHEN place{days} = 0 THEN 1 ELSE 0 END)
                FILTER (WHERE place{days} IS NOT NULL)::bigint AS objects{days},
            sum(o.size / sharers{days} + CASE WHEN place{days} < o.size % sharers{days} THEN 1 ELSE 0 END)
                FILTER (WHERE place{days} IS NOT NULL)::bigint AS bytes{days}"""

_UNREAD: Final = """
    INSERT INTO governance.reader_shares (days, basis, subject, kind, backend_id, objects, bytes)
    SELECT windows.days, bases.basis, '', 'unread', there.backend_id,
        there.objects - coalesce(read.objects, 0), there.bytes - coalesce(read.bytes, 0)
    FROM (
        SELECT backend_id, count(*) AS objects, sum(size)::bigint AS bytes FROM storage.objects
        WHERE deleted_at IS NULL GROUP BY backend_id
    ) AS there
    CROSS JOIN unnest($1::integer[]) AS windows (days) CROSS JOIN unnest($2::text[]) AS bases (basis)
    LEFT JOIN (
        SELECT days, basis, backend_id, sum(objects)::bigint AS objects, sum(bytes)::bigint AS bytes
        FROM governance.reader_shares GROUP BY days, basis, backend_id
    ) AS read ON read.days = windows.days AND read.basis = bases.basis AND read.backend_id = there.backend_id
    WHERE there.objects <> coalesce(read.objects, 0)
"""
_REFRESHED: Final = """
    INSERT INTO governance.refreshes (name, refreshed_at, took_ms, "position") VALUES ('reader_shares', $1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET refreshed_at = excluded.refreshed_at, took_ms = excluded.took_ms,
        "position" = excluded."position"
"""


class PostgresReaderCounting:
    """See ReaderCounting: whoever counts has a connection of its own, and the lock on it."""

    def __init__(self, place: DatabasePlace) -> None:
        self._place = place

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ReaderCounter | None]:
        """See the port."""
        with told_as_store_errors():
            connection = await connect(
                self._place,
                Role.APP,
                application_name="warpdrive reader shares",
                patience_s=_PATIENCE_S,
                tcp_keepalives_idle="5",
                tcp_keepalives_interval="1",
                tcp_keepalives_count="3",
            )
        try:
            with told_as_store_errors():
                locked = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _RUNNER)
            if not locked:
                yield None
                return
            with anyio.CancelScope() as scope:

                def lost(_: object) -> None:
                    scope.cancel()

                connection.add_termination_listener(lost)
                yield _Counter(connection)
                connection.remove_termination_listener(lost)
            if scope.cancelled_caught:
                raise StoreUnavailable("the connection was lost, and the lock with it")
        finally:
            await hang_up(connection, patience_s=_CLOSE_PATIENCE_S)


class _Counter:
    """`ReaderCounter` over one connection."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def state(self) -> str:
        with told_as_store_errors():
            return str(await self._connection.fetchval(_STATE))

    async def count(self, at: datetime) -> None:
        began = anyio.current_time()
        with told_as_store_errors():
            async with self._connection.transaction(isolation="repeatable_read"):
                position = int(await self._connection.fetchval(POSITION, LIVE) or 0)
                await self._count(at)
                took_ms = int((anyio.current_time() - began) * 1000)
                await self._connection.execute(_REFRESHED, at, took_ms, position)

    async def _count(self, at: datetime) -> None:
        today = at.astimezone(UTC).date()
        since = {days: f"DATE '{today - timedelta(days=days)}'" for days in WINDOWS}
        sql = _COUNT.format(
            first=since[max(WINDOWS)],
            placed=",\n".join(_PLACED.format(days=days, since=first) for days, first in since.items()),
            sums=",\n".join(_SUMS.format(days=days) for days in since),
        )
        await self._connection.execute(f"SET LOCAL work_mem = '{_WORK_MEMORY}'")
        await self._connection.execute("DELETE FROM governance.reader_shares")
        shared = await self._connection.fetch(_SUBJECTS)
        for basis in _BASES:
            pairs = [(row["user_id"], row["subject"]) for row in shared if row["basis"] == basis]
            # By code points, which is how the C collation sorts, too.
            subjects = sorted({subject for _, subject in pairs})
            numbers = {subject: number for number, subject in enumerate(subjects)}
            counted = await self._connection.fetch(
                sql, [user for user, _ in pairs], [numbers[subject] for _, subject in pairs]
            )
            for days in WINDOWS:
                rows = [row for row in counted if row[f"objects{days}"] is not None]
                await self._connection.execute(
                    _KEEP,
                    days,
                    basis,
                    [subjects[row["number"]] for row in rows],
                    [row["backend_id"] for row in rows],
                    [row[f"objects{days}"] for row in rows],
                    [row[f"bytes{days}"] for row in rows],
                )
        await self._connection.execute(_UNREAD, list(WINDOWS), list(_BASES))
