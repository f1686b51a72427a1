"""`ReaderShares` on PostgreSQL: a small table that `reader_counting` fills."""

from typing import Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.application.ports.reader_shares import Basis, CountedShares, ReaderShare

_SHARES: Final = """
    SELECT r.refreshed_at, s.subject, s.kind, b.name AS backend,
        sum(s.objects)::bigint AS objects, sum(s.bytes)::bigint AS bytes
    FROM governance.refreshes AS r
    LEFT JOIN (governance.reader_shares AS s JOIN storage.backends AS b ON b.id = s.backend_id)
        ON s.days = $1 AND s.basis = $2
    WHERE r.name = 'reader_shares' GROUP BY r.refreshed_at, s.subject, s.kind, b.name
    ORDER BY b.name, s.kind, s.subject
"""
_OF_USER: Final = """
    SELECT coalesce(sum(bytes), 0)::bigint FROM governance.reader_shares
    WHERE days = $2 AND basis = 'user' AND kind = 'user' AND subject = $1
"""


class PostgresReaderShares:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def shares(self, days: int, basis: Basis) -> CountedShares:
        """See the port."""
        rows = await self._questions.rows(_SHARES, days, basis)
        counted = rows[0]["refreshed_at"] if rows else None
        found = (ReaderShare(*list(row.values())[1:]) for row in rows if row["backend"] is not None)
        return CountedShares(counted, tuple(found))

    async def of_user(self, user: str, days: int) -> int:
        """See the port."""
        return int(await self._questions.value(_OF_USER, user, days))
