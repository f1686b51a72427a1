"""What a quota is made of: limits in bytes, the lease policy, and where a team stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

LARGEST: Final = 2**63 - 1
"""Bytes are kept in a column of signed 64 bits."""

WEEK: Final = 7 * 86_400
"""Seconds of grace when none are given."""

LONGEST_GRACE: Final = 3650 * 86_400
"""Seconds: ten years. A longer grace is a hard limit only, written in a roundabout way."""


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """Bytes that may be held: above `soft` a warning and `grace_seconds` of grace, never above `hard`.

    0 <= soft <= hard; a team that holds exactly its limit is not over it.
    """

    soft: int
    hard: int
    grace_seconds: int = WEEK


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """How much is promised to a node at once: `bytes` for `seconds`. Larger is faster and overshoots further."""

    bytes: int
    seconds: int


class Standing(Enum):
    """Where a team stands at a moment. The value is what APIs print."""

    UNKNOWN = "unknown"
    """Nobody has counted yet: the usage is known from the first completed crawl on."""
    OK = "ok"
    WARNED = "warned"
    """Above the soft limit, and the grace still runs."""
    GRACE_ENDED = "grace_ended"
    """Above the soft limit, which now refuses like the hard one."""
    EXCEEDED = "exceeded"
    """Above the hard limit."""
    REMOVED = "removed"


def standing_of(at: datetime, *, removed: bool, usage: int | None, hard: int, grace_until: datetime | None) -> Standing:
    """Tell where a team stands at a moment. `grace_until` None: its soft limit is kept."""
    if removed:
        return Standing.REMOVED
    if usage is None:
        return Standing.UNKNOWN
    if usage > hard:
        return Standing.EXCEEDED
    if grace_until is None:
        return Standing.OK
    return Standing.WARNED if at < grace_until else Standing.GRACE_ENDED


def limit_of(at: datetime, *, soft: int, hard: int, grace_until: datetime | None) -> int:
    """Give the bytes above which leases are refused: the hard limit, or the soft one once its grace ended."""
    return soft if grace_until is not None and at >= grace_until else hard
