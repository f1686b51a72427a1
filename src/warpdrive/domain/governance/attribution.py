"""Whose objects are whose: the home backend of every key of a place, and the teams that own it.

All prefixes are "" or end in "/", so all keys of one directory share their answer, and it only changes from one
prefix that somebody named to the next: a place's attribution is a table of those prefixes, and a key's answer stands
at the longest of them that it starts with.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from warpdrive.domain.content.texts import ANY

_Answer = TypeVar("_Answer")

_REMEMBERED: Final = 50_000
"""Directories whose answer is kept; some 200 bytes each."""


@dataclass(frozen=True, slots=True, order=True)
class Showing:
    """A backend of the place: it shows the keys that start with its prefix.

    Not `present`: no namespace has it any more. Such a one keeps the objects that no present one shows.
    """

    backend: str
    prefix: str
    present: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A team's ownership rule; the prefix starts at the backend's own. `backend` may be ANY. `team` is an id."""

    team: str
    backend: str
    prefix: str


class Assignment(NamedTuple):
    """The home of keys, a backend with its prefix, and the sorted ids of the teams that own them together."""

    backend: str
    prefix: str
    owners: tuple[str, ...]


class Attribution:
    """The answers for one place, by the prefixes at which they change."""

    def __init__(self, assignments: Mapping[str, Assignment]) -> None:
        self.assignments = dict(assignments)
        self._known: dict[str, Assignment | None] = {}

    def of(self, key: str) -> Assignment | None:
        """Answer for a whole key; None when no backend ever showed it."""
        directory = key[: key.rfind("/") + 1]
        try:
            return self._known[directory]
        except KeyError:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[directory] = longest(self.assignments, directory)
            return found


def attribution(showings: Iterable[Showing], claims: Iterable[Claim]) -> Attribution:
    """Work a place's attribution out.

    Home is, of the backends that show a key, the one with the longest prefix, and the smaller name of equals. Owners
    are the teams whose claim has the longest whole prefix; of equally long ones a claim to this backend goes before
    one to any. Backends that are not present count for keys that no present one shows. Claims of disbanded teams and
    to backends of other places have to be left out by the caller (the latter do no harm).
    """
    claims = tuple(claims)
    both = tuple(showings)
    tiers = [_Tier([each for each in both if each.present is present], claims) for present in (True, False)]
    assignments = {}
    for prefix in {prefix for tier in tiers for prefix in tier.prefixes()}:
        tier = tiers[0] if longest(tiers[0].homes, prefix) is not None else tiers[1]
        home = longest(tier.homes, prefix)
        if home is not None:
            assignments[prefix] = Assignment(home.backend, home.prefix, longest(tier.owners, prefix) or ())
    return Attribution(assignments)


def changed_prefixes(before: Attribution, after: Attribution) -> list[str]:
    """Say below which prefixes, sorted and none below another, keys may have another answer than before."""
    named = {*before.assignments, *after.assignments}
    return topmost(each for each in named if longest(before.assignments, each) != longest(after.assignments, each))


def topmost(prefixes: Iterable[str]) -> list[str]:
    """Leave out what starts with another of the prefixes; the rest is sorted."""
    found: list[str] = []
    for each in sorted(set(prefixes)):
        if not found or not each.startswith(found[-1]):
            found.append(each)
    return found


def longest(table: Mapping[str, _Answer], text: str) -> _Answer | None:
    """Look up the longest prefix ("" or ending in "/") of a text that ends in "/" or is ""."""
    return next((table[each] for each in _upwards(text) if each in table), None)


def _upwards(directory: str) -> Iterator[str]:
    """Yield it, its parent, and so on to ""."""
    end = len(directory)
    while end > 0:
        yield directory[:end]
        end = directory.rfind("/", 0, end - 1) + 1
    yield ""


class _Tier:
    """What some backends of a place, all present or none, say: homes and owners by whole prefix."""

    def __init__(self, showings: Sequence[Showing], claims: Sequence[Claim]) -> None:
        self.homes: dict[str, Showing] = {}
        # The smaller name is the first and stays.
        for showing in sorted(showings):
            self.homes.setdefault(showing.prefix, showing)
        named: dict[str, set[str]] = {}
        general: dict[str, set[str]] = {}
        for showing in showings:
            for claim in claims:
                if claim.backend in (showing.backend, ANY):
                    teams = general if claim.backend == ANY else named
                    teams.setdefault(showing.prefix + claim.prefix, set()).add(claim.team)
        self.owners = {prefix: tuple(sorted(teams)) for prefix, teams in (general | named).items()}

    def prefixes(self) -> Iterator[str]:
        yield from self.homes
        yield from self.owners
