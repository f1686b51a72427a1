"""Answers that are more than a list: pages put together, a table with a total, and as of when it holds."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click
from rich.table import Table
from rich.text import Text

from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.output import Column, Row, csv_columns, print_csv
from warpdrive.entrypoints.ctl.session import console, print_json, printable
from warpdrive.entrypoints.settings.units import format_size, parse_duration

Command = TypeVar("Command", bound=Callable[..., Any])

_PAGE: Final = 1000
_DAY: Final = 86400.0


class DaysType(click.ParamType[int]):
    """A count of days: "90" or "90d"; also "2160h", as long as it is whole days."""

    name = "days"

    def __init__(self, *, least: int = 1) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; a usage error otherwise."""
        text = str(value).strip()
        try:
            seconds = parse_duration(f"{text}d" if text.isascii() and text.isdigit() else text)
        except ValueError:
            self.fail(f'{text!r} is no count of days; write "90" or "90d"', param, ctx)
        days, rest = divmod(seconds, _DAY)
        if rest or days < self._least:
            some = "whole" if self._least == 0 else "one or more whole"
            self.fail(f'{text!r} is not {some} days; write "90" or "90d"', param, ctx)
        return int(days)


def limit_option(usual: int) -> Callable[[Command], Command]:
    """Add `--limit` to a command."""
    return functools.partial(
        click.option(
            "--limit",
            type=click.IntRange(min=0),
            default=usual,
            show_default=True,
            help="At most so many rows; 0 for all.",
        )
    )


def ask_for_rows(
    plane: ControlPlaneClient, method: str, fields: Mapping[str, Any], items: str, limit: int
) -> dict[str, Any]:
    """Ask a paged method for so many rows (0: all); the answer is the first page's, with the rows of all."""
    answer: dict[str, Any] = {}
    rows: list[Any] = []
    token = ""
    while True:
        size = min(_PAGE, limit - len(rows)) if limit else _PAGE
        page = plane.call(method, {**fields, "page_size": size, "page_token": token})
        answer = answer or page
        rows.extend(page[items])
        token = page["nextPageToken"]
        if not token or (limit and len(rows) >= limit):
            return {**answer, items: rows, "nextPageToken": token}


def show_answer(
    answer: Mapping[str, Any],
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    message: str,
    style: str,
    nothing: str,
    total: Sequence[str] = (),
) -> bool:
    """Print an answer with its rows; says whether it was for people, who are told more.

    JSON is the answer as it came, CSV its rows. `message`: the contract's name of what a row is. `total`: the cells of
    a last line. `nothing`: what people read without rows.
    """
    if style == "json":
        print_json(answer)
        return False
    if style == "csv":
        print_csv(csv_columns(message), rows)
        return False
    if rows:
        print_totalled(rows, columns, total)
    else:
        print(nothing)
    return True


def print_totalled(rows: Sequence[Row], columns: Sequence[Column], total: Sequence[str] = ()) -> None:
    """Print a table for people, with a last line below a rule."""
    table = Table(box=None, show_footer=bool(total), footer_style="bold")
    for column, footer in zip(columns, total or [""] * len(columns), strict=True):
        side = "right" if column.right else "left"
        table.add_column(column.heading, justify=side, overflow="fold", footer=Text(footer))  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(printable(column.show(row))) for column in columns))
    console().print(table)


def size(row: Mapping[str, Any], field: str) -> str:
    """Write a field of bytes for people; "unknown" when it is not set."""
    return format_size(int(row[field])) if row.get(field) is not None else "unknown"


def percent(share: float) -> str:
    """Write a share of 0 to 1; what is not nothing never looks like it."""
    return "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"  # noqa: PLR2004 - the last digit shown


def words_of(words: Sequence[str]) -> str:
    """Write a list for people; "-" when it is empty."""
    return ", ".join(words) or "-"
