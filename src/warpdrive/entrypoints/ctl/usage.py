"""`usage`: who holds how much."""

from collections.abc import Mapping
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import DaysType, percent, show_answer, size
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.completion import BACKEND, TEAM
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.session import Session, pass_session, printable
from warpdrive.entrypoints.settings.units import format_size

_LAST: Final = ("unattributed", "unread")


def row_name(row: Mapping[str, Any]) -> str:
    """Name a row; those that nobody has are named by what they are."""
    return f"({row['kind']})" if row["kind"] in _LAST else str(row["name"]) or "-"


_COLUMNS: Final = (
    Column("name", row_name),
    Column("size", lambda row: size(row, "bytes"), right=True),
    Column("share", lambda row: percent(float(row["share"])), right=True),
    Column("objects", lambda row: row["objects"], right=True),
)


@click.command()
@click.option(
    "--group-by",
    type=click.Choice(("team", "user", "backend", "prefix")),
    default="team",
    show_default=True,
    help="What makes a row.",
)
@click.option("--backend", type=BACKEND, help="Only what lies in it.")
@click.option("--team", type=TEAM, help="Only what belongs to it.")
@click.option("--prefix", default="", help="Only keys that begin with it.")
@click.option(
    "--basis",
    type=click.Choice(("owner", "reader")),
    help="owner: whom the teams' rules give it to; reader: who read it.  [owner; of users reader]",
)
@click.option("--days", type=DaysType(), help="Of readers: how far back, 30 or 90.  [30]")
@click.option("--depth", type=click.IntRange(1, 20), help="Of prefixes: how many parts of the key make one.  [1]")
@output_options
@pass_session
def usage(
    session: Session,
    *,
    group_by: str,
    backend: str | None,
    team: str | None,
    prefix: str,
    basis: str | None,
    days: int | None,
    depth: int | None,
    style: str,
) -> None:
    """Show who holds how much. The rows always add up to everything that is indexed.

    What nobody owns and what nobody read are rows of their own, last.
    """
    if group_by == "prefix" and backend is None:
        raise click.UsageError("--group-by prefix goes with --backend: keys of several backends have nothing in common")
    fields = {
        "group_by": group_by,
        "backend": backend or "",
        "team": team or "",
        "prefix": prefix,
        "basis": basis or "",
        "days": days or 0,
        "depth": depth or 0,
    }
    with session.plane() as plane:
        answer = plane.call("GovernanceService/GetUsage", fields)
    rows = sorted(answer["rows"], key=lambda row: (row["kind"] in _LAST, -int(row["bytes"]), row["name"]))
    total = ("total", format_size(int(answer["totalBytes"])), "", answer["totalObjects"])
    nothing = "nothing is indexed; warpdrive-ctl crawl does that"
    if show_answer(answer, rows, _COLUMNS, message="UsageRow", style=style, nothing=nothing, total=total):
        if answer["rule"]:
            print(printable(f"by {answer['rule'].rstrip('.')}"))
        print_as_of(answer, session.now())
