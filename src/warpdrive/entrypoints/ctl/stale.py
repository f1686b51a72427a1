"""`stale`: what nobody has used for long, and what nobody can know about."""

from typing import Final

import click

from warpdrive.entrypoints.ctl.answers import DaysType, ask_for_rows, limit_option, show_answer, size, words_of
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.completion import BACKEND, TEAM
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.quota_options import SizeWordType
from warpdrive.entrypoints.ctl.session import Session, pass_session

_COLUMNS: Final = (
    Column("backend", lambda row: row["backend"]),
    Column("key", lambda row: row["key"]),
    Column("size", lambda row: size(row, "bytes"), right=True),
    Column("teams", lambda row: words_of(row["teams"])),
    Column("last used (UTC)", lambda row: row["lastUsedDay"]),
    Column("how", lambda row: str(row["lastUsedBy"]).replace("_", " ")),
    Column("idle days", lambda row: str(row["idleDays"]), right=True),
    Column("class", lambda row: row["storageClass"] or "-"),
    Column("standing", lambda row: row["standing"]),
)


@click.command()
@click.option(
    "--days",
    type=DaysType(least=0),
    default=90,
    show_default=True,
    help="Unused for more days than these; 0: not accessed today, however new.",
)
@click.option("--min-size", type=SizeWordType(), help="Objects of at least this size, such as 10GB.")
@click.option("--backend", type=BACKEND, help="Only what lies in it.")
@click.option("--team", type=TEAM, help="Only what belongs to it.")
@limit_option(50)
@output_options
@pass_session
def stale(
    session: Session, *, days: int, min_size: str | None, backend: str | None, team: str | None, limit: int, style: str
) -> None:
    """Show objects that were neither read nor written for so many days, largest first.

    Where telemetry of these days has gaps somebody may have read them unseen: they are unknown, not stale.
    """
    fields = {"days": str(days), "min_size": min_size or "", "backend": backend or "", "team": team or ""}
    with session.plane() as plane:
        answer = ask_for_rows(plane, "GovernanceService/ListStale", fields, "objects", limit)
    nothing = f"nothing has been idle for more than {days} days" if days else "everything was accessed today (UTC)"
    if not show_answer(answer, answer["objects"], _COLUMNS, message="StaleObject", style=style, nothing=nothing):
        return
    if answer["nextPageToken"]:
        print("... and more; --limit 0 shows all")
    known = f"{answer['staleObjects']} objects ({size(answer, 'staleBytes')}) are stale"
    unknown = f"{answer['unknownObjects']} ({size(answer, 'unknownBytes')}) are unknown"
    print(f"{known}, {unknown}, of {answer['totalObjects']} ({size(answer, 'totalBytes')})")
    print_as_of(answer, session.now(), idle=True)
