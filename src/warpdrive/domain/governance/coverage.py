"""How much of a time telemetry told: per node and day, what was told of the time that the node was there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

LEEWAY_MS: Final = 120_000
"""A day may lack so much and still be complete: heartbeats and batches do not begin and end together."""


class ToldDay(Protocol):
    """How long a node was there on a day and how much of it was told, in milliseconds.

    The days of several nodes that are complete may come as one, with their sums: a fleet has a thousand of them.
    """

    @property
    def node(self) -> str:
        """Its name."""

    @property
    def day(self) -> date:
        """In UTC."""

    @property
    def present_ms(self) -> int:
        """Heard of by heartbeats."""

    @property
    def covered_ms(self) -> int:
        """Covered by batches."""

    @property
    def lost(self) -> int:
        """Records."""

    @property
    def nodes(self) -> int:
        """How many nodes' days these are; several only where each of them is complete."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of a day. `node` "": nothing at all is known of that day."""

    node: str
    day: date
    missing_seconds: int
    lost_records: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the days from one to another, both included. `share`: seconds told of seconds present, 0 to 1."""

    from_day: date
    to_day: date
    share: float
    gaps: tuple[Gap, ...]

    @property
    def complete(self) -> bool:
        """Nothing is missing: who was not seen to use something did not."""
        return not self.gaps


def covered(days: Iterable[ToldDay], from_day: date, to_day: date, *, today: date | None = None) -> Coverage:
    """Judge a window by what is known of its days.

    A node's day is complete when nothing was lost and no more than LEEWAY_MS of its presence is untold. A day of which
    nobody told anything is a gap, since nobody knows who was there. `today` (None: the last day) is judged by what
    there is of it yet, unless nothing else is asked about.
    """
    present = told = 0
    gaps: list[Gap] = []
    known: set[date] = set()
    for each in sorted(days, key=lambda day: (day.day, day.node)):
        if not from_day <= each.day <= to_day:
            continue
        known.add(each.day)
        there = max(each.present_ms, each.covered_ms)
        present += there
        told += each.covered_ms
        missing = there - each.covered_ms
        if each.nodes == 1 and (each.lost or missing > LEEWAY_MS):
            gaps.append(Gap(each.node, each.day, missing // 1000, each.lost))
    # Beside other days it is no news that nobody told anything yet of a day that has only begun.
    begun = None if from_day == to_day else today or to_day
    unknown = [day for day in _days(from_day, to_day) if day not in known and day != begun]
    gaps.extend(Gap("", day, 86_400, 0) for day in unknown)
    present += 86_400_000 * len(unknown)
    share = told / present if present else 0.0
    return Coverage(from_day, to_day, share, tuple(sorted(gaps, key=lambda gap: (gap.day, gap.node))))


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=count) for count in range((last - first).days + 1))
