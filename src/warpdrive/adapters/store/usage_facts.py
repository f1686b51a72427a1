"""`UsageFacts` on PostgreSQL: sums that are kept, read whole."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.usage_facts import (
    ActivityRow,
    BackendMark,
    CapacityRow,
    FactMarks,
    History,
    HistoryDay,
    HistorySum,
    LedgerRow,
    NodeDay,
)
from warpdrive.domain.governance.coverage import LEEWAY_MS
from warpdrive.domain.governance.growth import Flow

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
    WITH judged AS (
        SELECT node, day, greatest(coalesce(present_ms, 0), coalesce(covered_ms, 0)) AS present_ms,
            coalesce(covered_ms, 0) AS covered_ms, coalesce(lost, 0) AS lost,
            coalesce(lost, 0) = 0 AND coalesce(present_ms, 0) - coalesce(covered_ms, 0) <= $3::bigint AS complete
        FROM (SELECT node, day, present_ms FROM telemetry.presence WHERE day BETWEEN $1 AND $2) AS present
        FULL JOIN (
            SELECT w.word AS node, c.day, c.covered_ms, c.lost FROM telemetry.coverage AS c
            JOIN telemetry.words AS w ON w.id = c.node_id WHERE c.day BETWEEN $1 AND $2
        ) AS told USING (node, day)
    )
    SELECT node, day, present_ms, covered_ms, lost, 1::bigint AS nodes FROM judged WHERE NOT complete
    UNION ALL
    SELECT '', day, sum(present_ms)::bigint, sum(covered_ms)::bigint, 0, count(*) FROM judged
    WHERE complete GROUP BY day
    ORDER BY day, node
"""
"""A thousand nodes and ninety days are too many rows for an answer: only those that lack something come one by one."""
CAPACITY: Final = """
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
_NAMES: Final = "SELECT DISTINCT name FROM storage.backends ORDER BY name"
_ALL_HISTORY: Final = """
    SELECT 'first' AS kind, min(l.day) AS day, '' AS backend, '{}'::text[] AS owners, 0::bigint AS objects,
        0::bigint AS bytes, 0::bigint AS removed_objects, 0::bigint AS removed_bytes, 0::bigint AS changed_bytes,
        0::bigint AS moved_objects, 0::bigint AS moved_bytes
    FROM storage.ledger AS l JOIN storage.backends AS b ON b.id = l.backend_id WHERE $2 = '' OR b.name = $2
    UNION ALL
    SELECT 'day', l.day, '', '{}', sum(added_objects)::bigint, sum(added_bytes)::bigint,
        sum(removed_objects)::bigint, sum(removed_bytes)::bigint, sum(changed_bytes)::bigint,
        sum(moved_objects)::bigint, sum(moved_bytes)::bigint
    FROM storage.ledger AS l JOIN storage.backends AS b ON b.id = l.backend_id
    WHERE l.day >= $1 AND ($2 = '' OR b.name = $2) GROUP BY l.day
    UNION ALL
    SELECT 'sum', NULL, '', '{}', sum(objects)::bigint, sum(bytes)::bigint, 0, 0, 0, 0, 0
    FROM storage.capacity AS k JOIN storage.backends AS b ON b.id = k.backend_id
    WHERE $2 = '' OR b.name = $2 HAVING sum(objects) <> 0
    ORDER BY kind, day
"""
"""In one statement, so that a crawl that ends in between does not come into one half of it."""
_TEAM_HISTORY: Final = """
    WITH theirs AS (SELECT id, teams FROM storage.owners WHERE teams @> ARRAY[$3]::text[])
    SELECT 'first' AS kind, min(l.day) AS day, '' AS backend, '{}'::text[] AS owners, 0::bigint AS objects,
        0::bigint AS bytes, 0::bigint AS removed_objects, 0::bigint AS removed_bytes, 0::bigint AS changed_bytes,
        0::bigint AS moved_objects, 0::bigint AS moved_bytes
    FROM storage.ledger AS l JOIN storage.backends AS b ON b.id = l.backend_id
    JOIN theirs AS o ON o.id = l.owner_id WHERE $2 = '' OR b.name = $2
    UNION ALL
    SELECT 'day', l.day, b.name, o.teams, sum(added_objects)::bigint, sum(added_bytes)::bigint,
        sum(removed_objects)::bigint, sum(removed_bytes)::bigint, sum(changed_bytes)::bigint,
        sum(moved_objects)::bigint, sum(moved_bytes)::bigint
    FROM storage.ledger AS l JOIN storage.backends AS b ON b.id = l.backend_id
    JOIN theirs AS o ON o.id = l.owner_id
    WHERE l.day >= $1 AND ($2 = '' OR b.name = $2) GROUP BY l.day, b.name, o.teams
    UNION ALL
    SELECT 'sum', NULL, b.name, o.teams, sum(objects)::bigint, sum(bytes)::bigint, 0, 0, 0, 0, 0
    FROM storage.capacity AS k JOIN storage.backends AS b ON b.id = k.backend_id
    JOIN theirs AS o ON o.id = k.owner_id
    WHERE $2 = '' OR b.name = $2 GROUP BY b.name, o.teams HAVING sum(objects) <> 0
    ORDER BY kind, day, backend, owners
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
        return [NodeDay(**row) for row in await self._questions.rows(_COVERAGE, from_day, to_day, LEEWAY_MS)]

    async def capacity(self) -> Sequence[CapacityRow]:
        """See the port."""
        return [capacity_row(row) for row in await self._questions.rows(CAPACITY)]

    async def ledger(self, from_day: date | None = None) -> Sequence[LedgerRow]:
        """See the port."""
        rows = await self._questions.rows(_LEDGER, from_day)
        return [LedgerRow(**{**row, "owners": tuple(row["owners"])}) for row in rows]

    async def history(self, from_day: date, *, backend: str, team: str) -> History:
        """See the port."""
        sql, values = (_TEAM_HISTORY, (from_day, backend, team)) if team else (_ALL_HISTORY, (from_day, backend))
        first: date | None = None
        days: list[HistoryDay] = []
        sums: list[HistorySum] = []
        for kind, day, name, owners, *counts in await self._questions.rows(sql, *values):
            if kind == "first":
                first = day
            elif kind == "day":
                days.append(HistoryDay(day, name, tuple(owners), Flow(*counts)))
            else:
                sums.append(HistorySum(name, tuple(owners), *counts[:2]))
        return History(first, tuple(days), tuple(sums))

    async def backend_names(self) -> Sequence[str]:
        """See the port."""
        return [row["name"] for row in await self._questions.rows(_NAMES)]

    async def activity(self, from_day: date, to_day: date) -> Sequence[ActivityRow]:
        """See the port."""
        return [ActivityRow(**row) for row in await self._questions.rows(_ACTIVITY, from_day, to_day)]


def capacity_row(row: Mapping[str, Any]) -> CapacityRow:
    """Read a row that CAPACITY gave."""
    return CapacityRow(**{**row, "owners": tuple(row["owners"])})
