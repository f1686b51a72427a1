"""The live read models, asked: parameterised SELECTs over the schema that a rebuild may replace at any moment.

A swap disturbs no question: names are looked up anew once the schemas have changed theirs, and what was read before
stays until nobody reads it. The driver prepares a statement again whose tables look otherwise.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.row_statements import LIVE, question, row_of
from warpdrive.application.projections.tables import TABLES

POSITION: Final = "SELECT notification_id FROM public.warpdrive_tracking WHERE application_name = $1"


class PostgresReadModels:
    """`ReadModels` on a pool that others may share."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def position(self) -> int:
        """See the port."""
        return int(await self._questions.value(POSITION, LIVE) or 0)

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
        return [row_of(asked, record) for record in await self._questions.rows(put.sql, *put.values)]
