"""`simulate`: what limits would have done in the days that are recorded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import DaysType, show_answer, size
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.completion import TEAM
from warpdrive.entrypoints.ctl.moments import PeriodType
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.quota_options import SizeWordType, check_limits
from warpdrive.entrypoints.ctl.session import Session, pass_session, printable
from warpdrive.entrypoints.settings.units import format_size

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "soft_crossed": "soft limit crossed, grace begins",
        "grace_ended": "grace ended",
        "hard_crossed": "hard limit crossed, leases refused",
        "recovered": "below the limits again",
    }
)

_COLUMNS: Final = (
    Column("day (UTC)", lambda row: row["day"]),
    Column("what", lambda row: _WORDS.get(row["what"], str(row["what"]))),
    Column("usage", lambda row: size(row, "usageBytes"), right=True),
)


@click.command()
@click.option("--team", type=TEAM, required=True)
@click.option("--backend", default="*", show_default=True, help="A backend's name; '*' is all of them together.")
@click.option("--soft", type=SizeWordType(), help="Would warn from here on, such as 500TB.  [as --hard]")
@click.option("--hard", type=SizeWordType(), required=True, help="Would refuse from here on, such as 600TB.")
@click.option("--grace", type=PeriodType(), help="How long the soft limit could be passed.  [7d]")
@click.option("--days", type=DaysType(), default=90, show_default=True, help="How far back.")
@output_options
@pass_session
def simulate(
    session: Session,
    *,
    team: str,
    backend: str,
    soft: str | None,
    hard: str,
    grace: str | None,
    days: int,
    style: str,
) -> None:
    """Show what a quota would have done in the days that are recorded. Nothing is set."""
    check_limits(soft, hard)
    fields = {
        "team": team,
        "backend": backend,
        "soft": soft or "",
        "hard": hard,
        "grace": grace or "",
        "days": str(days),
    }
    with session.plane() as plane:
        answer = plane.call("GovernanceService/SimulateQuota", fields)
    rows = answer["crossings"]
    nothing = f"no limit would have been crossed in {days} days"
    if show_answer(answer, rows, _COLUMNS, message="QuotaCrossing", style=style, nothing=nothing):
        print(printable(summary(answer, team, days)))
        print_as_of(answer, session.now())


def summary(answer: dict[str, Any], team: str, days: int) -> str:
    """Say in a sentence what the limits would have done."""
    refused = int(answer["refusedBytes"])
    words = (
        f"of {days} days team {team} would have been warned on {answer['daysWarned']}"
        f" and refused on {answer['daysRefused']}"
    )
    if refused:
        words += f" ({format_size(refused)} would not have been written)"
    return (
        f"{words}; at most it held {size(answer, 'highestBytes')}, now {size(answer, 'nowBytes')}:"
        f" it would be {str(answer['standingNow']).replace('_', ' ')}"
    )
