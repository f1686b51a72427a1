"""`growth`: what came and went day by day, and where that leads."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from warpdrive.entrypoints.ctl.answers import DaysType, show_answer, size
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.completion import BACKEND, TEAM
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.session import Session, pass_session, printable
from warpdrive.entrypoints.settings.units import format_size

_BARS: Final = "▁▂▃▄▅▆▇█"
_SOMETHING: Final = ("bytes", "objects", "addedObjects", "removedObjects", "movedObjects")

_FORESEEN: Final = 4
"""Days of a forecast that people are shown; the last is always among them."""


@click.command()
@click.option("--backend", type=BACKEND, help="Only what lies in it.")
@click.option("--team", type=TEAM, help="Only what belongs to it.")
@click.option("--period", type=DaysType(), default=30, show_default=True, help="So many days back, such as 30d.")
@output_options
@pass_session
def growth(session: Session, *, backend: str | None, team: str | None, period: int, style: str) -> None:
    """Show bytes and objects at the end of each day (UTC), what came and what went, and a forecast."""
    fields = {"backend": backend or "", "team": team or "", "period": str(period)}
    with session.plane() as plane:
        answer = plane.call("GovernanceService/GetGrowth", fields)
    counted: Sequence[Mapping[str, Any]] = answer["days"]
    days = counted if style != "table" else since_first(counted)
    bars = {day["day"]: bar for day, bar in zip(days, sparkline([int(day["bytes"]) for day in days]), strict=True)}
    columns = [
        Column("day (UTC)", lambda row: row["day"]),
        Column("", lambda row: bars[row["day"]]),
        Column("size", lambda row: size(row, "bytes"), right=True),
        Column("objects", lambda row: row["objects"], right=True),
        Column("added", lambda row: _signed(int(row["addedBytes"])), right=True),
        Column("removed", lambda row: _signed(-int(row["removedBytes"])), right=True),
        Column("changed", lambda row: _signed(int(row["changedBytes"])), right=True),
    ]
    if any(int(day["movedBytes"]) for day in days):
        columns.append(Column("other teams", lambda row: _signed(int(row["movedBytes"])), right=True))
    nothing = "no day has been counted yet; warpdrive-ctl crawl counts"
    if not show_answer(answer, days, columns, message="GrowthDay", style=style, nothing=nothing):
        return
    if days:
        if len(days) < len(counted):
            print(f"nothing was indexed before {days[0]['day']}")
        _say_sum(days)
    if answer["refused"]:
        print(printable(f"no forecast: {answer['refused']}"))
    for day in foreseen(answer["forecast"]):
        band = f"{size(day, 'lowBytes')} to {size(day, 'highBytes')}"
        print(f"forecast for {day['day']}: {size(day, 'expectedBytes')}, {band}")
    if answer["forecast"] and answer["method"]:
        print(printable(f"how: {answer['method']}"))
    print_as_of(answer, session.now())


def since_first(days: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Leave out the days before anything was indexed."""
    first = next((i for i, day in enumerate(days) if any(int(day[field]) for field in _SOMETHING)), len(days))
    return days[first:]


def sparkline(counts: Sequence[int]) -> str:
    """Draw one bar for each count, between the least and the most of them."""
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    steps = len(_BARS) - 1
    return "".join(_BARS[(count - low) * steps // (high - low) if high > low else 0] for count in counts)


def foreseen(days: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Choose some of a forecast's days, evenly, with the last."""
    if len(days) <= _FORESEEN:
        return days
    return [days[(i + 1) * len(days) // _FORESEEN - 1] for i in range(_FORESEEN)]


def _say_sum(days: Sequence[Mapping[str, Any]]) -> None:
    came, gone, other, moved = (
        sum(int(day[f"{field}Bytes"]) for day in days) for field in ("added", "removed", "changed", "moved")
    )
    net = came - gone + other + moved
    words = f"in {len(days)} days {_signed(came)} added, {_signed(-gone)} removed"
    # Without these the whole would not be the sum of what is said.
    words += "".join(
        f", {_signed(count)} {what}" for count, what in ((other, "changed"), (moved, "from other teams")) if count
    )
    print(f"{words}, together {_signed(net)}")


def _signed(count: int) -> str:
    return f"+{format_size(count)}" if count > 0 else format_size(count) if count else "0"
