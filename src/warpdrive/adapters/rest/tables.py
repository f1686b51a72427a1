"""Lists as CSV (RFC 4180): a row for each item, a column for each of its fields."""

import csv
import io
from typing import Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from warpdrive.adapters.rest.answers import proto_json
from warpdrive.adapters.wire.cells import cell, columns

_CSV: Final = "text/csv"
_JSONS: Final = frozenset({"application/json", "application/*", "*/*"})


def wants_table(accept: str) -> bool:
    """Tell whether an Accept header names text/csv and nothing that we have before it."""
    best: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        best[kind] = max(best.get(kind, 0.0), _quality(parameters))
    wanted = best.get(_CSV, 0.0)
    explicit = best.get("application/json", 0.0)
    return wanted > 0 and wanted >= max(explicit, *(best.get(kind, 0.0) for kind in _JSONS))


def table(message: Message, items: FieldDescriptor) -> str:
    """Write the items of a page; see `cells` about what stands in a cell."""
    assert items.message_type is not None
    paths = list(columns(items.message_type))
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow([".".join(path) for path in paths])
    for item in getattr(message, items.name):
        plain = proto_json(item)
        writer.writerow([cell(plain, path) for path in paths])
    return output.getvalue()


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(text)
            except ValueError:
                return 0.0
    return 1.0
