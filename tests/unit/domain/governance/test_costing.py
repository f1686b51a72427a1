"""Who bears which cost."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.price_tags import Tag
from warpdrive.domain.governance.costing import (
    Part,
    cost_of,
    firsts_of_months,
    parts_of,
    prices_of,
    projected,
    use_costs,
)
from warpdrive.domain.governance.forecast import ForecastDay
from warpdrive.domain.governance.pricing import GIB, Range, StoredBytes, Use

DAY = date(2026, 3, 31)


@dataclass(frozen=True)
class Row:
    """A sum of capacity."""

    backend: str
    owners: tuple[str, ...]
    storage_class: str
    bytes: int


def price(backend: str, storage_class: str, on: date) -> Tag | None:
    """Price everything in a, from May on double; of b only class hot."""
    if backend == "b" and storage_class != "hot":
        return None
    return Tag(Decimal(2) if on >= date(2026, 5, 1) else Decimal(1), Decimal(10), Decimal(4))


ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from(["a", "b"]),
        st.sets(st.sampled_from(["t1", "t2", "t3"])).map(lambda teams: tuple(sorted(teams))),
        st.sampled_from(["", "hot"]),
        st.integers(0, 2**50),
    ),
    max_size=8,
)
USES = st.dictionaries(
    st.sampled_from(["a", "b"]), st.builds(Use, st.integers(0, 99), st.integers(0, 2**40), st.integers(0, 99))
)


@given(ROWS, USES)
def test_teams_bear_together_exactly_what_there_is_to_bear(rows: list[Row], uses: dict[str, Use]) -> None:
    """However owners share, parts of teams add up to the cost of all."""
    every = parts_of(rows, uses)
    used = use_costs(every, uses, price, DAY)
    teams = {part.team for part in every}
    shares = [cost_of([part for part in every if part.team == team], used, price, DAY) for team in teams]
    whole = cost_of(every, used, price, DAY)
    assert sum((share.total for share in shares), Range()) == whole.total
    assert sum(share.capacity.unpriced_bytes for share in shares) == whole.capacity.unpriced_bytes
    assert sum(part.stored.bytes for part in every) == sum(row.bytes for row in rows)
    assert whole.use.requests == sum((cost.requests for cost in used.values()), Range())


def test_use_follows_bytes_and_what_holds_nothing_is_nobodys() -> None:
    """A team of three quarters of the bytes bears three quarters of the use."""
    rows = [Row("a", ("t1",), "", 3 * GIB), Row("a", ("t2",), "cold", GIB)]
    uses = {"a": Use(opens=0, bytes_read=GIB, misses=0), "b": Use(opens=1, bytes_read=0, misses=0)}
    every = parts_of(rows, uses)
    used = use_costs(every, uses, price, DAY)
    assert set(used) == {"a"}
    mine = cost_of([part for part in every if part.team == "t1"], used, price, DAY)
    assert mine.capacity.amount == 3
    assert mine.use.egress == Range(Fraction(0), Fraction(3))
    assert mine.total == Range(Fraction(3), Fraction(6))
    assert every[-1] == Part("", StoredBytes("b", "", 0), Fraction(1))
    assert [tag.storage_class for tag in prices_of(every, "a", price, DAY)] == ["*", "*"]


def test_months_are_priced_by_their_first_day_at_todays_mix() -> None:
    """Half of what is stored has no price, so it costs half; prices double in May; it ends with the forecast."""
    stored = [StoredBytes("a", "", GIB), StoredBytes("b", "", GIB)]
    days = [ForecastDay(DAY + timedelta(days=count), 2 * GIB, 4 * GIB, 8 * GIB) for count in range(1, 40)]
    firsts = firsts_of_months(DAY, 3)
    assert firsts == [date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)]
    months = projected(stored, firsts, days, price)
    assert [(each.first.month, int(each.low), int(each.expected), int(each.high)) for each in months] == [
        (4, 1, 2, 4),
        (5, 2, 4, 8),
    ]
    with pytest.raises(ZeroDivisionError):
        projected([StoredBytes("a", "", 0)], firsts, days, price)


def test_months_go_on_over_the_turn_of_the_year() -> None:
    """From any day of a month the next one comes first."""
    assert firsts_of_months(date(2026, 11, 30), 3) == [date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
    assert firsts_of_months(date(2026, 12, 1), 1) == [date(2027, 1, 1)]
    assert firsts_of_months(DAY, 0) == []
