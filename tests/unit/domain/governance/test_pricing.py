"""What bytes and their use cost: exactly, in ranges where it is guessed, and never silently nothing."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.price_tags import Tag
from warpdrive.domain.governance.pricing import (
    BLOCK,
    GIB,
    CapacityCost,
    Range,
    StoredBytes,
    Use,
    UseCost,
    amount_text,
    capacity_cost,
    use_cost,
)

DAY = date(2026, 3, 31)


def priced(backend: str, storage_class: str, on: date) -> Tag | None:
    """Price one class of any backend, from a day on."""
    assert backend
    return Tag(Decimal("0.023")) if storage_class == "hot" and on >= DAY else None


def test_bytes_without_a_price_are_told_and_not_free() -> None:
    """The amount is that of the others."""
    stored = [StoredBytes("a", "hot", 3 * GIB), StoredBytes("b", "hot", GIB), StoredBytes("a", "odd", 7)]
    assert capacity_cost(stored, priced, DAY) == CapacityCost(Fraction(92, 1000), 4 * GIB, 7)
    assert capacity_cost(stored, priced, date(2026, 3, 30)) == CapacityCost(Fraction(0), 0, 4 * GIB + 7)


@given(st.lists(st.integers(0, 2**62), max_size=6), st.decimals(0, 10**6, places=12))
def test_parts_cost_together_what_the_whole_costs(sizes: list[int], price: Decimal) -> None:
    """Nothing is rounded on the way."""
    parts = [StoredBytes("a", "", size) for size in sizes]
    whole = capacity_cost([StoredBytes("a", "", sum(sizes))], lambda *_: Tag(price), DAY)
    assert capacity_cost(parts, lambda *_: Tag(price), DAY) == whole
    assert whole.amount * GIB == Fraction(price) * sum(sizes)


def test_use_costs_from_the_least_to_the_most_that_it_can() -> None:
    """One request for 32 misses of 128 KiB at least; at most one a miss and open, and a block of egress each."""
    cheap = Tag(Decimal(1), Decimal("0.4"), Decimal(0))
    dear = Tag(Decimal(1), Decimal(5), Decimal("0.09"))
    cost = use_cost(Use(opens=10, bytes_read=5, misses=33), [dear, cheap])
    assert cost.requests == Range(Fraction("0.4") * 2 / 1000, Fraction(5) * 43 / 1000)
    assert cost.egress == Range(Fraction(0), Fraction("0.09") * 33 * BLOCK / GIB)
    served = use_cost(Use(opens=1, bytes_read=GIB, misses=0), [dear])
    assert served == UseCost(Range(Fraction(0), Fraction(5, 1000)), Range(Fraction(0), Fraction("0.09")))
    assert use_cost(Use(1, 1, 1), []) == UseCost()


@given(st.integers(0, 10**9), st.integers(0, 2**60), st.integers(0, 10**9))
def test_the_least_is_never_more_than_the_most(opens: int, bytes_read: int, misses: int) -> None:
    """Whatever was served."""
    cost = use_cost(Use(opens, bytes_read, misses), [Tag(Decimal(1), Decimal(2), Decimal(3))])
    assert 0 <= cost.requests.low <= cost.requests.high
    assert 0 <= cost.egress.low <= cost.egress.high


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Fraction(0), "0.00"),
        (Fraction(12), "12.00"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(2, 3), "0.666667"),
        (Fraction(123450, 1000), "123.45"),
        (Fraction(5, 10**7), "0.00"),
        (Fraction(15, 10**7), "0.000002"),
        (Fraction(-5, 4), "-1.25"),
        (Fraction(10**30), f"{10**30}.00"),
    ],
)
def test_amounts_are_written_with_two_digits_or_more(amount: Fraction, text: str) -> None:
    """Six at most, half to even."""
    assert amount_text(amount) == text


@given(st.fractions(-(10**12), 10**12))
def test_what_is_written_is_what_it_is_within_half_of_the_last_digit(amount: Fraction) -> None:
    """Read back as a decimal."""
    assert abs(Fraction(Decimal(amount_text(amount))) - amount) <= Fraction(1, 2 * 10**6)
