"""When an object was used last, and what that means."""

from datetime import date

import pytest

from warpdrive.domain.governance.staleness import Standing, UseKind, last_use, standing, used_before

D1, D2, D3 = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


@pytest.mark.parametrize(
    ("accessed", "modified", "seen", "day", "by"),
    [
        (D3, D2, D1, D3, UseKind.ACCESSED),
        (D1, D2, D3, D3, UseKind.FIRST_SEEN),
        (None, D3, D1, D3, UseKind.MODIFIED),
        (D2, D2, D2, D2, UseKind.ACCESSED),
        (None, D2, D2, D2, UseKind.MODIFIED),
        (D1, D2, D2, D2, UseKind.MODIFIED),
    ],
)
def test_the_latest_use_counts(accessed: date | None, modified: date, seen: date, day: date, by: UseKind) -> None:
    """Of several on one day that which says most."""
    used = last_use(accessed, modified, seen)
    assert (used.day, used.by) == (day, by)


def test_more_than_so_many_days_is_idle() -> None:
    """Ninety days ago is not more than ninety days ago."""
    today = date(2026, 4, 1)
    assert last_use(None, used_before(today, 90), D1).idle_days(today) == 90


def test_only_what_was_watched_can_be_stale() -> None:
    """The rest is unknown."""
    assert (standing(coverage_complete=True), standing(coverage_complete=False)) == (Standing.STALE, Standing.UNKNOWN)
