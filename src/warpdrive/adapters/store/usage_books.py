"""`UsageBooks` on PostgreSQL: counts of what teams hold, and one observer at a time by an advisory lock."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.holdings import holdings
from warpdrive.adapters.store.running_alone import running_alone
from warpdrive.adapters.store.usage_facts import CAPACITY, capacity_row
from warpdrive.application.ports.lease_books import QuotaName
from warpdrive.domain.governance.counting import CrawlState, countable
from warpdrive.domain.governance.shares import team_shares
from warpdrive.domain.quota.leasing import Holding

_RUNNER: Final = int.from_bytes(b"warpobsv", "big")
"""The advisory lock: bytes that nobody else picks by chance."""

_MARK: Final = """
    SELECT concat_ws(' ',
        (SELECT string_agg(c.id || c.state, ',' ORDER BY c.id) FROM storage.places AS p JOIN LATERAL (
            SELECT id, state FROM storage.crawls WHERE place_id = p.id AND started_at IS NOT NULL
            ORDER BY id DESC LIMIT 1
        ) AS c ON true),
        'at ' || (SELECT "position" FROM storage.attribution),
        'settled ' || (SELECT coalesce(sum(bytes), 0) FROM governance.settled)
    )
"""
_STATES: Final = """
    SELECT b.name AS backend, p.place, b.present,
        coalesce(c.generation, 0) AS generation, coalesce(c.state, '') AS state, c.started_at AS since
    FROM storage.backends AS b JOIN storage.places AS p ON p.id = b.place_id
    LEFT JOIN LATERAL (
        SELECT generation, state, started_at FROM storage.crawls WHERE place_id = b.place_id AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT 1
    ) AS c ON true
"""
_COUNTED: Final = "SELECT team_id, backend, bytes FROM governance.counted WHERE backend = ANY($1::text[])"
_COUNTS: Final = """
    INSERT INTO governance.counts AS c (backend, place, generation, since)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
    ON CONFLICT (backend) DO UPDATE
        SET place = excluded.place, generation = excluded.generation, since = excluded.since
        WHERE (c.place, c.generation, c.since) IS DISTINCT FROM (excluded.place, excluded.generation, excluded.since)
"""
_GONE: Final = """
    DELETE FROM governance.counted AS k USING unnest($1::text[], $2::text[]) AS g (team_id, backend)
    WHERE k.team_id = g.team_id AND k.backend = g.backend
"""
_CHANGED: Final = """
    INSERT INTO governance.counted (team_id, backend, bytes)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
    ON CONFLICT (team_id, backend) DO UPDATE SET bytes = excluded.bytes
"""
_OLD_LEASES: Final = """
    DELETE FROM governance.leases WHERE settled_at < $1 OR (settled_at IS NULL AND expires_at < $1)
"""
_OLD_SETTLED: Final = """
    DELETE FROM governance.settled AS s USING governance.counts AS c
    WHERE c.backend = s.backend AND (c.place <> s.place OR (s.generation < c.generation AND s.last_at < c.since))
"""


class PostgresUsageBooks:
    """See the port."""

    def __init__(self, place: DatabasePlace, questions: Questions) -> None:
        self._place = place
        self._questions = questions

    @asynccontextmanager
    async def observing(self) -> AsyncIterator[bool]:
        """See the port."""
        async with running_alone(self._place, _RUNNER, "warpdrive quota observer") as alone:
            yield alone

    async def mark(self) -> str:
        """See the port."""
        return str(await self._questions.value(_MARK))

    async def recount(self) -> None:
        """See the port."""
        # Crawls and sums as of one moment: a crawl that begins meanwhile has changed nothing of what is seen.
        await self._questions.transaction(_recount, isolation="repeatable_read")

    async def holdings(self, quotas: Sequence[QuotaName], at: datetime) -> Mapping[str, Holding]:
        """See the port."""
        return await self._questions.transaction(lambda connection: holdings(connection, quotas, at))

    async def prune(self, before: datetime) -> None:
        """See the port."""
        await self._questions.do(_OLD_LEASES, before)
        await self._questions.do(_OLD_SETTLED)


async def _recount(connection: Any) -> None:
    there = countable(CrawlState(**row) for row in await connection.fetch(_STATES))
    rows = [capacity_row(row) for row in await connection.fetch(CAPACITY) if row["backend"] in there]
    shares = team_shares(rows)
    known = {(row["team_id"], row["backend"]): row["bytes"] for row in await connection.fetch(_COUNTED, list(there))}
    places = list(there.values())
    await connection.execute(
        _COUNTS,
        list(there),
        [each.place for each in places],
        [each.generation for each in places],
        [each.since for each in places],
    )
    if gone := sorted(known.keys() - shares.keys()):
        await connection.execute(_GONE, [team for team, _ in gone], [backend for _, backend in gone])
    if changed := sorted(key for key, size in shares.items() if known.get(key) != size):
        sizes = [shares[key] for key in changed]
        await connection.execute(_CHANGED, [team for team, _ in changed], [backend for _, backend in changed], sizes)
