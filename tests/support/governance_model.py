"""What stories come to, in dictionaries and loops: no code of the control plane's governance is used here.

The model keeps what the documents say that is kept: objects as crawls saw them, who used what on which day, what nodes
told. Everything else is worked out by `governance_answers`, by going through all of it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from tests.support.governance_steps import (
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
from tests.support.governance_story import PREFIXES, START

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT_DAYS = 30
HELD_FROM = 1_000
"""Missing objects, of which up to so many are believed unless they are all."""

Owned = tuple[str, tuple[str, ...]]
"""Home backend and sorted ids of owners."""


def kept_text(text: str) -> str:
    r"""Write what UTF-8 cannot hold as `\udc80`."""
    return "".join(f"\\u{ord(each):04x}" if 0xD800 <= ord(each) < 0xE000 else each for each in text)


def shared(total: int, names: tuple[str, ...]) -> dict[str, int]:
    """Give everybody the same, rounded down, and what is left, one each, to those who come first by name."""
    dealt = dict.fromkeys(sorted(set(names)), 0)
    rounds = total // len(dealt)
    left = total - rounds * len(dealt)
    for name in dealt:
        dealt[name] += rounds
        if left:
            dealt[name] += 1
            left -= 1
    return dealt


@dataclass
class Indexed:
    """An object as the last crawl that met it saw it."""

    put: Put
    modified: datetime
    first_seen: datetime
    backend: str
    owners: tuple[str, ...]
    there: bool = True


@dataclass
class Counted:
    """What one user did, summed."""

    opens: int = 0
    bytes_read: int = 0
    hits: int = 0
    misses: int = 0

    def add(self, other: "Counted | Use") -> None:
        """Take more in."""
        self.opens += other.opens
        self.bytes_read += other.bytes_read
        self.hits += other.hits
        self.misses += other.misses


@dataclass
class TeamState:
    """A team that is not disbanded, by its id."""

    name: str
    members: set[str] = field(default_factory=set)
    rules: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Crawled:
    """What is known of a place's crawls: how many began, the last complete one, and how the newest ended."""

    generation: int = 0
    completed: int = 0
    state: str = ""


@dataclass
class QuotaState:
    """A limit and what was observed."""

    limit: Limit
    usage: int | None = None
    grace_until: datetime | None = None


