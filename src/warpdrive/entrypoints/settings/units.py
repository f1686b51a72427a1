"""Sizes and durations as people write them, in both directions.

Sizes: B, KB, MB, GB, TB, PB are powers of 1024, with KiB ... PiB and K ... P as synonyms; a bare number is
bytes.
Durations: ms, s, m, h, d, also put together (1h30m); a bare number is seconds.
"""

import math
import re
from typing import Final

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:([KMGTP])I?B?|B)?", re.IGNORECASE | re.ASCII)
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_BARE: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)

_POWERS: Final = {"K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_MAX_BYTES: Final = 2**63 - 1
_MAX_SECONDS: Final = 100 * 365 * 86400.0
"""A century: what is longer is a slip of the pen, and overflows timers."""


class Size(int):
    """A count of bytes."""

    __slots__ = ()


class Duration(float):
    """A count of seconds."""

    __slots__ = ()


def parse_size(text: str) -> Size:
    """Read "50GB", "1.5 MiB", "4096" as bytes. Raises ValueError with the accepted forms."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError('is not a size; write a number with B, KB, MB, GB, TB or PB, like "50GB"')
    number, unit = match.groups()
    scale = 1024 ** _POWERS.get((unit or "").upper(), 0)
    # Whole numbers stay exact: a float has 53 bits and a petabyte needs more.
    count = float(number) * scale if "." in number else int(number[:20]) * scale
    if count > _MAX_BYTES:
        raise ValueError("is more bytes than a file can have")
    return Size(count)


def parse_duration(text: str) -> Duration:
    """Read "500ms", "5s", "1h30m", "60" as seconds. Raises ValueError with the accepted forms."""
    text = text.strip()
    if _BARE.fullmatch(text):
        seconds = float(text)
    else:
        parts = _DURATION.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError('is not a duration; write a number with ms, s, m, h or d, like "500ms" or "10m"')
        seconds = math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _MAX_SECONDS:
        raise ValueError("is longer than a century")
    return Duration(seconds)


def format_size(count: int) -> str:
    """Write bytes for people: "512 B", "1.5 GiB", at most one decimal; negative counts keep their sign."""
    if abs(count) < 1024:  # noqa: PLR2004 - the first unit
        return f"{count} B"
    value = count / 1024
    units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    # 1023.95 would round to "1024.0": it belongs to the next unit.
    while abs(value) >= 1023.95 and len(units) > 1:  # noqa: PLR2004
        value /= 1024
        del units[0]
    return f"{value:.1f}".removesuffix(".0") + f" {units[0]}"


def format_duration(seconds: float) -> str:
    """Write seconds for people: "250ms", "1.5s", "2m 5s", "3h 20m", "2d 4h"."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 0.9995:  # noqa: PLR2004 - rounds to 1000 ms from here on
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:  # noqa: PLR2004 - rounds to 60 s from here on
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    if whole < 3600:  # noqa: PLR2004 - minutes
        return _two_parts(whole, 60, "m", 1, "s")
    if whole < 86400:  # noqa: PLR2004 - hours
        return _two_parts(whole, 3600, "h", 60, "m")
    return _two_parts(whole, 86400, "d", 3600, "h")


def _two_parts(seconds: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % big // small
    return f"{seconds // big}{big_unit}" + (f" {rest}{small_unit}" if rest else "")
