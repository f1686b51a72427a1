"""Many row changes made few: what several events do to one row is one change, so a step is a few statements.

After that each row is changed at most once, and the order of the changes among each other means nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from warpdrive.application.ports.read_models import PatchRow, PutRow, RemoveRow, RowChange, RowMissing
from warpdrive.application.projections.tables import TABLES

RowKey = tuple[str, tuple[Any, ...]]
"""A table's name and the values of its key columns."""


def row_key(change: RowChange) -> RowKey:
    """Say which row a change is about. Raises KeyError for a table that there is not."""
    values = change.row if isinstance(change, PutRow) else change.key
    return change.table, tuple(values[column] for column in TABLES[change.table].key)


def net_changes(changes: Iterable[RowChange]) -> Sequence[RowChange]:
    """Fold the changes of each row, in their order, into one. Raises RowMissing for a patch of a removed row."""
    net: dict[RowKey, RowChange] = {}
    for change in changes:
        key = row_key(change)
        before = net.get(key)
        net[key] = change if before is None else _followed(before, change)
    return tuple(net.values())


def _followed(before: RowChange, change: RowChange) -> RowChange:
    if not isinstance(change, PatchRow):
        return change
    match before:
        case PutRow():
            return PutRow(before.table, {**before.row, **change.changes})
        case PatchRow():
            return PatchRow(before.table, before.key, {**before.changes, **change.changes})
        case RemoveRow():
            raise RowMissing(change.table, change.key)
