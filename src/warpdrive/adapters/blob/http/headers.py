"""Header values as numbers: dates, ranges, Retry-After."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


@lru_cache(maxsize=4096)  # a listing repeats dates, and reading one costs more than the rest of its entry
def http_date_ns(value: str | None) -> int:
    """Read an HTTP date (RFC 9110, whole seconds) as nanoseconds since the epoch; 0 if unreadable."""
    if not value:
        return 0
    try:
        return int(parsedate_to_datetime(value).timestamp()) * _NS
    except ValueError:
        return 0


def rfc3339_ns(value: str | None) -> int:
    """Read an RFC 3339 time as nanoseconds since the epoch, cut to whole seconds; 0 if unreadable.

    Cut, because the same object's time comes back in whole seconds in the headers of a read.
    """
    if not value:
        return 0
    try:
        return int((datetime.fromisoformat(value) - _EPOCH).total_seconds()) * _NS
    except (ValueError, TypeError):
        return 0


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Read Content-Range as (first byte, end, size of the whole object), `end` exclusive; None if absent."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if match is None:
        return None
    first, last, size = (int(group) for group in match.groups())
    return first, last + 1, size


def whole_size(headers: Mapping[str, str]) -> int | None:
    """Read the whole object's size off Content-Range, also off one without a range; None if absent."""
    size = headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdecimal() else None


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Read Retry-After, seconds or a date, as seconds from `now` (default: the clock); None when absent."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    at = http_date_ns(value)
    if not at:
        return None
    return max(0.0, at / _NS - (now or datetime.now(UTC)).timestamp())
