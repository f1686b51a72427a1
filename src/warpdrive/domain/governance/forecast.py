"""Where a daily total leads: a robust trend, and a band that says how little is known of the days ahead.

The trend is the median of the slopes between all pairs of days (Theil 1950, Sen 1968: one day's mass deletion or
import does not turn it). Around it the total is taken for a random walk with noise, the local level model of
Harvey, "Forecasting, Structural Time Series Models and the Kalman Filter" (1989), chapter 2: changes that stay widen
the band from day to day, changes that are undone the day after do not. How much of a change stays is not known: the
forecast is the mean of models, each filtered by Kalman's recursion, weighted by how likely they make the history.
Simulated walks and noise stay in the band as often as it says or more; imports in rare large steps less often (60 to
80 %) while the history is as short as two or four weeks, since it has seen few of them.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from statistics import NormalDist
from typing import Final

BAND: Final = 0.8
"""Of the totals to come so many should lie within the band, if they go on as the history did."""

LEAST_DAYS: Final = 14
"""From the first to the last day, both included."""

LEAST_OBSERVED: Final = 5
"""Days of them of which there is a total."""

FITTED_DAYS: Final = 180
"""The newest so many days are fitted: older ones say little of the trend now, and pairs of days grow as the square."""

_REACH: Final = 2
"""Days ahead per day of history, at most."""

_WALKS: Final = (0.0, 0.03, 0.1, 0.25, 0.5, 0.75, 1.0)
"""How much of the variance of a day's change stays, 0 to 1, in the models that are weighed."""

_QUANTILE: Final = NormalDist().inv_cdf((1 + BAND) / 2)

METHOD: Final = (
    f"Robust trend (Theil-Sen) of the daily totals of the newest {FITTED_DAYS} days at most, continued from their last "
    f"level; the band should hold {BAND:.0%} of the days to come if they go on as the history did, and widens with "
    f"each. Looks no further ahead than {_REACH} days for each day of history."
)


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """A total to come, in the history's unit: 0 <= low <= expected <= high."""

    day: date
    low: int
    expected: int
    high: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The days after the history's last, in order; fewer than asked where the history does not reach so far."""

    days: tuple[ForecastDay, ...]
    method: str = METHOD


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing can honestly be said, and why: a sentence for people."""

    reason: str


def forecast(history: Sequence[tuple[date, int]], days: int) -> Forecast | Refused:
    """Continue daily totals by so many days, or refuse because the history is too short.

    The order of the history does not matter, days may be missing in it. Raises ValueError for a negative number of
    days, and for a day with two totals.
    """
    if days < 0:
        raise ValueError(f"cannot look {-days} days back")
    known: dict[date, int] = {}
    for day, total in history:
        if known.setdefault(day, total) != total:
            raise ValueError(f"{day} has two totals, {known[day]} and {total}")
    ordered = sorted(known.items())
    length = (ordered[-1][0] - ordered[0][0]).days + 1 if ordered else 0
    if length < LEAST_DAYS:
        return Refused(f"There are {length} days of history; a forecast needs at least {LEAST_DAYS}.")
    last = ordered[-1][0]
    fitted = [(day, total) for day, total in ordered if (last - day).days < FITTED_DAYS]
    if len(fitted) < LEAST_OBSERVED:
        return Refused(f"Totals of {len(fitted)} days are known; a forecast needs at least {LEAST_OBSERVED}.")
    ahead = _fit([((day - fitted[0][0]).days, total) for day, total in fitted])
    coming = []
    for count in range(1, min(days, _REACH * length) + 1):
        expected, width = ahead(count)
        low, middle, high = (max(0, round(each)) for each in (expected - width, expected, expected + width))
        coming.append(ForecastDay(last + timedelta(days=count), low, middle, high))
    return Forecast(tuple(coming))


def _fit(points: Sequence[tuple[int, int]]) -> Callable[[int], tuple[Fraction, Fraction]]:
    """Fit days (counted from any) and totals, in order; give expectation and half the band's width so far ahead.

    Exact where there is no noise: a line stays that line.
    """
    slope = _slope(points)
    start_day, start = points[0]
    residuals = [float(total - start - slope * (day - start_day)) for day, total in points]
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(points)]
    span = sum(gaps)
    models = _weighed([_level(gaps, residuals, walk) for walk in _WALKS]) if any(residuals) else []
    quantile = _student(len(points) - 2)
    middle = math.fsum(weight * model.level for weight, model in models)

    def ahead(days: int) -> tuple[Fraction, Fraction]:
        variance = math.fsum(
            weight * ((model.level - middle) ** 2 + model.variance(days, span, len(points))) for weight, model in models
        )
        return start + slope * (span + days) + Fraction(middle), Fraction(quantile * math.sqrt(variance))

    return ahead


@dataclass(frozen=True, slots=True)
class _Level:
    """A local level model, filtered: at the last day, in the totals' unit and its square."""

    level: float
    uncertainty: float
    age: float  # days: how old what the level rests on is on average
    walk: float  # variance that each day adds for good
    noise: float  # variance that each day has for itself
    likelihood: float  # its logarithm

    def variance(self, days: int, span: int, count: int) -> float:
        """Return that of the total so many days ahead, fitted to `count` totals of `span` days."""
        # Of a least squares slope: 6/5 of the walk's a day (Durlauf and Phillips 1988), 12 of the noise's. The walk's
        # is taken for 2: with 6/5 the band held 65 to 78 % of simulated walks, because it is estimated itself.
        slope = 2 * self.walk / span + 12 * self.noise / (count * span**2)
        # An error of the slope also misplaced the level, by as long as what it rests on is old.
        return self.uncertainty + self.noise + days * self.walk + (days + self.age) ** 2 * slope


