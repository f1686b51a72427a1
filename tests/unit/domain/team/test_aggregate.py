"""The Team: given events, when a command, then events."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tests.support.replay import assert_snapshot_is_the_same, names_of
from warpdrive.domain.team.aggregate import Team
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

ID = UUID("5a1f6c8e-0000-4000-8000-000000000001")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RULE = OwnershipRule("imagenet", "2012/")


def fresh() -> Team:
    """Create a team."""
    return Team.create(ID, "vision", at=AT)


def busy() -> Team:
    """Create a team with a member and a rule."""
    team = fresh()
    team.add_member("ann", at=AT)
    team.add_ownership_rule(RULE, at=AT)
    return team


def test_a_team_begins_with_a_name_and_nobody() -> None:
    """Creation is one event, at the moment and with the id given."""
    team = fresh()
    assert (team.id, team.name, team.members, team.rules, team.disbanded) == (ID, "vision", (), (), False)
    (event,) = team.collect_events()
    assert isinstance(event, Team.Created)
    assert (event.name, event.timestamp) == ("vision", AT)


def test_members_come_and_go_and_are_listed_in_order() -> None:
    """Given members, when one leaves, then the others stay."""
    team = fresh()
    for principal in ("bob", "ann", "uid:1000"):
        team.add_member(principal, at=AT)
    team.remove_member("bob", at=AT)
    assert team.members == ("ann", "uid:1000")
    assert names_of(team)[1:] == ["MemberAdded", "MemberAdded", "MemberAdded", "MemberRemoved"]


def test_a_member_is_in_once() -> None:
    """Given a member, when it is added again, then nothing happens."""
    team = busy()
    with pytest.raises(AlreadyMember) as caught:
        team.add_member("ann", at=AT)
    assert (caught.value.name, caught.value.principal) == ("vision", "ann")
    assert team.version == 3


def test_who_is_no_member_cannot_leave() -> None:
    """Given no such member, when it is removed, then nothing happens."""
    team = busy()
    with pytest.raises(NotMember) as caught:
        team.remove_member("bob", at=AT)
    assert (caught.value.name, caught.value.principal) == ("vision", "bob")
    assert team.version == 3


def test_ownership_rules_come_and_go_and_are_listed_in_order() -> None:
    """A rule is a backend and a prefix; "*" and "" stand for everything."""
    team = busy()
    team.add_ownership_rule(OwnershipRule("*", ""), at=AT)
    team.add_ownership_rule(OwnershipRule("imagenet", "2011/"), at=AT)
    others = [OwnershipRule("*", ""), OwnershipRule("imagenet", "2011/")]
    assert list(team.rules) == [*others, RULE]
    team.remove_ownership_rule(RULE, at=AT)
    assert list(team.rules) == others
    assert names_of(team)[3:] == ["OwnershipRuleAdded", "OwnershipRuleAdded", "OwnershipRuleRemoved"]


def test_a_rule_is_there_once() -> None:
    """Given a rule, when it is added again, then nothing happens; one that is not there cannot be removed."""
    team = busy()
    with pytest.raises(DuplicateOwnershipRule) as twice:
        team.add_ownership_rule(RULE, at=AT)
    assert (twice.value.name, twice.value.backend, twice.value.prefix) == ("vision", "imagenet", "2012/")
    with pytest.raises(UnknownOwnershipRule) as unknown:
        team.remove_ownership_rule(OwnershipRule("imagenet", ""), at=AT)
    assert (unknown.value.backend, unknown.value.prefix) == ("imagenet", "")
    assert team.version == 3


def test_a_rename_keeps_the_old_name_in_the_event() -> None:
    """Whoever claims names learns which one is free again; the same name is no event."""
    team = fresh()
    team.rename("vision", at=AT)
    team.rename("sight", at=AT)
    (_, event) = team.collect_events()
    assert isinstance(event, Team.Renamed)
    assert (event.name, event.previous, team.name) == ("sight", "vision", "sight")


COMMANDS: dict[str, Callable[[Team, datetime], None]] = {
    "rename": lambda it, at: it.rename("other", at=at),
    "add_member": lambda it, at: it.add_member("bob", at=at),
    "remove_member": lambda it, at: it.remove_member("ann", at=at),
    "add_ownership_rule": lambda it, at: it.add_ownership_rule(OwnershipRule("a", ""), at=at),
    "remove_ownership_rule": lambda it, at: it.remove_ownership_rule(RULE, at=at),
    "disband": lambda it, at: it.disband(at=at),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disbanded_team_refuses_everything(command: str) -> None:
    """Disbanding is final, and what the team was stays readable."""
    team = busy()
    team.disband(at=AT)
    with pytest.raises(TeamDisbanded) as caught:
        COMMANDS[command](team, AT)
    assert caught.value.name == "vision"
    assert (team.version, team.disbanded, team.members, team.rules) == (4, True, ("ann",), (RULE,))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_moment_without_a_zone_is_refused(command: str) -> None:
    """Nothing happens at a moment that readers would have to guess."""
    team = busy()
    with pytest.raises(ValueError, match="time zone"):
        COMMANDS[command](team, AT.replace(tzinfo=None))
    assert team.version == 3


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "x" * 256, "a\nb", "\udcff"])
def test_a_team_needs_a_usable_name(name: str) -> None:
    """The rules are those of a namespace's name, at creation and at a rename."""
    with pytest.raises(InvalidTeamName) as caught:
        Team.create(ID, name, at=AT)
    assert caught.value.name == name
    with pytest.raises(InvalidTeamName):
        fresh().rename(name, at=AT)


@pytest.mark.parametrize("principal", ["", "a\nb", "\udcff", "x" * 256])
def test_a_principal_has_a_printable_name(principal: str) -> None:
    """It is compared with what telemetry says and shown in lists."""
    with pytest.raises(InvalidPrincipal) as caught:
        fresh().add_member(principal, at=AT)
    assert caught.value.principal == principal


@pytest.mark.parametrize(
    "rule",
    [
        OwnershipRule("", "a/"),
        OwnershipRule("a\n", "a/"),
        OwnershipRule("a", "no-slash"),
        OwnershipRule("a", "/a/"),
        OwnershipRule("a", "a//b/"),
        OwnershipRule("a", "../"),
        OwnershipRule("a", "\udcff/"),
    ],
)
def test_a_rule_owns_whole_directories(rule: OwnershipRule) -> None:
    """A prefix that ends within a name would own what merely begins alike."""
    team = fresh()
    with pytest.raises(InvalidOwnershipRule) as caught:
        team.add_ownership_rule(rule, at=AT)
    assert (caught.value.backend, caught.value.prefix) == (rule.backend, rule.prefix)
    assert names_of(team) == ["Created"]


def test_a_snapshot_is_the_same_team() -> None:
    """Snapshot and replay give one state."""
    assert_snapshot_is_the_same(busy())
