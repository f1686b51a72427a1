"""Read models: rows that projections make of events, and how they are asked.

A row's columns and their meaning are in `application/projections/tables.py`; values are plain (str, int, bool, None,
datetime with a zone, lists and dicts of texts). Nothing here knows SQL.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class PutRow:
    """A whole row, new or in place of the one with the same key."""

    table: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PatchRow:
    """Some columns of the row with this key become others. A missing row is a fault of the projection."""

    table: str
    key: Mapping[str, Any]
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveRow:
    """The row with this key goes; nothing happens when there is none."""

    table: str
    key: Mapping[str, Any]


RowChange = PutRow | PatchRow | RemoveRow


class ProjectionConflict(Exception):
    """Raised when a step was applied already, by another runner or before a lost answer. Read the position again."""


class RebuildUnderWay(Exception):
    """Raised when another rebuild has not ended yet: one at a time."""


class RowMissing(Exception):
    """Raised when a patch found no row: events and read model do not fit, a rebuild is due."""

    def __init__(self, table: str, key: Mapping[str, Any]) -> None:
        super().__init__(f"{table} has no row {dict(key)!r}")
        self.table = table
        self.key = dict(key)


class ProjectionTarget(Protocol):
    """One projection's tables, live or being rebuilt. Every method raises StoreUnavailable."""

    async def position(self) -> int:
        """Return up to where events have been applied; 0 at the beginning."""

    async def apply(self, changes: Sequence[RowChange], *, position: int) -> None:
        """Apply the changes and move to the position, in one transaction; changes may be empty.

        Raises ProjectionConflict when the position is not beyond the present one, or the present one is not what this
        target saw last: then others applied steps, or swapped tables. Raises RowMissing.
        """


class ReadModelWriter(Protocol):
    """What the projector needs. Every method raises StoreUnavailable."""

    def running(self) -> AbstractAsyncContextManager[ProjectionTarget | None]:
        """Be the one runner while the block runs; gives None when another process is.

        Lost with the connection: the block is then cancelled and StoreUnavailable raised after it.
        """

    def rebuilding(self) -> AbstractAsyncContextManager[ProjectionTarget]:
        """Give empty tables beside the live ones; they are dropped at the block's end if they were not swapped in.

        Raises RebuildUnderWay.
        """

    async def swap_in(self, rebuilt: ProjectionTarget, catch_up: Callable[[], Awaitable[object]]) -> None:
        """Put the rebuilt tables in place of the live ones, in one transaction.

        No step of the live ones is applied meanwhile, and `catch_up` brings the rebuilt ones to where they are. Raises
        ProjectionConflict when they are behind even then, and whatever `catch_up` raises; nothing is swapped then.
        """


class ReadModels(Protocol):
    """What queries need. Every method raises StoreUnavailable."""

    async def position(self) -> int:
        """Return up to where the live tables have been brought."""

    async def row(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the row with this key."""

    async def rows(
        self,
        table: str,
        *,
        where: Mapping[str, Any] | None = None,
        order: Sequence[str],
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """Return rows whose columns equal those of `where` (a list or tuple there means: any of these).

        In the order of the columns `order`, which together are unique; `after` gives the values of these columns in
        the last row of the page before.
        """
