"""Moments, periods, tables and CSV."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from warpdrive.adapters.wire.contract import contract
from warpdrive.entrypoints.ctl.moments import EndType, PeriodType, age, due, ending, read_moment, write_moment
from warpdrive.entrypoints.ctl.output import Column, csv_columns, print_csv, print_facts, print_table
from warpdrive.entrypoints.ctl.session import printable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T12:00:00Z", NOON),
        ("2026-11-23T12:00:00.500Z", NOON + timedelta(milliseconds=500)),
        ("2026-11-23T12:00:00.000001999Z", NOON + timedelta(microseconds=1)),
    ],
)
def test_moments_of_the_contract(text: str, moment: datetime) -> None:
    """With as many digits as it likes."""
    assert read_moment(text) == moment


def test_ages_and_ends() -> None:
    """As people say them."""
    assert age("2026-11-23T09:00:00Z", NOON) == "3h"
    assert age(None, NOON) == "-"
    assert age("2026-11-23T12:00:01Z", NOON) == "0ms"
    assert due("2026-11-25T16:00:00Z", NOON) == "in 2d 4h"
    assert due("2026-11-23T11:55:00Z", NOON) == "5m ago"
    assert due(None, NOON) == "never"
    assert ending("2026-11-25T16:00:00Z", NOON) == "ends in 2d 4h"
    assert ending("2026-11-23T11:55:00Z", NOON) == "ended 5m ago"
    assert ending(None, NOON) == "never ends"


def test_an_end_is_a_period_or_a_moment() -> None:
    """A day begins at midnight UTC; another zone is kept in mind."""
    convert = EndType().convert
    assert convert("2027-01-31", None, None) == datetime(2027, 1, 31, tzinfo=UTC)
    assert write_moment(convert("2027-01-31T12:00+02:00", None, None)) == "2027-01-31T10:00:00Z"
    left = convert("90d", None, None) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)
    for wrong in ("soon", "", "31.1.2027"):
        with pytest.raises(click.BadParameter, match="neither a period"):
            convert(wrong, None, None)


def test_a_period_goes_on_as_it_was_typed() -> None:
    """The control plane reads it; we look whether it can."""
    assert PeriodType().convert(" 90d ", None, None) == "90d"
    with pytest.raises(click.BadParameter):
        PeriodType().convert("-1d", None, None)


def test_a_table_that_nobody_watches_is_cut_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    """However long its lines; what could move a terminal's cursor cannot."""
    rows = [{"name": "x" * 500, "note": "[red]a[/red]"}]
    print_table(rows, [Column("name", lambda row: row["name"]), Column("note", lambda row: row["note"])])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "x" * 500 in lines[1]
    assert "[red]a[/red]" in lines[1]


def test_csv_quotes_what_needs_it_and_leaves_the_absent_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers and booleans as JSON, lists as JSON in their cell."""
    print_csv(["a", "b.c", "d", "e"], [{"a": 'x,"y"', "b": {"c": True}, "d": ["ä"]}])
    assert capsys.readouterr().out == 'a,b.c,d,e\r\n"x,""y""",true,"[""ä""]",\r\n'


def test_every_message_that_is_listed_has_columns_by_its_own_fields() -> None:
    """In the contract's order."""
    for method in contract().methods.values():
        for field in method.answer.fields:
            if field.is_repeated and field.message_type is not None:
                names = csv_columns(field.message_type.name)
                assert {name.partition(".")[0] for name in names} == {
                    each.json_name for each in field.message_type.fields
                }


def test_what_a_terminal_would_obey_is_shown_instead(capsys: pytest.CaptureFixture[str]) -> None:
    """Agents and holders of tokens choose details and notes, and an admin reads them."""
    words = "a\x1b]0;evil\x07b\x9bm\u202ec"
    print_facts([("detail", words)])
    print_table([{"note": words}], [Column("note", lambda row: row["note"])])
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count(r"a\x1b]0;evil\x07b\x9bm\u202ec") == 2


def test_lines_and_words_of_any_language_stay_as_they_are() -> None:
    """Only what cannot be seen is written otherwise."""
    assert printable("Zoë\n\t日本 \udcff") == "Zoë\n\t日本 \\xff"


@pytest.mark.parametrize("text", ["9999-12-31T23:00-05:00", "0001-01-01T00:00+10:00"])
def test_a_moment_beyond_the_calendar_is_a_usage_error(text: str) -> None:
    """In its own zone it is a moment, in UTC it is none."""
    with pytest.raises(click.BadParameter, match="neither a period"):
        EndType().convert(text, None, None)
