"""Moments as commands take them and events keep them: with a zone, written in UTC.

A moment inside an event's payload is an ISO 8601 text, because payloads are plain texts; "" stands for never.
"""

from datetime import UTC, datetime
from typing import Final

NEVER: Final = ""
"""The text of a moment that does not come, such as the expiry of what does not expire."""


def in_utc(at: datetime) -> datetime:
    """Write the moment in UTC. Raises ValueError when it has no zone: readers would guess one."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    return at.astimezone(UTC)


def moment_text(at: datetime | None) -> str:
    """Write a moment down as an ISO 8601 text in UTC, None as "". Raises ValueError like `in_utc`."""
    return NEVER if at is None else in_utc(at).isoformat()


def moment_value(text: str) -> datetime | None:
    """Read a moment back that `moment_text` wrote."""
    return None if text == NEVER else datetime.fromisoformat(text)
