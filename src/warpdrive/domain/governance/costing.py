"""Who bears which cost: bytes shared out to their owners, use of a backend shared out as its bytes are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, Protocol

from warpdrive.domain.governance.forecast import ForecastDay
from warpdrive.domain.governance.pricing import (
    CapacityCost,
    Price,
    PriceOn,
    Range,
    StoredBytes,
    Use,
    UseCost,
    capacity_cost,
    use_cost,
)
from warpdrive.domain.governance.shares import NOBODY
from warpdrive.domain.governance.splitting import split

_MONTHS: Final = 12


class OwnedClass(Protocol):
    """A sum over objects of one backend and class that have the same owners."""

    @property
    def backend(self) -> str:
        """Where they are."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Ids of the teams that own them together; empty: nobody does."""

    @property
    def storage_class(self) -> str:
        """Of all of them."""

    @property
    def bytes(self) -> int:
        """How large together."""


@dataclass(frozen=True, slots=True)
class Part:
    """A team's bytes of one class in a backend, and which part of all the backend's bytes that is."""

    team: str
    stored: StoredBytes
    share: Fraction


@dataclass(frozen=True, slots=True)
class Cost:
    """What some parts cost a month."""

    capacity: CapacityCost
    use: UseCost

    @property
    def total(self) -> Range:
        """All of it."""
        whole = self.use.requests + self.use.egress
        return Range(whole.low + self.capacity.amount, whole.high + self.capacity.amount)


@dataclass(frozen=True, slots=True)
class MonthCost:
    """What capacity may cost in the month that begins on a day."""

    first: date
    low: Fraction
    expected: Fraction
    high: Fraction


def parts_of(rows: Iterable[OwnedClass], used: Iterable[str]) -> list[Part]:
    """Share bytes out to teams, sum by sum, as the usage answer does. What is used and not stored is nobody's."""
    known = list(rows)
    whole: dict[str, int] = {}
    for row in known:
        whole[row.backend] = whole.get(row.backend, 0) + row.bytes
    found = [
        Part(team, StoredBytes(row.backend, row.storage_class, size), Fraction(size, whole[row.backend]))
        for row in known
        if whole[row.backend]
        for team, size in split(row.bytes, row.owners or (NOBODY,)).items()
    ]
    empty = sorted(backend for backend in used if not whole.get(backend))
    return [*found, *(Part(NOBODY, StoredBytes(backend, "", 0), Fraction(1)) for backend in empty)]


def prices_of(parts: Iterable[Part], backend: str, price: PriceOn, on: date) -> list[Price]:
    """Return the prices of a backend's classes that hold something; those of none are left out."""
    classes = {part.stored.storage_class for part in parts if part.stored.backend == backend}
    found = (price(backend, each, on) for each in sorted(classes))
    return [each for each in found if each is not None]


def use_costs(parts: Sequence[Part], uses: Mapping[str, Use], price: PriceOn, on: date) -> dict[str, UseCost]:
    """Return what the use of each backend cost; backends without any price are left out."""
    found: dict[str, UseCost] = {}
    for backend, use in uses.items():
        prices = prices_of(parts, backend, price, on)
        if prices:
            found[backend] = use_cost(use, prices)
    return found


def cost_of(parts: Sequence[Part], used: Mapping[str, UseCost], price: PriceOn, on: date) -> Cost:
    """Add up what some parts cost by the prices of a day; `used`: what all use of each backend cost."""
    use = sum((used[part.stored.backend].part(part.share) for part in parts if part.stored.backend in used), UseCost())
    return Cost(capacity_cost((part.stored for part in parts), price, on), use)


def projected(
    stored: Sequence[StoredBytes], firsts: Iterable[date], days: Iterable[ForecastDay], price: PriceOn
) -> list[MonthCost]:
    """Price the sizes that are expected for the first days of months, at today's mix; ends where the forecast does.

    Raises ZeroDivisionError when nothing is stored: there is no mix then.
    """
    sizes = {each.day: each for each in days}
    now = sum(each.bytes for each in stored)
    found: list[MonthCost] = []
    for first in firsts:
        size = sizes.get(first)
        if size is None:
            break
        unit = capacity_cost(stored, price, first).amount / now
        found.append(MonthCost(first, unit * size.low, unit * size.expected, unit * size.high))
    return found


def firsts_of_months(today: date, months: int) -> list[date]:
    """Return the first days of so many months after the one that a day is in."""
    counted = (today.year * _MONTHS + today.month - 1 + count for count in range(1, months + 1))
    return [date(each // _MONTHS, each % _MONTHS + 1, 1) for each in counted]
