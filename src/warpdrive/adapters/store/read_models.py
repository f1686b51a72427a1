"""The live read models, asked: parameterised SELECTs over the schema that a rebuild may replace at any moment."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.row_statements import LIVE, question, row_of
from warpdrive.application.projections.tables import TABLES

POSITION: Final = "SELECT notification_id FROM public.warpdrive_tracking WHERE application_name = $1"


class PostgresReadModels:
    """`ReadModels` on a pool that others may share."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def position(self) -> int:
        """See the port."""
        with told_as_store_errors():
            return int(await self._pool.fetchval(POSITION, LIVE) or 0)

    async def row(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """See the port."""
        found = await self.rows(table, where=key, order=(), limit=1)
        return found[0] if found else None

    async def rows(
        self,
        table: str,
        *,
        where: Mapping[str, Any] | None = None,
        order: Sequence[str],
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """See the port. Raises KeyError for a table and ValueError for a column that there is not."""
        asked = TABLES[table]
        put = question(asked, where=where or {}, order=order, after=after, limit=limit)
        with told_as_store_errors():
            try:
                records = await self._pool.fetch(put.sql, *put.values)
            except asyncpg.InvalidCachedStatementError:
                # The tables were swapped for ones that look otherwise; what is prepared anew sees those.
                records = await self._pool.fetch(put.sql, *put.values)
        return [row_of(asked, record) for record in records]
