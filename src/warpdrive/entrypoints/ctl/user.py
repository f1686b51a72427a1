"""`user`: one user's teams, accesses and data."""

from collections.abc import Mapping
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import DaysType, show_answer, size, words_of
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.output import Column, output_options, print_facts, print_table
from warpdrive.entrypoints.ctl.session import Session, pass_session
from warpdrive.entrypoints.settings.units import format_size

_LAST_DAY: Final = Column("last day (UTC)", lambda row: row["lastDay"])
_OPENS: Final = Column("opens", lambda row: row["opens"], right=True)
_READ: Final = Column("read", lambda row: size(row, "bytesRead"), right=True)


def hit_share(row: Mapping[str, Any]) -> str:
    """Say which part of the requests the cache answered; "-" without any."""
    hits, misses = int(row["hits"]), int(row["misses"])
    return f"{100 * hits / (hits + misses):.0f} %" if hits + misses else "-"


_BACKENDS: Final = (
    Column("backend", lambda row: row["backend"]),
    _OPENS,
    _READ,
    Column("from cache", hit_share, right=True),
    _LAST_DAY,
)
_OBJECTS: Final = (
    Column("backend", lambda row: row["backend"]),
    Column("key", lambda row: row["key"]),
    Column("size", lambda row: size(row, "bytes"), right=True),
    _OPENS,
    _READ,
    _LAST_DAY,
)
_JOBS: Final = (Column("job", lambda row: row["job"]), _OPENS, _READ, _LAST_DAY)


@click.command()
@click.argument("user", metavar="USER")
@click.option("--days", type=DaysType(), default=30, show_default=True, help="How far back.")
@output_options
@pass_session
def user(session: Session, user: str, *, days: int, style: str) -> None:
    """Show what a user has read, where and by which jobs, and the user's teams. Bytes read are what agents served.

    As CSV: the objects, most read first.
    """
    with session.plane() as plane:
        answer = plane.call("GovernanceService/GetUser", {"user": user, "days": str(days)})
    if style != "table":
        show_answer(answer, answer["objects"], _OBJECTS, message="UserObject", style=style, nothing="")
        return
    print_facts(
        (
            ("user", answer["user"]),
            ("teams", words_of(answer["teams"])),
            ("share of data", f"{format_size(int(answer['readerBytes']))} by who read it in 30 days"),
        )
    )
    rows_of = (("backends", _BACKENDS), ("objects", _OBJECTS), ("jobs", _JOBS))
    for rows, columns in rows_of:
        if answer[rows]:
            print_table(answer[rows], columns)
    if not any(answer[rows] for rows, _ in rows_of):
        print(f"nothing was read in {days} days")
    print_as_of(answer, session.now())
