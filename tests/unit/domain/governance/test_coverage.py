"""How much of a time was told."""

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.governance.coverage import LEEWAY_MS, Gap, covered

D1, D2, D3 = (date(2026, 3, 1) + timedelta(days=count) for count in range(3))
WHOLE = 86_400_000


@dataclass(frozen=True)
class Told:
    """A node's day."""

    node: str
    day: date
    present_ms: int = WHOLE
    covered_ms: int = WHOLE
    lost: int = 0
    nodes: int = 1


def test_a_window_is_complete_when_every_node_told_every_day() -> None:
    """But for the last day, of which there may be nothing yet."""
    found = covered([Told("a", D1), Told("b", D1), Told("a", D2)], D1, D3)
    assert (found.complete, found.share, found.gaps) == (True, 1.0, ())


def test_a_day_that_has_only_begun_may_be_silent_beside_others_only() -> None:
    """Asked about alone, nothing is known; and a last day that is over is a day like others."""
    assert covered([Told("a", D1), Told("a", D2)], D1, D3, today=D3).complete
    assert covered([], D3, D3, today=D3).gaps == (Gap("", D3, 86_400, 0),)
    assert covered([Told("a", D1)], D1, D2, today=D3).gaps == (Gap("", D2, 86_400, 0),)


def test_two_minutes_are_no_gap_and_more_are() -> None:
    """Heartbeats and batches do not end together; a lost record is a gap all the same."""
    assert covered([Told("a", D1, covered_ms=WHOLE - LEEWAY_MS)], D1, D1).complete
    assert covered([Told("a", D1, covered_ms=WHOLE - 121_000)], D1, D1).gaps == (Gap("a", D1, 121, 0),)
    assert covered([Told("a", D1, lost=3)], D1, D1).gaps == (Gap("a", D1, 0, 3),)


def test_a_day_that_nobody_told_anything_of_is_a_gap() -> None:
    """For nobody knows who was there."""
    found = covered([Told("a", D1), Told("a", D3, 1000, 1000)], D1, D3)
    assert found.gaps == (Gap("", D2, 86_400, 0),)
    assert 0.49 < found.share < 0.51


def test_what_lies_outside_does_not_count() -> None:
    """Before and after the window."""
    assert covered([Told("a", D1, lost=1), Told("a", D2), Told("a", D3, lost=1)], D2, D2).complete


def test_more_told_than_present_is_no_more_than_all() -> None:
    """Heartbeats are fewer than batches at times."""
    found = covered([Told("a", D1, present_ms=0), Told("b", D1, WHOLE // 2, WHOLE)], D1, D1)
    assert (found.share, found.complete) == (1.0, True)


@given(st.lists(st.tuples(st.integers(0, WHOLE), st.integers(0, LEEWAY_MS)), min_size=1, max_size=9))
def test_complete_days_of_several_nodes_may_come_as_one(days: list[tuple[int, int]]) -> None:
    """With the same answer."""
    single = [Told(f"n{number}", D1, told + lack, told) for number, (told, lack) in enumerate(days)]
    present, told = sum(each.present_ms for each in single), sum(each.covered_ms for each in single)
    assert covered([Told("", D1, present, told, nodes=len(single))], D1, D1) == covered(single, D1, D1)
