"""`team`: who belongs together, and what is theirs."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.completion import TEAM
from warpdrive.entrypoints.ctl.moments import age
from warpdrive.entrypoints.ctl.output import Column, output_options, show_rows
from warpdrive.entrypoints.ctl.session import (
    Session,
    confirm,
    json_option,
    pass_session,
    print_json,
    printable,
    yes_option,
)


class RuleType(click.ParamType[tuple[str, str]]):
    """An ownership rule: BACKEND:PREFIX; without a prefix all of the backend."""

    name = "backend:prefix"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Take it apart; a usage error otherwise."""
        backend, _, prefix = str(value).partition(":")
        if not backend:
            self.fail(f"{value!r} is not like photos:vision/", param, ctx)
        return backend, prefix


@click.group()
def team() -> None:
    """Teams: members, and the prefixes that belong to them."""


@team.command()
@click.argument("name", type=TEAM)
@click.option("--member", "members", multiple=True, help="A principal; repeat it.")
@click.option("--owns", "rules", type=RuleType(), multiple=True, help="Keys that are the team's; repeat it.")
@json_option
@pass_session
def add(
    session: Session, name: str, *, members: Sequence[str], rules: Sequence[tuple[str, str]], as_json: bool
) -> None:
    """Make a team, or give one more members and ownership rules. What it has already stays."""
    owned = [_rule(*rule) for rule in rules]
    with session.plane() as plane:
        _warn_of_sharing(plane, name, owned)
        fields = {"name": name, "members": list(members), "rules": owned}
        answer = plane.call("GovernanceService/EnsureTeam", fields)
    _say(answer, as_json=as_json)


@team.command()
@click.argument("name", type=TEAM)
@click.option("--member", "members", multiple=True, help="Take this principal out; repeat it.")
@click.option("--disband", is_flag=True, help="End the team itself; its name is free again.")
@yes_option
@json_option
@pass_session
def remove(session: Session, name: str, *, members: Sequence[str], disband: bool, yes: bool, as_json: bool) -> None:
    """Take members out of a team, or disband it."""
    if disband == bool(members):
        raise click.UsageError("say --member WHO (one or more), or --disband")
    with session.plane() as plane:
        if disband:
            answer = _disband(plane, name, yes=yes)
        else:
            for member in members:
                answer = plane.call("GovernanceService/RemoveTeamMember", {"team": name, "principal": member})
    _say(answer, as_json=as_json)


@team.command("list")
@click.option("--disbanded", is_flag=True, help="Disbanded ones too.")
@output_options
@pass_session
def list_teams(session: Session, *, disbanded: bool, style: str) -> None:
    """Show every team in your scope, in the order of their names."""
    with session.plane() as plane:
        rows = list(plane.items("GovernanceService/ListTeams", {"disbanded": disbanded}))
    now = session.now()
    columns = (
        Column("name", lambda row: row["name"] + (" (disbanded)" if row["disbanded"] else "")),
        Column("members", lambda row: ", ".join(row["members"]) or "-"),
        Column("owns", lambda row: ", ".join(map(_rule_words, row["rules"])) or "-"),
        Column("changed", lambda row: age(row.get("updatedAt"), now) + " ago"),
    )
    nothing = "no teams yet; warpdrive-ctl team add NAME makes one"
    show_rows(rows, columns, message="Team", style=style, nothing=nothing)


@team.command()
@click.argument("name", type=TEAM)
@click.argument("new_name")
@json_option
@pass_session
def rename(session: Session, name: str, new_name: str, *, as_json: bool) -> None:
    """Give a team another name; quotas, members and rules stay with it."""
    with session.plane() as plane:
        answer = plane.call("GovernanceService/RenameTeam", {"team": name, "name": new_name})
    _say(answer, as_json=as_json)


@team.command()
@click.argument("name", type=TEAM)
@click.option("--backend", required=True, help="A backend's name.")
@click.option("--prefix", default="", help="Keys that begin with it; without it all of the backend.")
@click.option("--remove", "take", is_flag=True, help="They are the team's no longer.")
@json_option
@pass_session
def own(session: Session, name: str, *, backend: str, prefix: str, take: bool, as_json: bool) -> None:
    """Say that the keys below a prefix belong to a team; where several prefixes fit, the longest wins."""
    with session.plane() as plane:
        if take:
            fields = {"team": name, "backend": backend, "prefix": prefix}
            answer = plane.call("GovernanceService/RemoveOwnershipRule", fields)
        else:
            # Making sure of a team would make one of a slip of the pen.
            plane.call("GovernanceService/GetTeam", {"team": name})
            rules = [_rule(backend, prefix)]
            _warn_of_sharing(plane, name, rules)
            answer = plane.call("GovernanceService/EnsureTeam", {"name": name, "rules": rules})
    _say(answer, as_json=as_json)


def _disband(plane: ControlPlaneClient, name: str, *, yes: bool) -> dict[str, Any]:
    if not yes:
        found = plane.call("GovernanceService/GetTeam", {"team": name})
        counts = f"{len(found['members'])} members and {len(found['rules'])} ownership rules"
        confirm(f"Disband team {name} with {counts}? This cannot be undone.")
    return plane.call("GovernanceService/DisbandTeam", {"team": name})


def _warn_of_sharing(plane: ControlPlaneClient, name: str, rules: Sequence[Mapping[str, str]]) -> None:
    """Warn of rules that another team has word for word: the longest prefix wins, and of two alike none is longer."""
    for team_ in plane.items("GovernanceService/ListTeams", {}) if rules else ():
        for rule in rules:
            if team_["name"] != name and rule in team_["rules"]:
                words = f"warning: {_rule_words(rule)} is team {team_['name']}'s already; two owners are none"
                click.echo(printable(words), err=True)


def _say(answer: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    owned = ", ".join(map(_rule_words, answer["rules"])) or "nothing"
    members = ", ".join(answer["members"]) or "nobody"
    state = " is disbanded;" if answer["disbanded"] else ":"
    print(printable(f"team {answer['name']}{state} members {members}; owns {owned}"))


def _rule(backend: str, prefix: str) -> dict[str, str]:
    return {"backend": backend, "prefix": prefix}


def _rule_words(rule: Mapping[str, str]) -> str:
    return f"{rule['backend']}:{rule['prefix']}"
