"""Single fields: texts that people type as sizes, periods, days and amounts, and moments that may be missing."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import betterproto

from warpdrive.application.control.errors import Malformed
from warpdrive.domain.content.quantities import duration_in_seconds, size_in_bytes
from warpdrive.domain.content.texts import ANY

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What betterproto has where no moment was sent, and does not send itself; `parsing` refuses it when it was sent."""

_DAY: Final = 86_400

_LONGEST_AMOUNT: Final = 40
"""Characters; a price has 24 digits at most."""

Part = TypeVar("Part", bound=betterproto.Message)


def required(field: str, text: str) -> str:
    """Return a text that may not be empty. Raises Malformed."""
    if not text:
        raise Malformed(field, "is missing")
    return text


def present(field: str, part: Part) -> Part:
    """Return a message that must have been sent. Raises Malformed."""
    if not betterproto.serialized_on_wire(part):
        raise Malformed(field, "is missing")
    return part


def backend_or_any(name: str) -> str:
    """Return a backend's name; "" stands for all."""
    return name or ANY


def size(field: str, text: str) -> int:
    """Read a size as bytes that fit 64 bits. Raises Malformed."""
    try:
        return size_in_bytes(required(field, text))
    except ValueError as error:
        raise Malformed(field, str(error)) from None


def period(field: str, text: str) -> float:
    """Read a period as seconds. Raises Malformed."""
    try:
        return duration_in_seconds(required(field, text))
    except ValueError as error:
        raise Malformed(field, str(error)) from None


def whole_period(field: str, text: str) -> int:
    """Read a period of whole seconds. Raises Malformed."""
    seconds = period(field, text)
    if not seconds.is_integer():
        raise Malformed(field, "must be whole seconds")
    return int(seconds)


def whole_days(field: str, text: str, usual: int) -> int:
    """Read a number of days, "90" or "90d"; "" is the usual one. Raises Malformed.

    A bare number is days here, not the seconds that it is in periods elsewhere.
    """
    if not text:
        return usual
    if text.isascii() and text.isdigit():
        text = f"{text[:_LONGEST_AMOUNT]}d"
    seconds = period(field, text)
    if seconds % _DAY:
        raise Malformed(field, 'must be whole days; write it like "90" or "90d"')
    return int(seconds // _DAY)


def day(field: str, text: str) -> date:
    """Read a day as ISO 8601 writes it, "2026-01-31" and no other way. Raises Malformed."""
    try:
        value = date.fromisoformat(required(field, text))
    except ValueError:
        value = None
    if value is None or value.isoformat() != text:
        raise Malformed(field, 'is no day; write it like "2026-01-31"')
    return value


def amount(field: str, text: str) -> Decimal:
    """Read a finite decimal number of zero or more; "" is zero. Raises Malformed."""
    if not text:
        return Decimal(0)
    try:
        value = Decimal(text) if len(text) <= _LONGEST_AMOUNT and text.isascii() and "_" not in text else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite():
        raise Malformed(field, 'is no decimal number; write it like "0.023"')
    if value < 0:
        raise Malformed(field, "is negative")
    return value


def count(field: str, value: int) -> int:
    """Return a number that cannot be negative. Raises Malformed."""
    if value < 0:
        raise Malformed(field, "is negative")
    return value


def sent_moment(value: datetime) -> datetime | None:
    """Read a moment that may be missing."""
    return None if value == EPOCH else value
