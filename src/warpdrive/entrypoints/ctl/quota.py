"""`quota`: how much a team may keep."""

from collections.abc import Mapping
from typing import Any

import click

from warpdrive.entrypoints.ctl.completion import TEAM
from warpdrive.entrypoints.ctl.moments import PeriodType, due
from warpdrive.entrypoints.ctl.output import Column, output_options, show_rows
from warpdrive.entrypoints.ctl.quota_leases import list_leases, set_policy
from warpdrive.entrypoints.ctl.quota_options import SizeWordType, check_limits
from warpdrive.entrypoints.ctl.session import Session, json_option, pass_session, print_json, printable
from warpdrive.entrypoints.ctl.simulate import simulate
from warpdrive.entrypoints.settings.units import format_duration, format_size


@click.group()
def quota() -> None:
    """Limits of teams, on one backend or on all."""


@quota.command("set")
@click.option("--team", type=TEAM, required=True)
@click.option("--backend", default="*", show_default=True, help="A backend's name; '*' is all of them together.")
@click.option("--soft", type=SizeWordType(), help="Warns from here on, such as 500TB.  [as --hard]")
@click.option("--hard", type=SizeWordType(), required=True, help="Refuses from here on, such as 600TB.")
@click.option("--grace", type=PeriodType(), help="How long the soft limit may be passed.  [7d]")
@json_option
@pass_session
def set_quota(
    session: Session, *, team: str, backend: str, soft: str | None, hard: str, grace: str | None, as_json: bool
) -> None:
    """Set a team's limits; they replace those that were."""
    check_limits(soft, hard)
    fields = {"team": team, "backend": backend, "soft": soft or "", "hard": hard, "grace": grace or ""}
    with session.plane() as plane:
        state = plane.call("GovernanceService/SetQuota", fields)
    if as_json:
        print_json(state)
        return
    grace_words = format_duration(float(state["graceSeconds"]))
    print(
        printable(
            f"team {state['team']} on {_backend(state)}: soft {_size(state, 'softBytes')},"
            f" hard {_size(state, 'hardBytes')}, grace {grace_words}"
        )
    )


@quota.command("list")
@click.option("--team", type=TEAM, help="Of one team.")
@click.option("--backend", default="", help="On one backend; '*' shows those that are for all.")
@output_options
@pass_session
def list_quotas(session: Session, *, team: str | None, backend: str, style: str) -> None:
    """Show quotas and how they stand. Usage is unknown until the backend has been counted."""
    with session.plane() as plane:
        rows = list(plane.items("GovernanceService/ListQuotas", {"team": team or "", "backend": backend}))
    now = session.now()
    columns = (
        Column("team", lambda row: row["team"]),
        Column("backend", lambda row: row["backend"]),
        Column("soft", lambda row: _size(row, "softBytes"), right=True),
        Column("hard", lambda row: _size(row, "hardBytes"), right=True),
        Column("usage", lambda row: _size(row, "usageBytes"), right=True),
        Column("standing", lambda row: row["standing"]),
        Column("grace ends", lambda row: due(row["graceUntil"], now) if row.get("graceUntil") else "-"),
    )
    nothing = "no quotas; warpdrive-ctl quota set --team TEAM --hard SIZE sets one"
    show_rows(rows, columns, message="QuotaState", style=style, nothing=nothing)


@quota.command("delete")
@click.option("--team", type=TEAM, required=True)
@click.option("--backend", default="*", show_default=True)
@json_option
@pass_session
def delete_quota(session: Session, *, team: str, backend: str, as_json: bool) -> None:
    """Remove a team's limits: it is not limited there any more."""
    with session.plane() as plane:
        state = plane.call("GovernanceService/DeleteQuota", {"team": team, "backend": backend})
    if as_json:
        print_json(state)
    else:
        print(printable(f"team {team} has no limits on {_backend(state)} any more"))


def _backend(state: Mapping[str, Any]) -> str:
    return "all backends" if state["backend"] == "*" else str(state["backend"])


def _size(row: Mapping[str, Any], field: str) -> str:
    return format_size(int(row[field])) if field in row else "unknown"


for _command in (set_policy, list_leases, simulate):
    quota.add_command(_command)
