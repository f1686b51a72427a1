"""Leases against a plain model: nodes that keep to them, crawls that come and go at any moment, a clock that runs.

- What counts against a quota is what a plain list of everything that happened says.
- Nothing that is written is ever missing in it, so a team whose nodes tell in time what they wrote never holds more
  than its limit, whatever crawls see.
- What the observer tells is what was counted and settled, and leases that are open bound what can still come.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.quota_story import QuotaStory
from warpdrive.application.control.leases import LeaseView
from warpdrive.application.ports.lease_books import QuotaName
from warpdrive.domain.governance.splitting import split
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.leasing import USUAL_POLICY, Holding

LIMIT = 100
SHARED = ("audio", "vision")
OWNERS = {"v/x": ("vision",), "a/x": ("audio",), "both/x": SHARED}
SIZES = st.integers(0, 40)


@dataclass
class Written:
    """Bytes of one team, written under a lease; `begun`: crawls that had begun when it was settled, None before."""

    team: str
    promised: int
    ends: float
    wrote: int = 0
    begun: int | None = None
    late: bool = False
    """Settled after its end."""


@dataclass
class Model:
    """Everything that happened."""

    written: list[Written] = field(default_factory=list)
    begun: int = 0
    state: str = ""
    """Of the newest crawl."""
    seen: dict[str, int] = field(default_factory=dict)
    """By the newest crawl, so far; at least what was there when it began."""
    counted: dict[str, int] | None = None
    counted_by: int = 0

    def there(self, team: str) -> int:
        """Bytes that are really in the backend."""
        return sum(each.wrote for each in self.written if each.team == team)

    def sees(self) -> None:
        """Let the newest crawl see everything that is there."""
        self.seen = {team: self.there(team) for team in SHARED}

    def holding(self, team: str, now: float) -> Holding:
        """What counts, from the beginning."""
        mine = [each for each in self.written if each.team == team]
        settled = sum(each.wrote for each in mine if each.begun is not None and each.begun >= self.counted_by)
        promised = sum(each.promised for each in mine if each.begun is None and each.ends > now)
        return Holding(None if self.counted is None else self.counted[team], settled, promised)


class Leasing(RuleBasedStateMachine):
    """Random lives of two teams' leases."""

    def __init__(self) -> None:
        super().__init__()
        self.portal_context = start_blocking_portal()
        self.portal = self.portal_context.__enter__()
        self.story = QuotaStory()
        self.model = Model()
        self.open: list[tuple[LeaseView, list[Written]]] = []
        self.run(self._begin)

    def run(self, asked: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Await something."""
        return self.portal.call(asked, *arguments)

    def teardown(self) -> None:
        """End the loop."""
        self.portal_context.__exit__(None, None, None)

    @property
    def now(self) -> float:
        """The wall clock's seconds."""
        return self.story.on.clock.wall()

    @rule(key=st.sampled_from(sorted(OWNERS)), wanted=SIZES)
    def acquire(self, key: str, wanted: int) -> None:
        """Ask; the answer is the model's."""
        owners = OWNERS[key]
        left = min(LIMIT - self.model.holding(team, self.now).total for team in owners)
        wish = wanted or USUAL_POLICY.bytes
        possible = min(wish, left * len(owners))
        try:
            lease = self.run(self.story.acquire, key, wanted)
        except QuotaRefused:
            assert possible < wish
            return
        # None of the wishes is so large that a part of it would do.
        assert lease.bytes == wish == possible
        ends = lease.expires_at.timestamp()
        names = {self.story.teams[team]: team for team in owners}
        parts = [Written(names[number], size, ends) for number, size in split(wish, list(names)).items()]
        self.model.written += parts
        self.open.append((lease, parts))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """Write some of what a lease that has not ended allows; owners share it evenly as soon as it is there."""
        lease, parts = data.draw(st.sampled_from(self.open))
        if parts[0].ends > self.now:
            _share(data.draw(st.integers(sum(part.wrote for part in parts), lease.bytes)), parts)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Say what was written, in time or late."""
        lease, parts = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        used = sum(part.wrote for part in parts)
        for part in parts:
            part.begun, part.late = self.model.begun, part.ends <= self.now
        call = self.story.on.call()

        async def settled() -> int:
            done = await self.story.on.plane.leases.settle(call, "node-1", UUID(lease.id), used=used)
            return done.value.settled_bytes

        assert self.run(settled) == used

    @precondition(lambda self: self.model.state != "running")
    @rule()
    def begin_crawl(self) -> None:
        """From here on what is there is seen, and what comes may be."""
        self.model.begun += 1
        self.model.state = "running"
        self.model.sees()
        self.story.crawl(state="running")

    @precondition(lambda self: self.model.state == "running")
    @rule()
    def see(self) -> None:
        """See what was written since, too; the index has it at once."""
        self.model.sees()
        self.story.index(*self.model.seen.items())

    @precondition(lambda self: self.model.state == "running")
    @rule(state=st.sampled_from(["completed", "failed"]))
    def end_crawl(self, state: str) -> None:
        """Complete, or leave the index half done."""
        self.model.state = state
        if state == "completed":
            self.story.index(*self.model.seen.items())
        self.story.end_crawl(state)

    @rule()
    def observe(self) -> None:
        """Count, at any time: what a crawl that completed last has seen is taken, and nothing else."""
        self.run(self.story.observer.observe)
        if self.model.state == "completed":
            self.model.counted, self.model.counted_by = dict(self.model.seen), self.model.begun
        for team in SHARED:
            assert self.run(self.story.quota, team).usage == self.model.holding(team, self.now).held

    @rule(seconds=st.sampled_from([1, USUAL_POLICY.seconds // 2, USUAL_POLICY.seconds]))
    def wait(self, seconds: int) -> None:
        """Let time pass. Who has a lease that ends says what was written, or writes no more."""
        self.story.on.clock.advance(seconds)

    @invariant()
    def counts_are_the_models(self) -> None:
        """Of each team."""
        for team in SHARED:
            name = self.story.teams[team]
            quota = QuotaName(str(Quota.id_of(UUID(name), "lake")), name, "lake")
            held = self.run(self.story.books.holdings, [quota], self.story.on.now())[quota.id]
            assert held == self.model.holding(team, self.now)
            mine = [each for each in self.model.written if each.team == team]
            untold = sum(each.wrote for each in mine if each.begun is None and each.ends <= self.now)
            assert held.total >= self.model.there(team) - untold, "what is written counts as soon as it is told"
            late = sum(each.wrote for each in mine if each.late)
            assert self.model.there(team) <= LIMIT + untold + late, "nodes that tell in time hold a team to its limit"

    async def _begin(self) -> None:
        await self.story.begin(vision=["v/", "both/"], audio=["a/", "both/"])
        for team in SHARED:
            await self.story.limit(team, LIMIT // 2, LIMIT)


def _share(total: int, parts: list[Written]) -> None:
    # In the order of who gets the remainder.
    for index, part in enumerate(parts):
        part.wrote = total // len(parts) + (index < total % len(parts))


TestLeasesModel = pytest.mark.timeout(60)(Leasing.TestCase)
TestLeasesModel.settings = settings(settings.default, stateful_step_count=40)
