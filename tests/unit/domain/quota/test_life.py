"""Any life of a Quota against a plain model; whatever happens, replaying the stored events gives the same state."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.replay import assert_snapshot_is_the_same, replayed_state, state_of
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaRemoved
from warpdrive.domain.quota.values import LeasePolicy, QuotaLimits, Standing

BYTES = st.integers(0, 6)
LIMITS = st.builds(
    lambda pair, grace: QuotaLimits(min(pair), max(pair), grace), st.tuples(BYTES, BYTES), st.integers(0, 4)
)


class QuotaLife(RuleBasedStateMachine):
    """Random commands, seconds apart, against a model that remembers numbers and knows the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 2, tzinfo=UTC)
        self.limits = QuotaLimits(2, 4, 2)
        self.quota = Quota.define(UUID(int=1), "s3", self.limits, at=self.now)
        self.usage: int | None = None
        self.over_since: tuple[datetime, int] | None = None
        self.removed = False

    def judged(self) -> None:
        """Let the model notice whether the soft limit is kept."""
        over = self.usage is not None and self.usage > self.limits.soft
        if not over:
            self.over_since = None
        elif self.over_since is None:
            self.over_since = (self.now, self.limits.grace_seconds)

    @rule(seconds=st.integers(0, 3))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    @rule(usage=BYTES)
    def observe(self, usage: int) -> None:
        """Count."""
        try:
            self.quota.observe_usage(usage, at=self.now)
        except QuotaRemoved:
            assert self.removed
        else:
            assert not self.removed
            self.usage = usage
            self.judged()

    @rule(limits=LIMITS)
    def set_limits(self, limits: QuotaLimits) -> None:
        """Give it other limits, or bring it back."""
        self.quota.set_limits(limits, at=self.now)
        self.limits = limits
        self.removed = False
        self.judged()

    @rule(policy=st.builds(LeasePolicy, st.integers(1, 2), st.integers(1, 2)))
    def set_lease_policy(self, policy: LeasePolicy) -> None:
        """Promise other amounts."""
        try:
            self.quota.set_lease_policy(policy, at=self.now)
        except QuotaRemoved:
            assert self.removed
        else:
            assert self.quota.lease_policy == policy

    @rule(wanted=BYTES, usage=BYTES)
    def refuse_lease(self, wanted: int, usage: int) -> None:
        """Refuse a node; what is known stays."""
        try:
            self.quota.refuse_lease("gpu-7", wanted, usage, at=self.now)
        except QuotaRemoved:
            assert self.removed
        else:
            assert not self.removed

    @rule(really=st.integers(0, 3))
    def remove(self, really: int) -> None:
        """Remove it, seldom."""
        if really:
            return
        try:
            self.quota.remove(at=self.now)
        except QuotaRemoved:
            assert self.removed
        else:
            assert not self.removed
            self.removed, self.usage, self.over_since = True, None, None

    def expected(self) -> Standing:
        """Tell where the model stands."""
        if self.removed:
            return Standing.REMOVED
        if self.usage is None:
            return Standing.UNKNOWN
        if self.usage > self.limits.hard:
            return Standing.EXCEEDED
        if self.over_since is None:
            return Standing.OK
        since, grace = self.over_since
        return Standing.WARNED if (self.now - since).total_seconds() < grace else Standing.GRACE_ENDED

    @invariant()
    def it_stands_where_the_model_does(self) -> None:
        """Standing, usage, limits and the grace's end are the model's."""
        assert self.quota.standing(self.now) is self.expected()
        assert (self.quota.usage, self.quota.limits, self.quota.removed) == (self.usage, self.limits, self.removed)
        ends = None if self.over_since is None else self.over_since[0] + timedelta(seconds=self.over_since[1])
        assert self.quota.grace_until == ends

    @invariant()
    def events_tell_each_crossing_once(self) -> None:
        """A grace starts once before each recovery, and nobody is above hard without having been warned."""
        warned = False
        usage, hard = 0, 0
        for event in self.quota.pending_events:
            match event:
                case Quota.SoftLimitCrossed():
                    assert not warned
                    assert event.usage > event.limit
                    warned = True
                case Quota.HardLimitCrossed():
                    assert warned
                    assert event.usage > event.limit == hard
                case Quota.Recovered():
                    assert warned
                    warned = False
                case Quota.Removed():
                    warned = False
                case Quota.Defined() | Quota.LimitsSet():
                    hard = event.hard
                case Quota.UsageObserved():
                    # What was kept before can only be crossed by an event that says so.
                    assert event.usage <= hard or usage > hard
                case _:
                    continue
            usage = getattr(event, "usage", usage)

    @invariant()
    def replay_gives_the_same(self) -> None:
        """Stored events and a stored snapshot give the state that the commands left."""
        assert replayed_state(self.quota) == state_of(self.quota)
        assert_snapshot_is_the_same(self.quota)


TestQuotaLife = QuotaLife.TestCase
