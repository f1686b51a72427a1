"""Fields from a path and a query, as grpc-gateway reads them.

Names are the contract's or lowerCamelCase, `a.b` reaches into messages, a repeated field is given several times, and
what the contract does not know is ignored.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from warpdrive.application.control.errors import Malformed

_INTEGER: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_BOOLEANS: Final[Mapping[str, bool]] = MappingProxyType(
    {
        **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
        **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
    }
)
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_MOST_PARAMETERS: Final = 1000


def decoded(text: str, field: str) -> str:
    """Take percent-encoding off. Raises Malformed when what comes out is not UTF-8."""
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(field, "is not UTF-8") from None


def fill_from_path(message: Message, values: Mapping[str, str]) -> None:
    """Set the fields that a path holds, over what the body said. `values` are percent-encoded. Raises Malformed."""
    for name, text in values.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        _set(message, field, decoded(text, name), name)  # type: ignore[arg-type]  # the stubs see two classes in one


def fill_from_query(message: Message, query: str) -> None:
    """Set the fields that a query holds. Raises Malformed."""
    given: set[str] = set()
    for count, (name, text) in enumerate(_parameters(query)):
        if count >= _MOST_PARAMETERS:
            raise Malformed("query", f"has more than {_MOST_PARAMETERS} parameters")
        found = _reach(message, name)
        if found is None:
            continue
        holder, field, path = found
        if field.is_repeated:
            _add(holder, field, text, path)
        elif path in given:
            raise Malformed(path, "is given more than once")
        else:
            _set(holder, field, text, path)
        given.add(path)


def query_fields(descriptor: Descriptor, but: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldDescriptor]]:
    """Yield (lowerCamelCase path, field) of everything that a query of this message can hold."""
    for field in descriptor.fields:
        if field.name in but or (field.is_repeated and field.message_type is not None):
            continue
        if field.message_type is None or field.message_type.full_name == _TIMESTAMP:
            yield field.json_name, field
        else:
            for path, inner in query_fields(field.message_type):
                yield f"{field.json_name}.{path}", inner


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for part in query.split("&"):
        if part:
            name, _, text = part.replace("+", " ").partition("=")
            known = decoded(name, "query")
            yield known, decoded(text, known)


def _reach(message: Message, name: str) -> tuple[Message, FieldDescriptor, str] | None:
    """Find (holder, field, path in the contract's words) for a parameter's name; None when there is no such field."""
    *outer, last = name.split(".")
    path = ""
    holder = message
    for word in outer:
        field = _field(holder.DESCRIPTOR, word)  # type: ignore[arg-type]  # the same
        if field is None or field.message_type is None or field.is_repeated or _is_leaf(field):
            return None
        holder = getattr(holder, field.name)
        path += f"{field.name}."
    field = _field(holder.DESCRIPTOR, last)  # type: ignore[arg-type]  # the same
    return None if field is None else (holder, field, path + field.name)


def _field(descriptor: Descriptor, word: str) -> FieldDescriptor | None:
    found = descriptor.fields_by_name.get(word)
    return found if found is not None else descriptor.fields_by_camelcase_name.get(word)


def _is_leaf(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == _TIMESTAMP


def _set(holder: Message, field: FieldDescriptor, text: str, path: str) -> None:
    if _is_leaf(field):
        try:
            getattr(holder, field.name).FromJsonString(text)
        except (ValueError, OverflowError):
            raise Malformed(path, 'is no moment; write it like "2026-01-31T08:00:00Z"') from None
        return
    value = _value(field, text, path)
    try:
        setattr(holder, field.name, value)
    except (ValueError, TypeError):
        raise Malformed(path, "is out of range") from None


def _add(holder: Message, field: FieldDescriptor, text: str, path: str) -> None:
    value = _value(field, text, path)
    try:
        getattr(holder, field.name).append(value)
    except (ValueError, TypeError):
        raise Malformed(path, "is out of range") from None


def _value(field: FieldDescriptor, text: str, path: str) -> Any:
    if field.message_type is not None:
        raise Malformed(path, "cannot stand in a query")
    if field.enum_type is not None:
        return _enum_number(field.enum_type, text, path)
    kinds = FieldDescriptor
    if field.cpp_type == kinds.CPPTYPE_STRING:
        return text
    if field.cpp_type == kinds.CPPTYPE_BOOL:
        if text not in _BOOLEANS:
            raise Malformed(path, "must be true or false")
        return _BOOLEANS[text]
    if field.cpp_type in {kinds.CPPTYPE_DOUBLE, kinds.CPPTYPE_FLOAT}:
        try:
            return float(text)
        except ValueError:
            raise Malformed(path, "is no number") from None
    if not _INTEGER.fullmatch(text):
        raise Malformed(path, "is no whole number")
    return int(text)


def _enum_number(kind: EnumDescriptor, text: str, path: str) -> int:
    known = kind.values_by_name.get(text)
    if known is not None:
        return known.number
    if _INTEGER.fullmatch(text) and int(text) in kind.values_by_number:
        return int(text)
    raise Malformed(path, f"must be one of {', '.join(kind.values_by_name)}")
