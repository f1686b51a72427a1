"""Whether what a row is to hold fits its column: payloads are believed to be ours, and rows must not break on others'.

A value that the database refuses would stop the whole projection at its event; found here, it is one event left out.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from warpdrive.application.ports.read_models import PatchRow, PutRow, RowChange
from warpdrive.application.projections.tables import TABLES, Kind
from warpdrive.domain.content.texts import storable

_BIGINTS: Final = range(-(2**63), 2**63)
_MAYBE: Final = (Kind.MAYBE_TEXT, Kind.MAYBE_INTEGER, Kind.MAYBE_TRUTH, Kind.MAYBE_MOMENT)


def check_fits(change: RowChange) -> None:
    """Raise ValueError, naming the column, when a value is none that its column can hold."""
    columns = TABLES[change.table].columns
    match change:
        case PutRow():
            values: dict[str, Any] = dict(change.row)
        case PatchRow():
            values = {**change.key, **change.changes}
        case _:
            values = dict(change.key)
    for column, value in values.items():
        if not _fits(columns[column], value):
            raise ValueError(f"{change.table}.{column} cannot hold {value!r:.100}")


def _fits(kind: Kind, value: Any) -> bool:
    return kind in _MAYBE if value is None else _HOLDS[kind](value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and storable(value)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in _BIGINTS


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _moment(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and _plain(value)


def _plain(value: Any) -> bool:
    """Tell whether it is texts in mappings and lists, all the way down."""
    if isinstance(value, Mapping):
        return all(_plain(key) and _plain(held) for key, held in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    return _text(value)


_HOLDS: Final[Mapping[Kind, Callable[[Any], bool]]] = MappingProxyType(
    {
        Kind.TEXT: _text,
        Kind.INTEGER: _integer,
        Kind.TRUTH: _truth,
        Kind.MOMENT: _moment,
        Kind.TEXTS: _texts,
        Kind.MAPPING: _mapping,
        Kind.MAYBE_TEXT: _text,
        Kind.MAYBE_INTEGER: _integer,
        Kind.MAYBE_TRUTH: _truth,
        Kind.MAYBE_MOMENT: _moment,
    }
)
