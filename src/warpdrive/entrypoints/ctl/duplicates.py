"""`duplicates`: objects that seem to hold the same bytes."""

from collections.abc import Mapping
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import ask_for_rows, limit_option, show_answer, size
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.completion import BACKEND
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.quota_options import SizeWordType
from warpdrive.entrypoints.ctl.session import Session, pass_session
from warpdrive.entrypoints.settings.units import format_size

_NAMED: Final = 3
"""Copies of a group that a table names."""


def _where(row: Mapping[str, Any]) -> str:
    named = [f"{copy['backend']}:{copy['key']}" for copy in row["copies"][:_NAMED]]
    rest = int(row["copiesInAll"]) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest > 0 else "")


_COLUMNS: Final = (
    Column("wasted", lambda row: size(row, "wastedBytes"), right=True),
    Column("size", lambda row: size(row, "bytes"), right=True),
    Column("copies", lambda row: row["copiesInAll"], right=True),
    Column("confidence", lambda row: row["confidence"]),
    Column("where", _where),
)


@click.command()
@click.option("--min-size", type=SizeWordType(), help="Objects of at least this size, such as 10GB.")
@click.option("--backend", type=BACKEND, help="Only groups with a copy in it.")
@limit_option(50)
@output_options
@pass_session
def duplicates(session: Session, *, min_size: str | None, backend: str | None, limit: int, style: str) -> None:
    """Show objects of equal size and checksum, most waste first.

    Confidence is high by MD5 and medium by CRC32C. Objects whose backend tells no checksum are only counted.
    """
    fields = {"min_size": min_size or "", "backend": backend or ""}
    with session.plane() as plane:
        answer = ask_for_rows(plane, "GovernanceService/ListDuplicates", fields, "groups", limit)
    groups = answer["groups"]
    nothing = "no two objects are known to hold the same bytes"
    if not show_answer(answer, groups, _COLUMNS, message="DuplicateGroup", style=style, nothing=nothing):
        return
    if answer["nextPageToken"]:
        print("... and more; --limit 0 shows all")
    print(
        f"{answer['groupsInAll']} groups waste {format_size(int(answer['wastedBytes']))};"
        f" of {answer['uncheckedObjects']} objects no checksum is known"
    )
    print_as_of(answer, session.now())
