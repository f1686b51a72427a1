"""Any life of a Team against a plain model; whatever happens, replaying the stored events gives the same state."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.replay import assert_snapshot_is_the_same
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.team.errors import TeamError
from warpdrive.domain.team.values import OwnershipRule

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = st.sampled_from(["vision", "speech"])
PRINCIPALS = st.sampled_from(["ann", "bob", "uid:1000"])
RULES = st.builds(OwnershipRule, st.sampled_from(["*", "s3"]), st.sampled_from(["", "a/", "a/b/"]))


class TeamLife(RuleBasedStateMachine):
    """Random commands against two sets and a name."""

    def __init__(self) -> None:
        super().__init__()
        self.team = Team.create(UUID(int=1), "vision", at=AT)
        self.name = "vision"
        self.members: set[str] = set()
        self.owned: set[OwnershipRule] = set()
        self.disbanded = False

    def attempt(self, command: Callable[[], None], *, allowed: bool) -> bool:
        """Run the command and check that it is refused exactly when it may not be done."""
        version = self.team.version
        try:
            command()
        except TeamError:
            assert not allowed
            assert self.team.version == version
            return False
        assert allowed
        return True

    @rule(name=NAMES)
    def rename(self, name: str) -> None:
        """Call it otherwise."""
        if self.attempt(lambda: self.team.rename(name, at=AT), allowed=not self.disbanded):
            self.name = name

    @rule(principal=PRINCIPALS)
    def add_member(self, principal: str) -> None:
        """Let somebody in."""
        allowed = not self.disbanded and principal not in self.members
        if self.attempt(lambda: self.team.add_member(principal, at=AT), allowed=allowed):
            self.members.add(principal)

    @rule(principal=PRINCIPALS)
    def remove_member(self, principal: str) -> None:
        """Let somebody go."""
        allowed = not self.disbanded and principal in self.members
        if self.attempt(lambda: self.team.remove_member(principal, at=AT), allowed=allowed):
            self.members.remove(principal)

    @rule(new=RULES)
    def add_rule(self, new: OwnershipRule) -> None:
        """Own something."""
        allowed = not self.disbanded and new not in self.owned
        if self.attempt(lambda: self.team.add_ownership_rule(new, at=AT), allowed=allowed):
            self.owned.add(new)

    @rule(new=RULES)
    def remove_rule(self, new: OwnershipRule) -> None:
        """Give something up."""
        allowed = not self.disbanded and new in self.owned
        if self.attempt(lambda: self.team.remove_ownership_rule(new, at=AT), allowed=allowed):
            self.owned.remove(new)

    @rule(really=st.integers(0, 9))
    def disband(self, really: int) -> None:
        """End it, seldom, since little happens after."""
        if really == 0 and self.attempt(lambda: self.team.disband(at=AT), allowed=not self.disbanded):
            self.disbanded = True

    @invariant()
    def it_is_what_the_model_is(self) -> None:
        """Name, members, rules and end are the model's, in order."""
        assert (self.team.name, self.team.disbanded) == (self.name, self.disbanded)
        assert self.team.members == tuple(sorted(self.members))
        assert self.team.rules == tuple(sorted(self.owned))

    @invariant()
    def replay_gives_the_same(self) -> None:
        """Stored events and a stored snapshot give the state that the commands left."""
        assert_snapshot_is_the_same(self.team)


TestTeamLife = TeamLife.TestCase
