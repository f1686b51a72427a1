"""What a forecast promises: a line goes on, doubt widens the band, the band holds what it says, short is refused."""

import itertools
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpdrive.domain.governance.forecast import FITTED_DAYS, Forecast, Refused, forecast

FIRST = date(2026, 1, 1)
TOTALS = st.lists(st.integers(min_value=0, max_value=2**55), min_size=14, max_size=40)


def history(totals: list[int]) -> list[tuple[date, int]]:
    """Put totals on consecutive days."""
    return [(FIRST + timedelta(days=index), total) for index, total in enumerate(totals)]


def made(known: list[tuple[date, int]], days: int) -> Forecast:
    """Forecast what may not be refused."""
    answer = forecast(known, days)
    assert isinstance(answer, Forecast)
    return answer


@given(
    start=st.integers(min_value=0, max_value=2**55),
    slope=st.integers(min_value=-(2**40), max_value=2**40),
    length=st.integers(min_value=14, max_value=60),
    ahead=st.integers(min_value=0, max_value=28),
)
def test_a_line_goes_on_to_the_byte(start: int, slope: int, length: int, ahead: int) -> None:
    """A history that is a line is continued exactly, without a band, but never below zero."""
    base = start + max(0, -slope) * length
    answer = made(history([base + slope * day for day in range(length)]), ahead)
    wanted = [max(0, base + slope * (length + day)) for day in range(ahead)]
    assert [(day.low, day.expected, day.high) for day in answer.days] == [(each, each, each) for each in wanted]
    assert [day.day for day in answer.days] == [FIRST + timedelta(days=length + day) for day in range(ahead)]


@given(totals=TOTALS, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_history_does_not_matter(totals: list[int], seed: Random) -> None:
    """Days are days, in whatever order they are told, and told twice alike."""
    known = history(totals)
    shuffled = [*known, known[3]]
    seed.shuffle(shuffled)
    assert forecast(shuffled, 10) == forecast(known, 10)


@given(totals=TOTALS)
def test_the_band_holds_the_expectation_widens_and_stays_above_zero(totals: list[int]) -> None:
    """0 <= low <= expected <= high on each day, and the upper half of the band never becomes narrower."""
    days = made(history(totals), 20).days
    assert all(0 <= day.low <= day.expected <= day.high for day in days)
    # Where the expectation is clipped at zero the width is not the band's any more.
    widths = [day.high - day.expected for day in days if day.expected]
    # A byte of rounding on either end; floats carry 53 bits.
    slack = 2 + max(totals) // 2**45
    assert all(later >= earlier - slack for earlier, later in itertools.pairwise(widths))


def test_noise_widens_the_band() -> None:
    """Ten times the noise makes about ten times the band."""
    random = Random(7)
    noise = [random.gauss(0, 1e6) for _ in range(60)]
    widths = []
    for times in (1, 10):
        day = made(history([10**10 + 10**7 * at + round(times * each) for at, each in enumerate(noise)]), 30).days[-1]
        widths.append(day.high - day.low)
    assert 5 < widths[1] / widths[0] < 20


def test_one_days_mass_deletion_does_not_turn_the_trend() -> None:
    """A day that lost half and got it back the day after moves the expectation by little."""
    line = [10**12 + 10**9 * day for day in range(60)]
    broken = [total // 2 if day == 40 else total for day, total in enumerate(line)]
    straight, bent = (made(history(totals), 30).days[-1].expected for totals in (line, broken))
    assert abs(straight - bent) < 0.05 * straight


@pytest.mark.parametrize(("walk", "noise"), [(1.0, 0.0), (0.0, 1.0), (0.5, 1.0)])
@pytest.mark.parametrize("length", [30, 90])
def test_the_band_holds_about_as_many_days_as_it_says(walk: float, noise: float, length: int) -> None:
    """Of simulated walks, noise and both, 80 % end within the band, or somewhat more: 150 each, 10 and 30 days on."""
    random = Random(20260301)
    held = {10: 0, 30: 0}
    for _ in range(150):
        level, totals = 1e12, []
        trend = random.uniform(-1e8, 3e8)
        for _ in range(length + 30):
            level += trend + random.gauss(0, walk * 1e9)
            totals.append(round(level + random.gauss(0, noise * 1e9)))
        days = made(history(totals[:length]), 30).days
        for ahead in held:
            held[ahead] += days[ahead - 1].low <= totals[length + ahead - 1] <= days[ahead - 1].high
    # Three standard errors of a share of 0.8 of 150 are 0.1.
    assert all(count / 150 > 0.7 for count in held.values()), held
    if walk:
        assert all(count / 150 < 0.95 for count in held.values()), held


def test_days_may_be_missing() -> None:
    """Five days of two weeks make a forecast; the line through them goes on."""
    known = [(FIRST + timedelta(days=day), 1000 + 7 * day) for day in (0, 2, 3, 9, 13)]
    assert [day.expected for day in made(known, 2).days] == [1000 + 7 * 14, 1000 + 7 * 15]


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ((), "There are 0 days of history; a forecast needs at least 14."),
        (range(13), "There are 13 days of history; a forecast needs at least 14."),
        ((0, 4, 8, 20), "Totals of 4 days are known; a forecast needs at least 5."),
    ],
)
def test_too_short_a_history_is_refused_with_a_reason(days: tuple[int, ...], reason: str) -> None:
    """Nothing is guessed from less than 14 days, or from fewer than five of them."""
    assert forecast([(FIRST + timedelta(days=day), day) for day in days], 5) == Refused(reason)


def test_it_looks_no_further_than_twice_the_history() -> None:
    """Of 60 days asked of a history of 14 there are 28."""
    assert len(made(history([5] * 14), 60).days) == 28


def test_only_the_newest_days_are_fitted() -> None:
    """What lies before the fitted days changes nothing."""
    recent = [10**6 + 10 * day for day in range(FITTED_DAYS)]
    long = made(history([1, 10**9, 77, *recent]), 5).days
    assert [day.expected for day in long] == [10**6 + 10 * (FITTED_DAYS + day) for day in range(5)]


def test_a_day_with_two_totals_and_a_negative_horizon_are_faults_of_the_caller() -> None:
    """They are refused loudly, not averaged away."""
    with pytest.raises(ValueError, match="two totals"):
        forecast([(FIRST, 1), (FIRST, 2)], 5)
    with pytest.raises(ValueError, match="back"):
        forecast(history([1] * 20), -1)


@settings(max_examples=30)
@given(totals=st.lists(st.integers(min_value=0, max_value=2**62), min_size=14, max_size=20))
def test_sizes_of_exabytes_fit(totals: list[int]) -> None:
    """No total that a 64-bit column holds breaks the arithmetic."""
    assert len(made(history(totals), 28).days) == 28
