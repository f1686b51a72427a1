"""`UsageFacts` on PostgreSQL: sums that are kept, read whole."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.usage_facts import (
    ActivityRow,
    BackendMark,
    CapacityRow,
    FactMarks,
    LedgerRow,
    NodeDay,
)

_MARKS: Final = """
    SELECT b.name, b.type, p.place, b.prefix, coalesce(c.generation, 0) AS generation, c.ended_at AS completed_at
    FROM storage.backends AS b JOIN storage.places AS p ON p.id = b.place_id
    LEFT JOIN LATERAL (
        SELECT generation, ended_at FROM storage.crawls
        WHERE place_id = b.place_id AND state = 'completed' ORDER BY generation DESC LIMIT 1
    ) AS c ON true
    WHERE b.present ORDER BY b.name
"""
_POSITION: Final = """SELECT "position" FROM storage.attribution"""
_COUNTED: Final = "SELECT refreshed_at FROM governance.refreshes WHERE name = 'reader_shares'"
_COVERAGE: Final = """
    SELECT node, day, coalesce(present_ms, 0) AS present_ms, coalesce(covered_ms, 0) AS covered_ms,
        coalesce(lost, 0) AS lost
    FROM (SELECT node, day, present_ms FROM telemetry.presence WHERE day BETWEEN $1 AND $2) AS present
    FULL JOIN (
        SELECT w.word AS node, c.day, c.covered_ms, c.lost FROM telemetry.coverage AS c
        JOIN telemetry.words AS w ON w.id = c.node_id WHERE c.day BETWEEN $1 AND $2
    ) AS told USING (node, day)
    ORDER BY day, node
"""
_CAPACITY: Final = """
    SELECT b.name AS backend, o.teams AS owners, c.class AS storage_class,
        sum(k.objects)::bigint AS objects, sum(k.bytes)::bigint AS bytes
    FROM storage.capacity AS k JOIN storage.backends AS b ON b.id = k.backend_id
    JOIN storage.owners AS o ON o.id = k.owner_id JOIN storage.classes AS c ON c.id = k.class_id
    GROUP BY b.name, o.teams, c.class HAVING sum(k.objects) <> 0 ORDER BY b.name, o.teams, c.class
"""
_LEDGER: Final = """
    SELECT l.day, b.name AS backend, o.teams AS owners,
        sum(added_objects)::bigint AS added_objects, sum(added_bytes)::bigint AS added_bytes,
        sum(removed_objects)::bigint AS removed_objects, sum(removed_bytes)::bigint AS removed_bytes,
        sum(changed_bytes)::bigint AS changed_bytes,
        sum(moved_objects)::bigint AS moved_objects, sum(moved_bytes)::bigint AS moved_bytes
    FROM storage.ledger AS l JOIN storage.backends AS b ON b.id = l.backend_id
    JOIN storage.owners AS o ON o.id = l.owner_id
    WHERE $1::date IS NULL OR l.day >= $1 GROUP BY l.day, b.name, o.teams ORDER BY l.day, b.name, o.teams
"""
_ACTIVITY: Final = """
    SELECT a.day, b.name AS backend, sum(records)::bigint AS records, sum(opens)::bigint AS opens,
        sum(bytes_read)::bigint AS bytes_read, sum(hits)::bigint AS hits, sum(misses)::bigint AS misses
    FROM telemetry.activity AS a JOIN storage.backends AS b ON b.id = a.backend_id
    WHERE a.day BETWEEN $1 AND $2 GROUP BY a.day, b.name ORDER BY a.day, b.name
"""


class PostgresUsageFacts:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def marks(self) -> FactMarks:
        """See the port."""
        position = await self._questions.value(_POSITION)
        counted = await self._questions.value(_COUNTED)
        backends = tuple(BackendMark(**row) for row in await self._questions.rows(_MARKS))
        return FactMarks(int(position or 0), backends, counted)

    async def coverage(self, from_day: date, to_day: date) -> Sequence[NodeDay]:
        """See the port."""
        return [NodeDay(**row) for row in await self._questions.rows(_COVERAGE, from_day, to_day)]

    async def capacity(self) -> Sequence[CapacityRow]:
        """See the port."""
        return [CapacityRow(**{**row, "owners": tuple(row["owners"])}) for row in await self._questions.rows(_CAPACITY)]

    async def ledger(self, from_day: date | None = None) -> Sequence[LedgerRow]:
        """See the port."""
        rows = await self._questions.rows(_LEDGER, from_day)
        return [LedgerRow(**{**row, "owners": tuple(row["owners"])}) for row in rows]

    async def activity(self, from_day: date, to_day: date) -> Sequence[ActivityRow]:
        """See the port."""
        return [ActivityRow(**row) for row in await self._questions.rows(_ACTIVITY, from_day, to_day)]
