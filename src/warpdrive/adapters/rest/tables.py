"""Lists as CSV (RFC 4180): a row for each item, a column for each of its fields."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from warpdrive.adapters.rest.answers import json_bytes, proto_json

_TIMESTAMP: Final = "google.protobuf.Timestamp"
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
    """Write the items of a page. What is repeated or a map inside an item is JSON in its cell."""
    assert items.message_type is not None
    columns = list(_columns(items.message_type))
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow([name for name, _ in columns])
    for item in getattr(message, items.name):
        plain = proto_json(item)
        writer.writerow([_cell(plain, path) for _, path in columns])
    return output.getvalue()


def _columns(descriptor: Descriptor, above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, path in the JSON) for each column: single fields of single messages, as deep as they go."""
    for field in descriptor.fields:
        path = (*above, field.json_name)
        inner = field.message_type
        if inner is None or field.is_repeated or inner.full_name == _TIMESTAMP:
            yield ".".join(path), path
        else:
            yield from _columns(inner, path)


def _cell(plain: Any, path: tuple[str, ...]) -> str:
    for name in path:
        if not isinstance(plain, dict) or name not in plain:
            return ""
        plain = plain[name]
    if isinstance(plain, str):
        return plain
    return json_bytes(plain).decode()


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(text)
            except ValueError:
                return 0.0
    return 1.0
