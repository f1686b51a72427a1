"""Sizes at the ends of days."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.governance.growth import DaySize, Flow, sizes, together

FIRST = date(2026, 1, 1)
DAYS = 6
FLOWS = st.dictionaries(
    st.integers(0, DAYS - 1).map(lambda day: FIRST + timedelta(days=day)),
    st.builds(Flow, *[st.integers(0, 100)] * 4, *[st.integers(-100, 100)] * 3),
)


@given(FLOWS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_flows_lead_from_each_day_to_the_next(flows: dict[date, Flow], objects: int, size: int) -> None:
    """To what is there now, with a day for every day."""
    to_day = FIRST + timedelta(days=DAYS - 2)
    found = sizes(objects, size, flows, FIRST, to_day)
    assert [each.day for each in found] == [FIRST + timedelta(days=count) for count in range(DAYS - 1)]
    for before, after in pairwise(found):
        assert after.bytes - before.bytes == flows.get(after.day, Flow()).bytes
        assert after.objects - before.objects == flows.get(after.day, Flow()).objects
    late = flows.get(to_day + timedelta(days=1), Flow())
    assert (found[-1].objects + late.objects, found[-1].bytes + late.bytes) == (objects, size)


@given(FLOWS, st.integers(0, 10**6))
def test_teams_shares_are_all_of_it(flows: dict[date, Flow], size: int) -> None:
    """Of every count on every day."""
    owners = ("a", "b", "c")
    whole = sizes(7, size, flows, FIRST, FIRST + timedelta(days=DAYS))
    shares = [[each.share(team, owners) for each in whole] for team in owners]
    assert together(shares, FIRST, FIRST + timedelta(days=DAYS)) == whole


def test_without_anything_nothing_was_there() -> None:
    """On any day."""
    assert together([], FIRST, FIRST) == [DaySize(FIRST, 0, 0)]
