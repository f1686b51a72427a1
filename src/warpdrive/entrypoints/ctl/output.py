"""How answers are shown: a table for people, CSV and JSON for programs.

The machine formats are the contract's own: ProtoJSON's names, every field, in the contract's order, so that a script
goes on working when a table gets another column.
"""

import csv
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click
from rich.table import Table
from rich.text import Text

from warpdrive.entrypoints.ctl.session import console, print_json, printable

Row = Mapping[str, Any]
Command = TypeVar("Command", bound=Callable[..., Any])

STYLES: Final = ("table", "csv", "json")


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: its heading, and what it shows of a row. `right` for numbers."""

    heading: str
    show: Callable[[Row], str]
    right: bool = False


def output_options(command: Command) -> Command:
    """Add `--format` and `--json` to a command, which gets the choice as `style`."""
    return output_options_and()(command)


def output_options_and(*more: str) -> Callable[[Command], Command]:
    """Do the same for a command with styles of its own."""
    return functools.partial(_with_options, styles=(*STYLES, *more))


def _with_options(command: Any, *, styles: Sequence[str]) -> Any:
    @functools.wraps(command)
    def chosen(*arguments: Any, as_json: bool, style: str, **options: Any) -> Any:
        return command(*arguments, style="json" if as_json else style, **options)

    chosen = click.option("--json", "as_json", is_flag=True, help="Short for --format json.")(chosen)
    return click.option(
        "--format",
        "style",
        type=click.Choice(styles),
        default="table",
        show_default=True,
        help="table is for people; the others keep their shape.",
    )(chosen)


def show_rows(rows: Sequence[Row], columns: Sequence[Column], *, message: str, style: str, nothing: str) -> None:
    """Print a list. `message`: the contract's name of what a row is; `nothing`: what people read when it is empty."""
    if style == "json":
        print_json(list(rows))
    elif style == "csv":
        print_csv(csv_columns(message), rows)
    elif rows:
        print_table(rows, columns)
    else:
        print(nothing)


def show_facts(row: Row, facts: Sequence[tuple[str, str]], *, message: str, style: str) -> None:
    """Print one thing: its facts for people, the whole of it for programs."""
    if style == "json":
        print_json(row)
        return
    if style == "csv":
        print_csv(csv_columns(message), [row])
        return
    print_facts(facts)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print names and values below each other; values that are empty are left out."""
    table = Table(box=None, show_header=False)
    for name, value in facts:
        if value:
            table.add_row(name, Text(printable(value)))
    console().print(table)


def print_table(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print a table for people."""
    table = Table(box=None)
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(column.show(row))) for column in columns))
    console().print(table)


def print_csv(columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Print RFC 4180 with a header; what is a list or a map in a row is JSON in its cell, and nothing a formula."""
    from warpdrive.adapters.wire.cells import cell  # noqa: PLC0415 - with the contract's other readers, below

    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(row, tuple(name.split("."))) for name in columns])
    sys.stdout.flush()


def csv_columns(message: str) -> list[str]:
    """Name every field of a message of the contract, those of its single messages behind a dot."""
    # Here, because reading the contract takes longer than printing a table.
    from warpdrive.adapters.wire import cells  # noqa: PLC0415 - as said above
    from warpdrive.adapters.wire.contract import PACKAGE, contract  # noqa: PLC0415 - the same

    return [".".join(path) for path in cells.columns(contract().pool.FindMessageTypeByName(f"{PACKAGE}.{message}"))]
