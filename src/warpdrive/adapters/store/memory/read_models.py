"""The read models in memory: the twin of `PostgresReadModels` and `PostgresReadModelWriter`, and as strict as they."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

from warpdrive.application.ports.read_models import ProjectionConflict, ProjectionTarget, RebuildUnderWay, RowChange
from warpdrive.application.projections.expected import ExpectedRows
from warpdrive.application.projections.tables import TABLES, Kind, Table

_NO_ORDER = (
    Kind.TEXTS,
    Kind.MAPPING,
    Kind.MAYBE_TEXT,
    Kind.MAYBE_INTEGER,
    Kind.MAYBE_TRUTH,
    Kind.MAYBE_MOMENT,
)


class MemoryReadModels:
    """`ReadModels` and `ReadModelWriter` of one process, without a database."""

    def __init__(self) -> None:
        self._live = _Tables()
        self._running = False
        self._rebuilding = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ProjectionTarget | None]:
        """See the port."""
        if self._running:
            yield None
            return
        self._running = True
        try:
            yield _Target(self._live)
        finally:
            self._running = False

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[ProjectionTarget]:
        """See the port."""
        if self._rebuilding:
            raise RebuildUnderWay("another rebuild has not ended yet")
        self._rebuilding = True
        try:
            yield _Target(_Tables())
        finally:
            self._rebuilding = False

    async def swap_in(self, rebuilt: ProjectionTarget, catch_up: Callable[[], Awaitable[object]]) -> None:
        """See the port."""
        assert isinstance(rebuilt, _Target), "only what `rebuilding` gave can be swapped in"
        async with self._live.standing_still:
            await catch_up()
            self._live.become(rebuilt.tables)

    async def position(self) -> int:
        """See the port."""
        return self._live.position

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
        _check(asked, where or {}, order, after)
        found = [row for row in self._live.rows(table) if _fits(row, where or {})]
        found.sort(key=lambda row: [row[column] for column in order])
        if after is not None:
            found = [row for row in found if [row[column] for column in order] > list(after)]
        return [copy.deepcopy({column: row[column] for column in asked.columns}) for row in found[:limit]]


class _Tables:
    """Rows, and how far they are."""

    def __init__(self) -> None:
        self._rows = ExpectedRows()
        self.position = 0
        # Held by a swap, so that no step comes between its last look and itself.
        self.standing_still = anyio.Lock()

    def apply(self, changes: Sequence[RowChange], position: int) -> None:
        brought = ExpectedRows(self._rows.by_key())  # all or nothing, as a transaction
        brought.apply(copy.deepcopy(changes))
        self._rows = brought
        self.position = position

    def rows(self, table: str) -> list[Mapping[str, Any]]:
        return list(self._rows.rows(table))

    def become(self, rebuilt: "_Tables") -> None:
        if rebuilt.position < self.position:
            raise ProjectionConflict("the rebuilt tables are behind the live ones")
        self._rows, self.position = rebuilt._rows, rebuilt.position  # noqa: SLF001 - of the same class


class _Target:
    """`ProjectionTarget`: one runner's or rebuild's way to the tables."""

    def __init__(self, tables: _Tables) -> None:
        self.tables = tables
        self._seen: int | None = None

    async def position(self) -> int:
        self._seen = self.tables.position
        return self._seen

    async def apply(self, changes: Sequence[RowChange], *, position: int) -> None:
        async with self.tables.standing_still:
            if position <= self.tables.position or self._seen not in {None, self.tables.position}:
                raise ProjectionConflict(f"a step to position {position} was applied already")
            self.tables.apply(changes, position)
            self._seen = position


def _check(table: Table, where: Mapping[str, Any], order: Sequence[str], after: Sequence[Any] | None) -> None:
    for column in (*where, *order):
        if column not in table.columns:
            raise ValueError(f"{table.name} has no column {column!r}")
    for column in where:
        if table.columns[column] in (Kind.TEXTS, Kind.MAPPING):
            raise ValueError(f"{table.name} is not asked by {column}")
    for column in order:
        if table.columns[column] in _NO_ORDER:
            raise ValueError(f"{table.name} has no order by {column}")
    if after is not None and len(after) != len(order):
        raise ValueError(f"a place after {len(after)} values in an order of {len(order)}")


def _fits(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(
        row[column] in wanted if isinstance(wanted, list | tuple) else row[column] == wanted
        for column, wanted in where.items()
    )
