"""What limits would have done in days that are recorded: the quota itself, told each day's usage at the day's end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.values import QuotaLimits, Standing

_NOBODY: Final = UUID(int=0)
"""The team of a quota that is only imagined: its events are never stored."""


@dataclass(frozen=True, slots=True)
class UsageDay:
    """Bytes held at the end of a day (UTC), and bytes written on it."""

    day: date
    usage: int
    written: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """`what`: soft_crossed, grace_ended, hard_crossed or recovered."""

    day: date
    what: str
    usage: int


@dataclass(frozen=True, slots=True)
class QuotaHistory:
    """`days_refused`: at whose end no lease would have been given; `refused_bytes`: what was written on these."""

    crossings: tuple[Crossing, ...]
    days_warned: int
    days_refused: int
    highest: int
    now: int
    standing_now: Standing
    refused_bytes: int


def imagined(days: Sequence[UsageDay], limits: QuotaLimits, *, at: datetime) -> QuotaHistory:
    """Replay days, which must follow each other, under limits; the last one is told at `at`, as it is by then.

    A grace starts with the day whose end is over the soft limit. What went up and down again within a day is not seen.
    Raises InvalidLimits, and ValueError when there are no days.
    """
    if not days:
        raise ValueError("there is no history without days")
    quota = Quota.define(_NOBODY, "*", limits, at=_end(days[0].day, at) - timedelta(days=1))
    quota.collect_events()
    crossings: list[Crossing] = []
    warned = refused = refused_bytes = 0
    told: datetime | None = None

    def grace_ended(day: date, moment: datetime) -> None:
        nonlocal told
        ends = quota.grace_until
        if ends is not None and ends <= moment and ends != told:
            told = ends
            crossings.append(Crossing(day, "grace_ended", quota.usage or 0))

    for each in days:
        moment = _end(each.day, at)
        # Before the day's end is told, which may bring a recovery; and after it, since a grace may be of no time.
        grace_ended(each.day, moment)
        quota.observe_usage(each.usage, at=moment)
        crossings += [
            Crossing(each.day, _WHAT[type(event)], each.usage)
            for event in quota.collect_events()
            if type(event) in _WHAT
        ]
        grace_ended(each.day, moment)
        warned += quota.standing(moment) is Standing.WARNED
        if each.usage >= quota.limit_at(moment):
            refused += 1
            refused_bytes += each.written
    return QuotaHistory(
        crossings=tuple(crossings),
        days_warned=warned,
        days_refused=refused,
        highest=max(each.usage for each in days),
        now=days[-1].usage,
        standing_now=quota.standing(_end(days[-1].day, at)),
        refused_bytes=refused_bytes,
    )


_WHAT: Final[dict[type, str]] = {
    Quota.SoftLimitCrossed: "soft_crossed",
    Quota.HardLimitCrossed: "hard_crossed",
    Quota.Recovered: "recovered",
}


def _end(day: date, at: datetime) -> datetime:
    """The last moment of a day, or now when that is still to come."""
    return min(datetime.combine(day + timedelta(days=1), time.min, UTC), at)
