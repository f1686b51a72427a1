"""What bytes and their use cost by a list of dated prices: exact fractions, rounded only where people read them.

Capacity is certain as far as prices are known; requests and egress are guessed from what agents served, so they are
ranges, and ASSUMPTIONS says what they rest on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Protocol

GIB: Final = 1 << 30

BLOCK: Final = 4 << 20
"""Bytes that an agent fetches with one request (see domain/content/pages)."""

SMALLEST_READ: Final = 128 << 10
"""Bytes that the kernel asks for at least, when a file is read from its beginning to its end."""

PLACES: Final = 6
"""Digits after the point of an amount that people read."""

_FEWEST_PLACES: Final = 2

ASSUMPTIONS: Final = (
    f"Amounts are exact and rounded to {PLACES} digits after the point where they are written, each by itself.",
    "A month has 30 days; bytes stay at today's size and class for all of it.",
    (
        f"Requests: at least one for {BLOCK // SMALLEST_READ} reads that the cache could not serve (a request brings "
        f"{BLOCK >> 20} MiB, a read asks for at least {SMALLEST_READ >> 10} KiB), at most one for each of them and one "
        "for each open."
    ),
    (
        "Egress: at least nothing (nodes in the backend's own region are not charged), at most the larger of all bytes "
        f"that agents served and {BLOCK >> 20} MiB for each read that the cache could not serve."
    ),
    "Requests and egress are charged by the cheapest of a backend's priced classes at least, by the dearest at most.",
)
"""Sentences that every estimate is told with."""


class Price(Protocol):
    """What a class of a backend costs; amounts are of zero or more."""

    @property
    def storage_class(self) -> str:
        """Its name, or "*"."""

    @property
    def per_gib_month(self) -> Decimal:
        """Per GiB and month of 30 days."""

    @property
    def per_1000_requests(self) -> Decimal:
        """Per thousand requests."""

    @property
    def per_gib_egress(self) -> Decimal:
        """Per GiB that leaves the cloud."""


PriceOn = Callable[[str, str, date], Price | None]
"""What applies to a backend and class on a day; None: there is no price."""


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """A sum over objects of one backend and class."""

    backend: str
    storage_class: str
    bytes: int


@dataclass(frozen=True, slots=True)
class CapacityCost:
    """Of a month. What is `unpriced` is not in the amount."""

    amount: Fraction
    priced_bytes: int
    unpriced_bytes: int


@dataclass(frozen=True, slots=True)
class Range:
    """From the least to the most that something may cost."""

    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    def __add__(self, other: "Range") -> "Range":
        """Return what both cost together."""
        return Range(self.low + other.low, self.high + other.high)

    def part(self, share: Fraction) -> "Range":
        """Return a part of it."""
        return Range(self.low * share, self.high * share)


NOTHING: Final = Range()


@dataclass(frozen=True, slots=True)
class Use:
    """What agents served of a backend. `misses`: reads that the cache could not serve."""

    opens: int = 0
    bytes_read: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class UseCost:
    """What the use of a backend cost."""

    requests: Range = NOTHING
    egress: Range = NOTHING

    def __add__(self, other: "UseCost") -> "UseCost":
        """Return what both cost together."""
        return UseCost(self.requests + other.requests, self.egress + other.egress)

    def part(self, share: Fraction) -> "UseCost":
        """Return a part of it."""
        return UseCost(self.requests.part(share), self.egress.part(share))


def capacity_cost(stored: Iterable[StoredBytes], price: PriceOn, on: date) -> CapacityCost:
    """Return what a month of these bytes costs by the prices of a day."""
    amount, priced, unpriced = Fraction(0), 0, 0
    for each in stored:
        found = price(each.backend, each.storage_class, on)
        if found is None:
            unpriced += each.bytes
        else:
            priced += each.bytes
            amount += month_of(each.bytes, found)
    return CapacityCost(amount, priced, unpriced)


def month_of(size: int, price: Price) -> Fraction:
    """Return what bytes of one price cost a month."""
    return Fraction(price.per_gib_month) * size / GIB


def use_cost(use: Use, prices: Iterable[Price]) -> UseCost:
    """Return what a backend's use cost, by the prices of its classes; nothing without any: ask whether there are."""
    known = list(prices)
    if not known:
        return UseCost()
    per_request = [Fraction(price.per_1000_requests) / 1000 for price in known]
    per_byte = [Fraction(price.per_gib_egress) / GIB for price in known]
    fewest = -(-use.misses * SMALLEST_READ // BLOCK)
    return UseCost(
        requests=Range(min(per_request) * fewest, max(per_request) * (use.misses + use.opens)),
        egress=Range(Fraction(0), max(per_byte) * max(use.bytes_read, use.misses * BLOCK)),
    )


def amount_text(amount: Fraction) -> str:
    """Write an amount as a decimal text: rounded half to even, with two digits after the point at least."""
    scaled = round(amount * 10**PLACES)
    sign, digits = "-" if scaled < 0 else "", f"{abs(scaled):0{PLACES + 1}d}"
    whole, part = digits[:-PLACES], digits[-PLACES:].rstrip("0")
    return f"{sign}{whole}.{part:0<{_FEWEST_PLACES}}"
