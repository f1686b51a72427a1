"""The Team as a stream of events: its name, its members, its ownership rules."""

from datetime import datetime
from typing import Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc
from warpdrive.domain.content.paths import why_prefix_hidden
from warpdrive.domain.content.texts import storable, why_no_label, why_no_word
from warpdrive.domain.team.errors import (
    AlreadyMember,
    DuplicateOwnershipRule,
    InvalidOwnershipRule,
    InvalidPrincipal,
    InvalidTeamName,
    NotMember,
    TeamDisbanded,
    UnknownOwnershipRule,
)
from warpdrive.domain.team.values import OwnershipRule


class Team(Aggregate):
    """Principals who are counted, limited and charged together.

    The id is random and made by whoever creates it, so a team keeps its quotas and history when it is renamed.
    Every command takes `at`, a moment with a time zone (ValueError without), and raises TeamDisbanded once
    disbanded.
    """

    TOPIC = "warpdrive.team:Team"

    class Event(Aggregate.Event):
        """Something that happened to a team."""

    class Created(Event, Aggregate.Created):
        """The team came to be, without members or rules. Its state begins in `Team.__init__`."""

        TOPIC = "warpdrive.team:Created.v1"
        name: str

    class Renamed(Event):
        """The team is called `name` from now on; `previous` is free again."""

        TOPIC = "warpdrive.team:Renamed.v1"
        name: str
        previous: str

        def apply(self, aggregate: "Team") -> None:
            """Take the name."""
            aggregate._name = self.name  # noqa: SLF001 - events are the aggregate's own

    class MemberAdded(Event):
        """A principal joined."""

        TOPIC = "warpdrive.team:MemberAdded.v1"
        principal: str

        def apply(self, aggregate: "Team") -> None:
            """Add the member, keeping the order."""
            aggregate._members = sorted([*aggregate._members, self.principal])  # noqa: SLF001 - as above

    class MemberRemoved(Event):
        """A principal left."""

        TOPIC = "warpdrive.team:MemberRemoved.v1"
        principal: str

        def apply(self, aggregate: "Team") -> None:
            """Remove the member."""
            aggregate._members = [each for each in aggregate._members if each != self.principal]  # noqa: SLF001 - as above

    class OwnershipRuleAdded(Event):
        """Keys of a backend became the team's own."""

        TOPIC = "warpdrive.team:OwnershipRuleAdded.v1"
        backend: str
        prefix: str

        def apply(self, aggregate: "Team") -> None:
            """Add the rule, keeping the order."""
            aggregate._rules = sorted([*aggregate._rules, [self.backend, self.prefix]])  # noqa: SLF001 - as above

    class OwnershipRuleRemoved(Event):
        """Keys of a backend were given up."""

        TOPIC = "warpdrive.team:OwnershipRuleRemoved.v1"
        backend: str
        prefix: str

        def apply(self, aggregate: "Team") -> None:
            """Remove the rule."""
            rule = [self.backend, self.prefix]
            aggregate._rules = [each for each in aggregate._rules if each != rule]  # noqa: SLF001 - as above

    class Disbanded(Event):
        """The team ended; its name is free again, its history stays."""

        TOPIC = "warpdrive.team:Disbanded.v1"

        def apply(self, aggregate: "Team") -> None:
            """End it; members and rules stay readable as they were last."""
            aggregate._disbanded = True  # noqa: SLF001 - as above

    def __init__(self, name: str) -> None:
        """Begin the state that `Created` describes; use `create`, which knows the time."""
        self._name = name
        # Both are sorted and without repetition; lists, because that is what stored snapshots give back.
        self._members: list[str] = []
        self._rules: list[list[str]] = []
        self._disbanded = False

    @classmethod
    def create(cls, team_id: UUID, name: str, *, at: datetime) -> Self:
        """Bring a team into being. Raises InvalidTeamName when `name` could not be a namespace's."""
        _check_name(name)
        return cls._create(cls.Created, id=team_id, timestamp=in_utc(at), name=name)

    @property
    def name(self) -> str:
        """What people call it; unique among those that are not disbanded (the names table sees to that)."""
        return self._name

    @property
    def members(self) -> tuple[str, ...]:
        """Principals of the team, sorted."""
        return tuple(self._members)

    @property
    def rules(self) -> tuple[OwnershipRule, ...]:
        """Ownership rules, sorted by backend and prefix."""
        return tuple(OwnershipRule(backend, prefix) for backend, prefix in self._rules)

    @property
    def disbanded(self) -> bool:
        """Nothing may change, ever."""
        return self._disbanded

    def rename(self, name: str, *, at: datetime) -> None:
        """Call it otherwise; nothing happens if it is called so. Raises InvalidTeamName."""
        self._must_exist()
        _check_name(name)
        if name != self._name:
            self.trigger_event(self.Renamed, timestamp=in_utc(at), name=name, previous=self._name)

    def add_member(self, principal: str, *, at: datetime) -> None:
        """Let somebody in. Raises InvalidPrincipal, AlreadyMember."""
        self._must_exist()
        reason = why_no_word(principal)
        if reason is not None:
            raise InvalidPrincipal(principal, reason)
        if principal in self._members:
            raise AlreadyMember(self._name, principal)
        self.trigger_event(self.MemberAdded, timestamp=in_utc(at), principal=principal)

    def remove_member(self, principal: str, *, at: datetime) -> None:
        """Let somebody go. Raises NotMember."""
        self._must_exist()
        if principal not in self._members:
            raise NotMember(self._name, principal)
        self.trigger_event(self.MemberRemoved, timestamp=in_utc(at), principal=principal)

    def add_ownership_rule(self, rule: OwnershipRule, *, at: datetime) -> None:
        """Make keys of a backend the team's own. Raises InvalidOwnershipRule, DuplicateOwnershipRule."""
        self._must_exist()
        _check_rule(rule)
        if [rule.backend, rule.prefix] in self._rules:
            raise DuplicateOwnershipRule(self._name, rule.backend, rule.prefix)
        self.trigger_event(self.OwnershipRuleAdded, timestamp=in_utc(at), backend=rule.backend, prefix=rule.prefix)

    def remove_ownership_rule(self, rule: OwnershipRule, *, at: datetime) -> None:
        """Give keys of a backend up. Raises UnknownOwnershipRule."""
        self._must_exist()
        if [rule.backend, rule.prefix] not in self._rules:
            raise UnknownOwnershipRule(self._name, rule.backend, rule.prefix)
        self.trigger_event(self.OwnershipRuleRemoved, timestamp=in_utc(at), backend=rule.backend, prefix=rule.prefix)

    def disband(self, *, at: datetime) -> None:
        """End it for good."""
        self._must_exist()
        self.trigger_event(self.Disbanded, timestamp=in_utc(at))

    def _must_exist(self) -> None:
        if self._disbanded:
            raise TeamDisbanded(self._name)


def _check_name(name: str) -> None:
    reason = why_no_label(name)
    if reason is not None:
        raise InvalidTeamName(name, reason)


def _check_rule(rule: OwnershipRule) -> None:
    reason = why_no_word(rule.backend)
    if reason is not None:
        raise InvalidOwnershipRule(rule.backend, rule.prefix, f"names a backend that {reason}")
    prefix = rule.prefix
    if prefix and (not prefix.endswith("/") or why_prefix_hidden(prefix) is not None or not storable(prefix)):
        raise InvalidOwnershipRule(rule.backend, prefix, 'has a prefix that is neither "" nor names that end in "/"')
