"""`recommendations`: what could be done, on what evidence, and what it would save."""

from collections.abc import Mapping
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import show_answer, size
from warpdrive.entrypoints.ctl.as_of import local, print_as_of
from warpdrive.entrypoints.ctl.completion import BACKEND, BOOK, TEAM, KnownName
from warpdrive.entrypoints.ctl.cost import saving
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.session import Session, json_option, pass_session, print_json, printable

RECOMMENDATION: Final = KnownName(
    "recommendation", "GovernanceService/ListRecommendations", "recommendations", "id", paged=False
)

_KINDS: Final = ("archive_stale", "remove_duplicates", "cheaper_class")

_COLUMNS: Final = (
    Column("id", lambda row: row["id"]),
    Column("what", lambda row: row["summary"] + _dismissed(row)),
    Column("team", lambda row: row["team"] or "-"),
    Column("backend", lambda row: row["backend"] or "-"),
    Column("objects", lambda row: row["objects"], right=True),
    Column("size", lambda row: size(row, "bytes"), right=True),
    Column("saves a month", saving, right=True),
)


@click.group()
def recommendations() -> None:
    """Suggestions with evidence, assumptions and what they would save; they can be dismissed."""


@recommendations.command("list")
@click.option("--kind", type=click.Choice(_KINDS), help="Only of this kind.")
@click.option("--team", type=TEAM, help="Only for it.")
@click.option("--backend", type=BACKEND, help="Only about it.")
@click.option("--book", type=BOOK, help="The price book that savings are counted by.  [the only one]")
@click.option("--dismissed", is_flag=True, help="Dismissed ones too.")
@output_options
@pass_session
def list_recommendations(
    session: Session,
    *,
    kind: str | None,
    team: str | None,
    backend: str | None,
    book: str | None,
    dismissed: bool,
    style: str,
) -> None:
    """Show what could be done."""
    fields = {
        "kind": kind or "",
        "team": team or "",
        "backend": backend or "",
        "book": book or "",
        "dismissed": dismissed,
    }
    with session.plane() as plane:
        answer = plane.call("GovernanceService/ListRecommendations", fields)
    rows = answer["recommendations"]
    nothing = "nothing to recommend" + ("" if dismissed else "; --dismissed shows what was dismissed")
    if not show_answer(answer, rows, _COLUMNS, message="Recommendation", style=style, nothing=nothing):
        return
    for row in rows:
        for word, told in (("because", row["evidence"]), ("assumed", row["assumptions"])):
            for line in told:
                print(printable(f"{row['id']} {word}: {line}"))
    print_as_of(answer, session.now())


@recommendations.command()
@click.argument("recommendation", metavar="ID", type=RECOMMENDATION)
@click.option("--reason", required=True, help="Why it will not be done; it is kept.")
@json_option
@pass_session
def dismiss(session: Session, recommendation: str, *, reason: str, as_json: bool) -> None:
    """Recommend it no more, for a reason."""
    fields = {"recommendation": recommendation, "reason": reason}
    with session.plane() as plane:
        answer = plane.call("GovernanceService/DismissRecommendation", fields)
    if as_json:
        print_json(answer)
    else:
        print(printable(f"{answer['recommendation']} is dismissed: {answer['reason']}"))


@recommendations.command()
@click.argument("recommendation", metavar="ID", type=RECOMMENDATION)
@json_option
@pass_session
def restore(session: Session, recommendation: str, *, as_json: bool) -> None:
    """Recommend it again."""
    with session.plane() as plane:
        answer = plane.call("GovernanceService/RestoreRecommendation", {"recommendation": recommendation})
    if as_json:
        print_json(answer)
    else:
        print(printable(f"{answer['recommendation']} is recommended again"))


def _dismissed(row: Mapping[str, Any]) -> str:
    dismissal = row.get("dismissal")
    if not dismissal or not dismissal["dismissed"]:
        return ""
    return f" (dismissed {local(dismissal.get('at'))} by {dismissal['by']}: {dismissal['reason']})"
