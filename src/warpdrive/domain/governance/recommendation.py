"""What could be done about it all: advice by kind, team and backend, with evidence, assumption and what it would save.

Three kinds, which never count the same bytes twice by idleness: what is stale is to be archived or deleted, what is
idle for less long is to be kept in a cheaper class, and of what there is twice one is to go. Advice that rests on
nobody having used something is only given where telemetry would have told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol
from uuid import UUID, uuid5

from warpdrive.domain.governance.pricing import GIB, Price, Range, amount_text, month_of
from warpdrive.domain.governance.shares import NOBODY
from warpdrive.domain.governance.splitting import split

STALE_DAYS: Final = 90
IDLE_DAYS: Final = 30

_SPACE: Final = UUID("6f1c4b1e-8d0a-5d8e-9a57-0a3e4a1d9b72")
"""Of the ids of recommendations; never changes, or dismissals would be about nothing."""

_SMALL_SHARE: Final = 100
"""Advice about less than one part in so many of a backend, and less than a GiB, is noise beside larger advice."""

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


class Kind(StrEnum):
    """What is advised."""

    ARCHIVE_STALE = "archive_stale"
    REMOVE_DUPLICATES = "remove_duplicates"
    CHEAPER_CLASS = "cheaper_class"


class OwnedObjects(Protocol):
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
    def objects(self) -> int:
        """How many."""

    @property
    def bytes(self) -> int:
        """How large together."""


class Prices(Protocol):
    """What storage costs on one day."""

    def of(self, backend: str, storage_class: str) -> Price | None:
        """Return what applies, None: there is no price."""

    def named(self, backend: str) -> Sequence[Price]:
        """Return the prices of the classes that are named for the backend, or for all."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A team's part of the objects of one backend and class."""

    storage_class: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Advice:
    """One recommendation. `team_id` "": of what nobody owns. `saving`: a month; None: no price is known."""

    kind: Kind
    team_id: str
    backend: str
    evidence: tuple[str, ...]
    assumptions: tuple[str, ...]
    objects: int
    bytes: int
    saving: Range | None

    @property
    def id(self) -> UUID:
        """The same for ever for the same kind, team and backend."""
        return recommendation_id(self.kind, self.team_id, self.backend)

    def summary(self, team: str) -> str:
        """Say it in a sentence; `team`: what to call the team, "" for nobody."""
        whose = f"that team {team} owns" if team else "that nobody owns"
        return f"{_DEEDS[self.kind]}: {size_text(self.bytes)} {whose} in backend {self.backend}."


_DEEDS: Final = {
    Kind.ARCHIVE_STALE: "Archive or delete what nobody uses",
    Kind.REMOVE_DUPLICATES: "Remove surplus copies",
    Kind.CHEAPER_CLASS: "Keep what is rarely used in a cheaper class",
}

Held = Mapping[tuple[str, str], Sequence[Holding]]
"""By team (NOBODY: none) and backend."""


def recommendation_id(kind: str, team_id: str, backend: str) -> UUID:
    """Make the id of a recommendation from what it is about."""
    return uuid5(_SPACE, f"{kind}/{team_id}/{backend}")


def held(rows: Iterable[OwnedObjects]) -> Held:
    """Share sums out to teams: each is split by itself, as everywhere, so that parts add up to the whole."""
    found: dict[tuple[str, str], list[Holding]] = {}
    for row in rows:
        owners = row.owners or (NOBODY,)
        objects, sizes = split(row.objects, owners), split(row.bytes, owners)
        for team, size in sizes.items():
            if size:
                found.setdefault((team, row.backend), []).append(Holding(row.storage_class, objects[team], size))
    return found


@dataclass(frozen=True, slots=True)
class Remaining:
    """See OwnedObjects."""

    backend: str
    owners: tuple[str, ...]
    storage_class: str
    objects: int
    bytes: int


