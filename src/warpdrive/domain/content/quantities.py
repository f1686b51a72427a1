"""Sizes and periods as people type them, wherever they type them: settings, requests, command lines.

Sizes: B, KB, MB, GB, TB, PB are powers of 1024, with KiB ... PiB and K ... P as synonyms; a bare number is bytes.
Periods: ms, s, m, h, d, also put together (1h30m); a bare number is seconds.
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


def size_in_bytes(text: str) -> int:
    """Read "50GB", "1.5 MiB", "4096" as bytes, at most 2**63 - 1. Raises ValueError with the accepted forms."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError('is not a size; write a number with B, KB, MB, GB, TB or PB, like "50GB"')
    number, unit = match.groups()
    scale = 1024 ** _POWERS.get((unit or "").upper(), 0)
    # Whole numbers stay exact: a float has 53 bits and a petabyte needs more.
    count = float(number) * scale if "." in number else int(number[:20]) * scale
    if count > _MAX_BYTES:
        raise ValueError("is more bytes than a file can have")
    return int(count)


def duration_in_seconds(text: str) -> float:
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
    return seconds
