"""What nobody uses: when an object was used last, and what it means that nobody was seen to use it since."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class UseKind(StrEnum):
    """What happened to an object when it was used last."""

    ACCESSED = "accessed"
    MODIFIED = "modified"
    FIRST_SEEN = "first_seen"


class Standing(StrEnum):
    """Of an object that nobody was seen to use for long enough."""

    STALE = "stale"
    UNKNOWN = "unknown"
    """Somebody may have used it: telemetry of the time is incomplete."""


@dataclass(frozen=True, slots=True)
class LastUse:
    """The last day (UTC) on which an object was used, and what happened then."""

    day: date
    by: UseKind

    def idle_days(self, today: date) -> int:
        """Return the days since; negative for a day that is still to come (clocks differ)."""
        return (today - self.day).days


def last_use(accessed: date | None, modified: date, first_seen: date) -> LastUse:
    """Return the latest of the days; of several things on one day, that which says most about somebody's need."""
    happened = [LastUse(first_seen, UseKind.FIRST_SEEN), LastUse(modified, UseKind.MODIFIED)]
    if accessed is not None:
        happened.append(LastUse(accessed, UseKind.ACCESSED))
    return max(reversed(happened), key=lambda use: use.day)


def used_before(today: date, days: int) -> date:
    """Return the day before which an object must have been used last to be idle for more than so many days."""
    return today - timedelta(days=days)


def standing(*, coverage_complete: bool) -> Standing:
    """Judge idle objects: as stale only if nobody can have used them unseen."""
    return Standing.STALE if coverage_complete else Standing.UNKNOWN
