"""What limits would have done in days that are recorded."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.quota.errors import InvalidLimits
from warpdrive.domain.quota.history import Crossing, UsageDay, imagined
from warpdrive.domain.quota.values import QuotaLimits, Standing

FIRST = date(2026, 3, 28)
DAY_S = 86_400


def days(*usages: int, written: int = 1) -> list[UsageDay]:
    """Days that follow each other."""
    return [UsageDay(FIRST + timedelta(days=i), usage, written) for i, usage in enumerate(usages)]


def noon(count: int) -> datetime:
    """Noon of the last of so many days."""
    return datetime(2026, 3, 28, 12, tzinfo=UTC) + timedelta(days=count - 1)


def told(usages: list[int], limits: QuotaLimits) -> list[tuple[int, str, int]]:
    """Crossings by the number of their day."""
    history = imagined(days(*usages), limits, at=noon(len(usages)))
    return [((each.day - FIRST).days, each.what, each.usage) for each in history.crossings]


def test_crossings_come_in_their_order() -> None:
    """Soft, the grace's end, hard, recovered, and soft again with a grace of its own."""
    limits = QuotaLimits(10, 20, 2 * DAY_S)
    assert told([5, 12, 13, 14, 25, 9, 11, 8], limits) == [
        (1, "soft_crossed", 12),
        (3, "grace_ended", 13),
        (4, "hard_crossed", 25),
        (5, "recovered", 9),
        (6, "soft_crossed", 11),
        (7, "recovered", 8),
    ]


def test_a_grace_that_ends_beyond_the_hard_limit_is_told_once() -> None:
    """Coming back below the hard limit is no end of a grace, and no recovery."""
    assert told([30, 30, 15, 15], QuotaLimits(10, 20, DAY_S)) == [
        (0, "soft_crossed", 30),
        (0, "hard_crossed", 30),
        (1, "grace_ended", 30),
    ]


def test_no_grace_ends_at_once() -> None:
    """On the very day."""
    assert told([12], QuotaLimits(10, 20, 0)) == [(0, "soft_crossed", 12), (0, "grace_ended", 12)]


def test_days_are_counted_by_how_they_end() -> None:
    """Warned while the grace runs; refused at or beyond what refuses, and what was written then is told."""
    limits = QuotaLimits(10, 20, 2 * DAY_S)
    history = imagined(days(5, 12, 12, 12, 12, 9, 20, 21, written=7), limits, at=noon(8))
    assert (history.days_warned, history.days_refused, history.refused_bytes) == (3, 4, 28)
    assert (history.highest, history.now, history.standing_now) == (21, 21, Standing.EXCEEDED)


def test_the_last_day_is_judged_as_it_is_now() -> None:
    """A grace that would end at its midnight has not ended at noon."""
    limits = QuotaLimits(10, 20, DAY_S)
    assert imagined(days(12, 12), limits, at=noon(2)).standing_now is Standing.WARNED
    assert imagined(days(12, 12), limits, at=noon(3)).standing_now is Standing.GRACE_ENDED


def test_limits_that_are_none_are_refused() -> None:
    """As by a quota that is set."""
    with pytest.raises(InvalidLimits):
        imagined(days(1), QuotaLimits(2, 1), at=noon(1))
    with pytest.raises(ValueError, match="without days"):
        imagined([], QuotaLimits(1, 2), at=noon(1))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.integers(0, 5))
def test_days_fit_a_plain_model(usages: list[int], grace: int) -> None:
    """Written down without a quota: a grace begins when the soft limit is crossed and ends so many days later."""
    began: int | None = None
    warned = refused = 0
    crossings = []
    for day, usage in enumerate(usages):
        if began is not None and day == began + grace and grace:
            crossings.append((day, "grace_ended"))
        if usage <= 10 and began is not None:
            began = None
            crossings.append((day, "recovered"))
        elif usage > 10 and began is None:
            began = day
            crossings.append((day, "soft_crossed"))
        if usage > 20 and (day == 0 or usages[day - 1] <= 20):
            crossings.append((day, "hard_crossed"))
        if began == day and not grace:
            crossings.append((day, "grace_ended"))
        ended = began is not None and day >= began + grace
        warned += began is not None and not ended and usage <= 20
        refused += usage >= (10 if ended else 20)
    # A day more, so that the last one has ended.
    history = imagined(days(*usages), QuotaLimits(10, 20, grace * DAY_S), at=noon(len(usages) + 1))
    assert [((each.day - FIRST).days, each.what) for each in history.crossings] == crossings
    assert (history.days_warned, history.days_refused) == (warned, refused)
    assert all(isinstance(each, Crossing) for each in history.crossings)