def _level(gaps: Sequence[int], residuals: Sequence[float], walk: float) -> _Level:
    """Filter residuals by the model in which `walk` of the variance of a change stays and the rest is undone."""
    noise = (1 - walk) / 2
    level, uncertainty, age = residuals[0], noise, 0.0
    squares = logarithms = 0.0
    for gap, residual in zip(gaps, residuals[1:], strict=True):
        spread = uncertainty + gap * walk + noise
        gain = 1 - noise / spread
        squares += (residual - level) ** 2 / spread
        logarithms += math.log(spread)
        level += gain * (residual - level)
        age = (1 - gain) * (age + gap)
        uncertainty = gain * noise
    scale = squares / (len(gaps) - 1)  # the slope took one
    likelihood = -(len(gaps) * math.log(scale) + logarithms) / 2
    return _Level(level, uncertainty * scale, age, walk * scale, noise * scale, likelihood)


def _weighed(models: Sequence[_Level]) -> list[tuple[float, _Level]]:
    """Weigh models by their likelihood; the weights add up to 1."""
    best = max(model.likelihood for model in models)
    weights = [math.exp(model.likelihood - best) for model in models]
    return [(weight / math.fsum(weights), model) for weight, model in zip(weights, models, strict=True)]


def _slope(points: Sequence[tuple[int, int]]) -> Fraction:
    """Find the median slope between two days."""
    slopes = sorted(
        ((later[1] - earlier[1]) / (later[0] - earlier[0]), later[1] - earlier[1], later[0] - earlier[0])
        for index, earlier in enumerate(points)
        for later in points[index + 1 :]
    )
    (_, rise, run), (_, other_rise, other_run) = slopes[(len(slopes) - 1) // 2], slopes[len(slopes) // 2]
    return (Fraction(rise, run) + Fraction(other_rise, other_run)) / 2


def _student(freedom: int) -> float:
    """Widen the normal quantile for variances that were estimated from few days.

    The expansion of Student's quantile in Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5; within
    1 % for 3 degrees of freedom and more.
    """
    z = _QUANTILE
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2
