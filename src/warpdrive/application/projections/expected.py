"""The rows that there should be, made in memory from events or from an aggregate, and how rows differ from them.

Two ways lead to the rows that a stream should have: projecting its events (`ExpectedRows`), and folding them into
the aggregate and asking it (`aggregate_rows`). The live rows must equal both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warpdrive.application.ports.read_models import PatchRow, PutRow, RemoveRow, RowChange, RowMissing
from warpdrive.application.projections.net_changes import RowKey, row_key
from warpdrive.application.projections.tables import TABLES

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as it should be. `expected` None: it should not be; `live` None: it is missing."""

    table: str
    key: tuple[Any, ...]
    expected: Row | None
    live: Row | None

    def __str__(self) -> str:
        where = f"{self.table} {'/'.join(map(str, self.key))}"
        if self.expected is None:
            return f"{where}: no event made this row"
        if self.live is None:
            return f"{where}: the row is missing"
        columns = [name for name in self.expected if self.expected[name] != self.live.get(name)]
        return f"{where}: " + ", ".join(f"{name} differs" for name in columns)


class ExpectedRows:
    """Rows in memory, brought along by row changes: a read model in its plainest form."""

    def __init__(self, rows: Mapping[RowKey, Row] | None = None) -> None:
        # Rows are replaced, never changed, so that copies may share them.
        self._rows: dict[RowKey, Row] = dict(rows or {})

    def apply(self, changes: Iterable[RowChange]) -> None:
        """Apply changes in their order. Raises RowMissing for a patch without a row."""
        for change in changes:
            key = row_key(change)
            match change:
                case PutRow():
                    self._rows[key] = dict(change.row)
                case PatchRow():
                    if key not in self._rows:
                        raise RowMissing(change.table, change.key)
                    self._rows[key] = {**self._rows[key], **change.changes}
                case RemoveRow():
                    self._rows.pop(key, None)

    def rows(self, table: str) -> Iterator[Row]:
        """Give the rows of one table, in no order."""
        return (row for (name, _), row in self._rows.items() if name == table)

    def by_key(self) -> Mapping[RowKey, Row]:
        """Give all rows."""
        return self._rows


def keyed(rows: Iterable[tuple[str, Row]]) -> dict[RowKey, Row]:
    """Order rows, each with its table's name, by their keys."""
    return {(table, tuple(row[column] for column in TABLES[table].key)): row for table, row in rows}


def differences(expected: Mapping[RowKey, Row], live: Mapping[RowKey, Row]) -> Sequence[Difference]:
    """Say where rows differ, in the order of tables and keys. Columns that an expected row leaves out are not asked."""
    return [
        Difference(table, key, expected.get((table, key)), live.get((table, key)))
        for table, key in sorted(expected.keys() | live.keys())
        if not _fits(expected.get((table, key)), live.get((table, key)))
    ]


def _fits(expected: Row | None, live: Row | None) -> bool:
    if expected is None or live is None:
        return expected is live
    return all(live.get(column) == value for column, value in expected.items())
