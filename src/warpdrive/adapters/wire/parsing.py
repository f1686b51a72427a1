"""From a request's bytes to a message that is whole, before betterproto takes it apart.

betterproto accepts truncated fields, text that is not UTF-8 and moments that no calendar has; google.protobuf refuses
the first two and nests at most 100 deep. What it still lets through and nobody could store is refused here.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from warpdrive.adapters.wire.contract import message_class
from warpdrive.application.control.errors import Malformed

MOST_ITEMS: Final = 2_000
"""Items of one repeated field or map: more than a team or grant of any use has."""

MOST_MESSAGES: Final = 2_000
"""The same for messages, such as mount entries: betterproto takes 0.3 ms of the event loop for each."""

_TIMESTAMP: Final = "google.protobuf.Timestamp"
_FIRST_SECOND: Final = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_NANOS: Final = 1_000_000_000
_MICRO: Final = 1_000
_ENDLESS: Final = {(_FIRST_SECOND, 0), (_LAST_SECOND, 999_999)}
"""Seconds and microseconds that PostgreSQL's driver keeps as minus and plus infinity, and reads without a zone."""


def parse(descriptor: Descriptor, data: bytes, judge: "Callable[[Message], None] | None" = None) -> Message:
    """Return the message, without fields that the contract does not know. Raises Malformed.

    `judge` is asked instead of `check`.
    """
    try:
        message = message_class(descriptor).FromString(data)
    except DecodeError:
        why = f"is no {descriptor.full_name}: cut off, nested too deeply, or with text that is not UTF-8"
        raise Malformed("request", why) from None
    message.DiscardUnknownFields()
    (judge or check)(message)
    return message


def check(message: Message) -> None:
    """Refuse what a message can hold and the control plane cannot. Raises Malformed with the field's path."""
    _check(message, "")


def canonical(message: Message) -> bytes:
    """Write the message so that equal requests have equal bytes, however they came."""
    return message.SerializeToString(deterministic=True)


def _check(message: Message, above: str) -> None:
    if message.DESCRIPTOR.full_name == _TIMESTAMP:
        _check_moment(message, above.removesuffix("."))
        return
    for field, value in message.ListFields():
        path = above + field.name
        for place, item in _items(field, value, path):
            if isinstance(item, Message):
                _check(item, f"{place}.")
            elif isinstance(item, str) and "\0" in item:
                raise Malformed(place, "has a NUL character")
            elif field.enum_type is not None and item not in field.enum_type.values_by_number:
                raise Malformed(place, f"has no value {item}")


def _items(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each single value of a field with its place; a map's keys too."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        _check_count(len(value), path, MOST_ITEMS)
        for key, item in value.items():
            yield path, key
            yield f"{path}[{key!r}]", item
    elif field.is_repeated:
        _check_count(len(value), path, MOST_ITEMS if field.message_type is None else MOST_MESSAGES)
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item
    else:
        yield path, value


def _check_count(count: int, path: str, most: int) -> None:
    if count > most:
        raise Malformed(path, f"has {count} items, more than {most}")


def _check_moment(moment: Any, path: str) -> None:
    if not (_FIRST_SECOND <= moment.seconds <= _LAST_SECOND and 0 <= moment.nanos < _NANOS):
        raise Malformed(path, "is no moment of the years 1 to 9999")
    if (moment.seconds, moment.nanos // _MICRO) in _ENDLESS:
        raise Malformed(path, "is the first or the last moment of all")
    if moment.seconds == 0 and moment.nanos == 0:
        # betterproto cannot tell it from a field that is not set, and an expiry would become none.
        raise Malformed(path, "is the epoch itself; leave the field out to say nothing")
