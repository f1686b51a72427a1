"""How moments, sizes and periods are written for an auditor: exactly, whatever that costs in beauty."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from warpdrive.domain.content.moments import moment_value

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_PERIODS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def moment_words(moment: datetime) -> str:
    """Write a moment in UTC, to the second: "2026-11-23 10:02:11Z"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def stored_moment_words(text: str) -> str:
    """Write a moment that an event keeps as a text; "" is "never"."""
    moment = moment_value(text)
    return "never" if moment is None else moment_words(moment)


def size_words(count: int) -> str:
    """Write bytes in the largest unit that says them exactly: "500 TiB", "1537 B"."""
    unit = 0
    while unit + 1 < len(_UNITS) and count and count % 1024 == 0:
        count //= 1024
        unit += 1
    return f"{count} {_UNITS[unit]}"


def period_words(seconds: int) -> str:
    """Write a period in the largest unit that says it exactly: "7 days", "90 seconds"."""
    for length, unit in _PERIODS:
        if seconds % length == 0 and (seconds or length == 1):
            count = seconds // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    raise AssertionError("every whole number of seconds is a number of seconds")


def listed(words: Sequence[str], none: str = "none") -> str:
    """Write several words in one phrase."""
    return ", ".join(words) if words else none


def quoted(text: str) -> str:
    """Write what a person typed, so that it cannot be taken for our words, nor break the line."""
    shown = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return f'"{shown}"'


def plain(text: str) -> str:
    """Write a name or path on one line, with what a terminal would obey escaped."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
