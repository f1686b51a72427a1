"""`quota policy` and `quota leases`: how much is promised to nodes at once, and what is promised now."""

from typing import Final

import click

from warpdrive.entrypoints.ctl.answers import show_answer, size, words_of
from warpdrive.entrypoints.ctl.completion import BACKEND, TEAM
from warpdrive.entrypoints.ctl.moments import PeriodType, due
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.quota_options import SizeWordType
from warpdrive.entrypoints.ctl.session import Session, json_option, pass_session, print_json, printable
from warpdrive.entrypoints.settings.units import format_size

_NOTHING: Final = "no leases are open: limits are not overshot by anybody"


@click.command("policy")
@click.option("--team", type=TEAM, required=True)
@click.option("--backend", default="*", show_default=True, help="As the quota says it.")
@click.option("--size", "size_", type=SizeWordType(), required=True, help="So much for a node at once, such as 10GB.")
@click.option("--period", type=PeriodType(), required=True, help="For so long, such as 5m.")
@json_option
@pass_session
def set_policy(session: Session, *, team: str, backend: str, size_: str, period: str, as_json: bool) -> None:
    """Set how much of a team's quota is promised to a node at once, and for how long."""
    fields = {"team": team, "backend": backend, "size": size_, "period": period}
    with session.plane() as plane:
        state = plane.call("GovernanceService/SetQuotaLeasePolicy", fields)
    if as_json:
        print_json(state)
        return
    where = "all backends" if state["backend"] == "*" else state["backend"]
    print(printable(f"team {state['team']} on {where}: nodes are promised {size_} for {period} at once"))


@click.command("leases")
@click.option("--team", type=TEAM, help="Of one team.")
@click.option("--backend", type=BACKEND, help="On one backend.")
@output_options
@pass_session
def list_leases(session: Session, *, team: str | None, backend: str | None, style: str) -> None:
    """Show the leases that are open. The sum of those of teams is the most by which limits can be overshot."""
    with session.plane() as plane:
        fields = {"team": team or "", "backend": backend or ""}
        answer = plane.call("GovernanceService/ListQuotaLeases", fields)
    now = session.now()
    columns = (
        Column("lease", lambda row: row["id"]),
        Column("node", lambda row: row["node"]),
        Column("backend", lambda row: row["backend"]),
        Column("teams", lambda row: words_of(row["teams"])),
        Column("size", lambda row: size(row, "bytes"), right=True),
        Column("written", lambda row: size(row, "settledBytes"), right=True),
        Column("ends", lambda row: due(row.get("expiresAt"), now)),
        Column("state", lambda row: row["state"] + (", warned" if row["warned"] else "")),
    )
    leases = answer["leases"]
    if show_answer(answer, leases, columns, message="QuotaLease", style=style, nothing=_NOTHING) and leases:
        # What no quota limits overshoots none.
        most = sum(int(lease["bytes"]) for lease in leases if lease["teams"])
        print(f"limits can be overshot by {format_size(most)} at most")