@dataclass
class GovernanceModel:
    """The state of a story. `play` every step of it."""

    now: datetime = START
    mounted: tuple[str, ...] = ()
    known: list[str] = field(default_factory=list)
    """Backends that were mounted at any time."""
    stored: dict[tuple[str, str], tuple[Put, datetime]] = field(default_factory=dict)
    """By place and key: what was put, and when it says it was modified."""
    objects: dict[tuple[str, str], Indexed] = field(default_factory=dict)
    teams: dict[str, TeamState] = field(default_factory=dict)
    happened: list[tuple[date, Owned, str, int, int]] = field(default_factory=list)
    """Day, whose, what (added, removed, changed, moved), objects, bytes."""
    ends: dict[date, dict[Owned, tuple[int, int]]] = field(default_factory=dict)
    """What was there when something last happened on a day."""
    crawls: dict[str, Crawled] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    """Batches that were counted."""
    used: dict[tuple[str, str], dict[tuple[str, date], Counted]] = field(default_factory=dict)
    """Accesses by place and key, then by user and day."""
    by: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Names of backends by which a key was accessed."""
    active: dict[tuple[date, str, str, str], Counted] = field(default_factory=dict)
    """By day, backend, user, job: all that was recorded."""
    told: dict[tuple[str, date], list[int]] = field(default_factory=dict)
    """By node and day: milliseconds, lost records."""
    present: dict[tuple[str, date], int] = field(default_factory=dict)
    heard: dict[str, datetime] = field(default_factory=dict)
    quotas: dict[tuple[str, str], QuotaState] = field(default_factory=dict)
    """By team's id and backend."""
    counted: dict[str, dict[str, int]] = field(default_factory=dict)
    """By backend, as the observer last could: bytes by team's id."""

    def team_id(self, name: str) -> str:
        """Find a team."""
        return next(each for each, team in self.teams.items() if team.name == name)

    def play(self, step: Step, made: str = "") -> None:
        """Let a step happen. `made`: the id that a new team was given."""
        match step:
            case Wait():
                self.now += timedelta(seconds=step.seconds)
            case Put():
                self.stored[step.place, step.key] = (step, self.now - timedelta(seconds=step.age_s))
            case Remove():
                self.stored.pop((step.place, step.key), None)
            case Crawl() | Abort():
                self._crawl(step)
            case Tell():
                self._tell(step)
            case Beat():
                self._beat(step.node)
            case Limit():
                quota = self.quotas.setdefault((self.team_id(step.team), step.backend), QuotaState(step))
                quota.limit = step
                if quota.usage is not None:
                    self._judge(quota, quota.usage)
            case Observe():
                self._observe()
            case _:
                self._decide(step, made)
                self._attribute()
        self._end_day()

    def _decide(self, step: Step, made: str) -> None:
        match step:
            case Mount():
                self.mounted = step.names
                self.known += [name for name in step.names if name not in self.known]
            case Gather():
                team = self.teams.setdefault(made, TeamState(step.team))
                team.members |= set(step.members)
                team.rules |= set(step.rules)
            case Rename():
                self.teams[self.team_id(step.team)].name = step.name
            case Disband():
                del self.teams[self.team_id(step.team)]
            case Leave():
                self.teams[self.team_id(step.team)].members.discard(step.user)
            case GiveUp():
                self.teams[self.team_id(step.team)].rules.discard(step.rule)

    def belongs(self, place: str, key: str) -> Owned:
        """Say where an object is at home, and whose it is, by looking at every backend and every rule."""
        shows = [name for name in self.known if PREFIXES[name][0] == place and key.startswith(PREFIXES[name][1])]
        shows = [name for name in shows if name in self.mounted] or shows
        deepest = max(len(PREFIXES[name][1]) for name in shows)
        home = min(name for name in shows if len(PREFIXES[name][1]) == deepest)
        best, owners = (-1, False), set[str]()
        for team, state in self.teams.items():
            for backend, rule in state.rules:
                for name in shows:
                    whole = PREFIXES[name][1] + rule
                    if backend in ("*", name) and key.startswith(whole):
                        rank = (len(whole), backend != "*")
                        if rank > best:
                            best, owners = rank, set()
                        if rank == best:
                            owners.add(team)
        return home, tuple(sorted(owners))

    def _attribute(self) -> None:
        for (place, key), each in self.objects.items():
            owned = self.belongs(place, key)
            if each.there and owned != (each.backend, each.owners):
                self._happen((each.backend, each.owners), "moved", -1, -each.put.size)
                self._happen(owned, "moved", 1, each.put.size)
                each.backend, each.owners = owned

    def _crawl(self, step: Crawl | Abort) -> None:
        roots = [PREFIXES[name][1] for name in self.mounted if PREFIXES[name][0] == step.place]
        if not roots:
            return  # there is nobody to ask
        crawled = self.crawls.setdefault(step.place, Crawled())
        crawled.generation += 1
        shown = sorted(key for place, key in self.stored if place == step.place and key.startswith(tuple(roots)))
        if isinstance(step, Abort):
            shown = shown[:: step.nth]
        before = [
            key
            for (place, key), each in self.objects.items()
            if place == step.place and key.startswith(tuple(roots)) and each.there and each.first_seen < self.now
        ]
        for key in shown:
            self._see(step.place, key)
        if isinstance(step, Abort):
            crawled.state = "failed"
            return
        gone = [key for key in before if (step.place, key) not in self.stored]
        # The last objects of a whole backend are doubted too, however many its neighbours have.
        homes = {self.objects[step.place, key].backend for key in before}
        left = {self.objects[step.place, key].backend for key in before if key not in gone}
        suspicious = homes != left or (len(gone) > HELD_FROM and 2 * len(gone) > len(before))
        if gone and suspicious and not step.confirmed:
            crawled.state = "held"
            return
        for key in gone:
            each = self.objects[step.place, key]
            each.there = False
            self._happen((each.backend, each.owners), "removed", 1, each.put.size)
        crawled.state, crawled.completed = "completed", crawled.generation

    def _see(self, place: str, key: str) -> None:
        put, modified = self.stored[place, key]
        known = self.objects.get((place, key))
        if known is not None and known.there:
            if known.put.size != put.size:
                self._happen((known.backend, known.owners), "changed", 0, put.size - known.put.size)
            known.put, known.modified = put, modified
            return
        home, owners = self.belongs(place, key)
        first = self.now if known is None else known.first_seen
        self.objects[place, key] = Indexed(put, modified, first, home, owners)
        self._happen((home, owners), "added", 1, put.size)

    def _happen(self, owned: Owned, what: str, objects: int, size: int) -> None:
        self.happened.append((self.now.date(), owned, what, objects, size))

    def _end_day(self) -> None:
        sums: dict[Owned, tuple[int, int]] = {}
        for each in self.objects.values():
            if each.there:
                objects, size = sums.get((each.backend, each.owners), (0, 0))
                sums[each.backend, each.owners] = (objects + 1, size + each.put.size)
        self.ends[self.now.date()] = sums

    def _tell(self, step: Tell) -> None:
        if step.number in self.numbers:
            return
        self.numbers.add(step.number)
        # A clock that is wrong by more than two minutes is corrected, any other believed.
        wrong = timedelta(seconds=step.skew_s if abs(step.skew_s) <= 120 else 0)
        for use in step.uses:
            day = (self.now + wrong - timedelta(seconds=use.ago_s)).date()
            self.told.setdefault((step.node, day), [0, 0])
            if day >= self.now.date() - timedelta(days=KEPT_DAYS):
                self._use(use, day)
        end = min(self.now + wrong - timedelta(seconds=step.ended_ago_s), self.now)
        begin = min(self.now + wrong - timedelta(seconds=step.ended_ago_s + step.covers_s), self.now)
        while begin < end:
            midnight = datetime.combine(begin.date(), datetime.min.time(), UTC) + timedelta(days=1)
            part = min(end, midnight)
            self.told.setdefault((step.node, begin.date()), [0, 0])[0] += (part - begin) // timedelta(milliseconds=1)
            begin = part
        if step.lost:
            self.told.setdefault((step.node, end.date()), [0, 0])[1] += step.lost

    def _use(self, use: Use, day: date) -> None:
        self.active.setdefault((day, use.backend, use.user, use.job), Counted()).add(use)
        if use.op in (2, 3) or (use.error and not use.bytes_read):
            return  # a look at metadata, or nothing came of it
        place, prefix = PREFIXES[use.backend] if use.backend in self.mounted else (f"unknown {use.backend}", "")
        where = (place, prefix + use.key)
        self.used.setdefault(where, {}).setdefault((use.user, day), Counted()).add(use)
        self.by.setdefault(where, set()).add(use.backend)

    def _beat(self, node: str) -> None:
        begin = self.heard.get(node, self.now)
        begin = max(begin, self.now - timedelta(minutes=1))
        self.present.setdefault((node, self.now.date()), 0)
        for second in range(round((self.now - begin).total_seconds())):
            day = (begin + timedelta(seconds=second)).date()
            self.present[node, day] = self.present.get((node, day), 0) + 1_000
        self.heard[node] = self.now

    def _observe(self) -> None:
        for name in self.known:
            crawled = self.crawls.get(PREFIXES[name][0], Crawled())
            if crawled.state == "completed" or (crawled.state and name not in self.mounted):
                self.counted[name] = {}
                for (backend, owners, _), size in self.held_sums().items():
                    if backend == name and owners:
                        for team, part in shared(size, owners).items():
                            self.counted[name][team] = self.counted[name].get(team, 0) + part
        for (team, backend), quota in self.quotas.items():
            names = [name for name in self.counted if backend in ("*", name)]
            if team in self.teams and names:
                self._judge(quota, sum(self.counted[name].get(team, 0) for name in names))

    def held_sums(self) -> dict[tuple[str, tuple[str, ...], str], int]:
        """Sum bytes by backend, owners and class, which is how they are shared out."""
        sums: dict[tuple[str, tuple[str, ...], str], int] = {}
        for each in self.objects.values():
            if each.there:
                row = (each.backend, each.owners, each.put.storage_class)
                sums[row] = sums.get(row, 0) + each.put.size
        return sums

    def _judge(self, quota: QuotaState, usage: int) -> None:
        quota.usage = usage
        if usage <= quota.limit.soft:
            quota.grace_until = None
        elif quota.grace_until is None:
            quota.grace_until = self.now + timedelta(seconds=quota.limit.grace_s)
