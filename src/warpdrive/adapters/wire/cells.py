"""Messages as cells of a table (RFC 4180): which columns there are, and what stands in each."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_TIMESTAMP: Final = "google.protobuf.Timestamp"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)

Path = tuple[str, ...]


def columns(descriptor: "Descriptor", above: Path = ()) -> Iterator[Path]:
    """Yield where each column's value is in ProtoJSON: single fields of single messages, as deep as they go."""
    for field in descriptor.fields:
        path = (*above, field.json_name)
        inner = field.message_type
        if inner is None or field.is_repeated or inner.full_name == _TIMESTAMP:
            yield path
        else:
            yield from columns(inner, path)


def cell(row: Any, path: Path) -> str:
    """Write one value of a row of ProtoJSON; "" when there is none, JSON for a list or a map."""
    for name in path:
        if not isinstance(row, Mapping) or name not in row:
            return ""
        row = row[name]
    # Sorted, for a map comes in any order and tables are compared.
    return _inert(row) if isinstance(row, str) else json.dumps(row, ensure_ascii=False, sort_keys=True)


def _inert(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would compute: whoever wrote a note is not who opens the table."""
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