def without(rows: Iterable[OwnedObjects], taken: Iterable[OwnedObjects]) -> Iterator[Remaining]:
    """Take sums off sums of the same objects and more; what is left of none is left out."""
    less = {(row.backend, row.owners, row.storage_class): row for row in taken}
    for row in rows:
        off = less.get((row.backend, row.owners, row.storage_class))
        objects, size = (row.objects, row.bytes) if off is None else (row.objects - off.objects, row.bytes - off.bytes)
        # The two are asked one after the other: a crawl between them may have changed what there is.
        if objects > 0 and size > 0:
            yield Remaining(row.backend, row.owners, row.storage_class, objects, size)


def archive_stale(stale: Held, prices: Prices | None, since: date) -> Iterator[Advice]:
    """Advise about what was used last before a day, STALE_DAYS ago; only where all of that time is covered."""
    for about, parts in stale.items():
        assumptions = ["What nobody has used for so long will not be missed; no access can tell that."]
        priced = _priced(parts, about[1], prices)
        saving = None
        if prices is not None and priced:
            whole = sum((month_of(part.bytes, price) for part, price in priced), Fraction(0))
            rest = sum((_at_cheapest(part, price, about[1], prices) for part, price in priced), Fraction(0))
            saving = Range(whole - rest, whole)
            assumptions.append(
                "Saved at least: the difference to the cheapest class that the price book names for the backend "
                "(nothing, if it names none that is cheaper). Saved at most: all that it costs, when it is deleted."
            )
        evidence = [
            (
                f"{_counted(parts)} were neither opened, read nor written, nor found first, since {since}, which is "
                f"{STALE_DAYS} days ago; telemetry of all that time is complete."
            )
        ]
        yield _advice(Kind.ARCHIVE_STALE, about, parts, prices, saving, evidence, assumptions)


def remove_duplicates(sure: Held, likely: Held, prices: Prices | None) -> Iterator[Advice]:
    """Advise about copies of which another one stays: equal by MD5 (`sure`), or by CRC32C only (`likely`)."""
    for about in {**sure, **likely}:
        parts = (*sure.get(about, ()), *likely.get(about, ()))
        saving = None
        if _priced(parts, about[1], prices):
            low, high = (
                sum((month_of(part.bytes, price) for part, price in _priced(some, about[1], prices)), Fraction(0))
                for some in (sure.get(about, ()), parts)
            )
            saving = Range(low, high)
        evidence = [
            f"{_counted(some)} have the size and {checksum} of another object that stays: the one that was used last."
            for checksum, some in (("MD5", sure.get(about, ())), ("CRC32C", likely.get(about, ())))
            if some
        ]
        assumptions = ["Whoever uses a copy can use the one that stays, which may be another team's or elsewhere."]
        if likely.get(about):
            assumptions.append(
                "Objects of equal CRC32C need not be the same: compare them before removing one. Saved at least: what "
                "is equal by MD5. Saved at most: all of it."
            )
        yield _advice(Kind.REMOVE_DUPLICATES, about, parts, prices, saving, evidence, assumptions)


def cheaper_class(idle: Held, prices: Prices, since: date) -> Iterator[Advice]:
    """Advise about what was used last before a day, IDLE_DAYS ago, where a cheaper class has a price."""
    for about, parts in idle.items():
        moving = [
            (part, price, cheaper)
            for part, price in _priced(parts, about[1], prices)
            if (cheaper := _cheaper(price, about[1], prices))
        ]
        if not moving:
            continue
        # A class's requests may be dearer: moving an object there is one, at its price.
        once = sum((Fraction(cheaper[0].per_1000_requests) * part.objects / 1000 for part, _, cheaper in moving), _ZERO)
        low = sum(
            (month_of(part.bytes, price) - month_of(part.bytes, cheaper[-1]) for part, price, cheaper in moving), _ZERO
        )
        high = sum(
            (month_of(part.bytes, price) - month_of(part.bytes, cheaper[0]) for part, price, cheaper in moving), _ZERO
        )
        evidence = [
            (
                f"{_counted([part for part, _, _ in moving])} were neither opened, read nor written, nor found first, "
                f"since {since}, which is {IDLE_DAYS} days ago; telemetry of all that time is complete."
            ),
            *_classes(moving),
        ]
        assumptions = [
            (
                f"It stays as rarely used as in the last {IDLE_DAYS} days; what reading from the other class costs is "
                "not counted, nor how long objects must stay there."
            ),
            (
                f"Saved at least: by the dearest class that is cheaper, less one request an object in the first month "
                f"({amount_text(once)}). Saved at most: by the cheapest class."
            ),
        ]
        saving = Range(max(_ZERO, low - once), high)
        yield _advice(Kind.CHEAPER_CLASS, about, [part for part, _, _ in moving], prices, saving, evidence, assumptions)


