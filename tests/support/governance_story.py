"""Random stories about storage and its use: what lies where, who decides what, what nodes tell, what goes wrong.

`random_story(random)` makes one; `GovernanceModel.play` and `GovernanceRig.play` live through it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

from tests.support.governance_steps import (
    DAY_S,
    Abort,
    Beat,
    Crawl,
    Disband,
    Gather,
    GiveUp,
    Leave,
    Limit,
    Mount,
    Observe,
    Put,
    Remove,
    Rename,
    Step,
    Tell,
    Use,
    Wait,
)

START = datetime(2026, 3, 27, 22, 59, 50, tzinfo=UTC)
"""Two days before clocks change in Europe, nine before they do in New Zealand, where it is another day already."""

MANY_WAITS = (1, 1, 70, 3_599, 3_611, 46_800, DAY_S, DAY_S, 3 * DAY_S, 9 * DAY_S, 31 * DAY_S)

PREFIXES = {
    "lake": ("lake", ""),
    "part": ("lake", "a/"),
    "deep": ("lake", "a/b/"),
    "pond": ("pond", ""),
    "void": ("void", ""),
}
"""Backends by name: place and prefix. Three of them show the same objects, and nothing ever lies in `void`."""

TYPES = {"lake": "memory", "pond": "s3", "void": "memory"}

FOLDERS = ("", "a/", "a/b/", "a/b/c/", "b/")
NAMES = ("x", "x", "y", "\udc80", "\u00fc")
RULES = (
    ("*", ""),
    ("*", "a/"),
    ("*", "b/"),
    ("lake", "a/b/"),
    ("part", "b/"),
    ("deep", ""),
    ("pond", "a/"),
    ("*", "a/"),
)
TEAMS = ("red", "blue", "green")
USERS = ("ann", "bob", "eve", "joe")
"""Joe is in no team."""
NODES = ("n1", "n2", "n3")
OPS = (0, 1, 1, 1, 2, 3, 4)
"""Open, read, list, stat, write."""
BOOK = (
    ("*", "*", date(2020, 1, 1), Decimal("0.021"), Decimal("0.005"), Decimal("0.09")),
    ("*", "cold", date(2020, 1, 1), Decimal("0.004"), Decimal("0.01"), Decimal("0.02")),
    ("lake", "*", date(2026, 4, 1), Decimal("0.3333333"), Decimal(0), Decimal(0)),
)
"""Prices: backend, class, from which day, per GiB and month, per 1,000 requests, per GiB of egress."""


@dataclass
class _Making:
    """What a story may speak of so far."""

    random: Random
    lossy: bool
    mounted: tuple[str, ...] = ()
    teams: list[str] = field(default_factory=list)
    told: list[Tell] = field(default_factory=list)
    stored: set[tuple[str, str]] = field(default_factory=set)

    def one(self) -> Step:
        """Make a step."""
        random = self.random
        kinds = (
            [self.put] * 4 + [self._tell] * 5 + [self._crawl] * 6 + [self._wait] * 4 + [self._gather] * 2
            + [self._remove] * 3 + [self._limit, self._observe] * 2 + [self._abort, self._mount, self._beat]
        )  # fmt: skip
        if self.teams:
            kinds += [self._rename, self._disband, self._leave, self._give_up]
        return random.choice(kinds)()

    def _key(self) -> str:
        return self.random.choice(FOLDERS) + self.random.choice(NAMES)

    def put(self) -> Step:
        """Write something."""
        random = self.random
        place, key = random.choice(("lake", "lake", "pond")), self._key()
        self.stored.add((place, key))
        size, age = (
            random.choice((0, 1, 2, 10, 10, 101, 2**31 + 1)),
            random.choice((0, 1, 5 * 3_600, 29 * DAY_S, 100 * DAY_S)),
        )
        kind = random.choice(("", "", "cold"))
        return Put(place, key, size, random.choice("pqr-"), kind, age)

    def _remove(self) -> Step:
        if not self.stored:
            return self.put()
        gone = self.random.choice(sorted(self.stored))
        self.stored.remove(gone)
        return Remove(*gone)

    def _crawl(self) -> Step:
        return Crawl(self.random.choice(("lake", "lake", "pond", "void")), self.random.random() < 0.7)

    def _abort(self) -> Step:
        return Abort(self.random.choice(("lake", "pond")), self.random.choice((1, 2)))

    def _mount(self) -> Step:
        random = self.random
        self.mounted = tuple(sorted(random.sample(sorted(PREFIXES), random.choice((1, 3, 4, 5, 5)))))
        return Mount(self.mounted)

    def _wait(self) -> Step:
        return Wait(self.random.choice(MANY_WAITS))

    def _gather(self) -> Step:
        random = self.random
        team = random.choice(TEAMS)
        if team not in self.teams:
            self.teams.append(team)
        members = tuple(sorted(random.sample(USERS[:3], random.randint(0, 2))))
        return Gather(team, members, tuple(sorted(set(random.sample(RULES, random.randint(0, 2))))))

    def _rename(self) -> Step:
        team, name = self.random.choice(self.teams), self.random.choice((*TEAMS, "violet"))
        if name in self.teams:
            return self._wait()
        self.teams[self.teams.index(team)] = name
        return Rename(team, name)

    def _disband(self) -> Step:
        team = self.random.choice(self.teams)
        self.teams.remove(team)
        return Disband(team)

    def _leave(self) -> Step:
        return Leave(self.random.choice(self.teams), self.random.choice(USERS))

    def _give_up(self) -> Step:
        return GiveUp(self.random.choice(self.teams), self.random.choice(RULES))

    def _limit(self) -> Step:
        if not self.teams:
            return self._gather()
        soft = self.random.choice((0, 5, 60, 2**31))
        backend = self.random.choice(("*", "lake", "part", "void"))
        return Limit(self.random.choice(self.teams), backend, soft, soft + self.random.choice((0, 10, 2**31)))

    def _observe(self) -> Step:
        return Observe()

    def _beat(self) -> Step:
        return Beat(self.random.choice(NODES))

    def _tell(self) -> Step:
        random = self.random
        if self.told and random.random() < 0.2:
            return random.choice(self.told)
        made = Tell(
            number=len(self.told) + 1,
            node=random.choice(NODES),
            uses=tuple(self._use() for _ in range(random.randint(0, 5))),
            skew_s=random.choice((0, 0, 119, -119, 121, 5 * 3_600, -9 * 3_600)),
            covers_s=random.choice((0, 60, DAY_S, 31 * DAY_S)),
            ended_ago_s=random.choice((0, 0, 30, DAY_S)),
            lost=random.choice((0, 0, 2)) if self.lossy else 0,
        )
        self.told.append(made)
        return made

    def _use(self) -> Use:
        random = self.random
        counts = (random.randint(0, 2), random.choice((0, 7, 2**40)), random.randint(0, 3), random.randint(0, 40))
        return Use(
            random.choice(USERS),
            random.choice((*PREFIXES, "lake", "nobody's")),
            self._key(),
            random.choice((0, 1, 7_200, DAY_S, 29 * DAY_S, 30 * DAY_S, 40 * DAY_S)),
            random.choice(OPS),
            *counts,
            random.choice(("", "", "train", "eval")),
            random.choice(("", "", "", "EIO")),
        )


def random_story(random: Random, steps: int) -> list[Step]:
    """Make one that begins with all backends mounted and two teams that have something in common."""
    making = _Making(random, random.random() < 0.5, tuple(PREFIXES), [*TEAMS[:2]])
    begin: list[Step] = [
        Mount(making.mounted),
        Gather("red", ("ann", "bob"), (("*", "a/"),)),
        Gather("blue", ("ann",), (("*", "a/"), ("deep", ""))),
    ]
    begin += [making.put() for _ in range(9)] + [Crawl("lake"), Crawl("pond")]
    making.told += [Tell(back, "n1", covers_s=31 * DAY_S, ended_ago_s=(3 - back) * 31 * DAY_S) for back in (1, 2, 3)]
    begin += making.told
    return begin + [making.one() for _ in range(steps)]
