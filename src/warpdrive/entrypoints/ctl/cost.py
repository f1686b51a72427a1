"""`cost`: what storage and its use cost a month, and what they may cost later."""

from collections.abc import Mapping
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import show_answer, size
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.completion import BACKEND, BOOK, TEAM
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.session import Session, pass_session, printable
from warpdrive.entrypoints.ctl.usage import row_name
from warpdrive.entrypoints.settings.units import format_size

_COLUMNS: Final = (
    Column("name", row_name),
    Column("size", lambda row: size(row, "bytes"), right=True),
    Column("capacity", lambda row: row["capacity"] or "-", right=True),
    Column("requests", lambda row: band(row["requestsLow"], row["requestsHigh"]), right=True),
    Column("egress", lambda row: band(row["egressLow"], row["egressHigh"]), right=True),
    Column("a month", lambda row: band(row["totalLow"], row["totalHigh"]), right=True),
    Column("no price for", lambda row: size(row, "unpricedBytes") if int(row["unpricedBytes"]) else "-", right=True),
)


@click.command()
@click.option("--book", type=BOOK, help="The price book.  [the only one]")
@click.option("--group-by", type=click.Choice(("team", "backend")), default="team", show_default=True)
@click.option("--backend", type=BACKEND, help="Only what lies in it.")
@click.option("--team", type=TEAM, help="Only what belongs to it.")
@click.option("--months", type=click.IntRange(0, 24), default=0, show_default=True, help="Look so far ahead.")
@output_options
@pass_session
def cost(
    session: Session, *, book: str | None, group_by: str, backend: str | None, team: str | None, months: int, style: str
) -> None:
    """Show what a month costs at today's size and the last 30 days' use, by a price book: an estimate, in ranges."""
    fields = {"book": book or "", "group_by": group_by, "backend": backend or "", "team": team or "", "months": months}
    with session.plane() as plane:
        answer = plane.call("GovernanceService/GetCost", fields)
    money = answer["currency"]
    held = sum(int(row["bytes"]) for row in answer["rows"])
    whole = f"{band(answer['totalLow'], answer['totalHigh'])} {money}".strip()
    total = ("total", format_size(held), "", "", "", whole, "")
    nothing = "nothing is indexed; warpdrive-ctl crawl does that"
    if not show_answer(answer, answer["rows"], _COLUMNS, message="CostRow", style=style, nothing=nothing, total=total):
        return
    print(printable(f"by price book {answer['book']}, in {money}"))
    for month in answer["projection"]:
        print(f"capacity in {month['month']}: {month['expected']} {money}, {band(month['low'], month['high'])}")
    if answer["refused"]:
        print(printable(f"no projection: {answer['refused']}"))
    for assumption in answer["assumptions"]:
        print(printable(f"assumed: {assumption}"))
    print_as_of(answer, session.now())


def band(low: str, high: str) -> str:
    """Write a range of money; one number where both ends are the same."""
    if not low and not high:
        return "-"
    return low if low == high else f"{low} to {high}"


def saving(row: Mapping[str, Any]) -> str:
    """Write what a recommendation would save a month."""
    words = band(row["savingLow"], row["savingHigh"])
    return words if words == "-" else f"{words} {row['currency']}"