def worth_telling(advice: Sequence[Advice], stored: Mapping[str, int]) -> list[Advice]:
    """Leave out what is small in itself and of its backend's bytes, unless there is nothing larger."""
    large = [each for each in advice if each.bytes >= GIB or each.bytes * _SMALL_SHARE >= stored.get(each.backend, 0)]
    return large or list(advice)


def ordered(advice: Iterable[Advice]) -> list[Advice]:
    """Put what saves most first; what has no price comes last, by bytes."""
    return sorted(
        advice, key=lambda each: (each.saving is None, -(each.saving or Range()).high, -each.bytes, str(each.id))
    )


def size_text(size: int) -> str:
    """Write bytes as people read them: "1.5 TiB"."""
    unit = max(0, min((abs(size).bit_length() - 1) // 10, len(_UNITS) - 1))
    return f"{size} bytes" if not unit else f"{size / (1 << (10 * unit)):.4g} {_UNITS[unit]}"


_ZERO: Final = Fraction(0)


def _advice(
    kind: Kind,
    about: tuple[str, str],
    parts: Sequence[Holding],
    prices: Prices | None,
    saving: Range | None,
    evidence: Sequence[str],
    assumptions: Sequence[str],
) -> Advice:
    objects, size = sum(part.objects for part in parts), sum(part.bytes for part in parts)
    unpriced = size - sum(part.bytes for part, _ in _priced(parts, about[1], prices))
    if saving is not None and unpriced:
        evidence = [*evidence, f"{size_text(unpriced)} of it has no price; what that costs is not in the saving."]
    return Advice(kind, *about, tuple(evidence), tuple(assumptions), objects, size, saving)


def _priced(parts: Iterable[Holding], backend: str, prices: Prices | None) -> list[tuple[Holding, Price]]:
    if prices is None:
        return []
    found = ((part, prices.of(backend, part.storage_class)) for part in parts)
    return [(part, price) for part, price in found if price is not None]


def _cheaper(price: Price, backend: str, prices: Prices) -> list[Price]:
    """Find the classes that cost less, cheapest first."""
    named = (each for each in prices.named(backend) if each.per_gib_month < price.per_gib_month)
    return sorted(named, key=lambda each: (each.per_gib_month, each.storage_class))


def _at_cheapest(part: Holding, price: Price, backend: str, prices: Prices) -> Fraction:
    return month_of(part.bytes, next(iter(_cheaper(price, backend, prices)), price))


def _classes(moving: Iterable[tuple[Holding, Price, Sequence[Price]]]) -> Iterator[str]:
    """Say what each class costs and which are cheaper."""
    said = {part.storage_class or "(unknown)": (price, cheaper) for part, price, cheaper in moving}
    for name, (price, cheaper) in sorted(said.items()):
        others = ", ".join(f"{each.storage_class} costs {each.per_gib_month:f}" for each in cheaper)
        yield f"A GiB of class {name} costs {price.per_gib_month:f} a month; {others}."


def _counted(parts: Iterable[Holding]) -> str:
    known = list(parts)
    return f"{sum(part.objects for part in known)} objects, together {size_text(sum(part.bytes for part in known))},"
