"""Cells of tables that people open in spreadsheets."""

import pytest

from warpdrive.adapters.wire.cells import cell


@pytest.mark.parametrize("text", ["=1+1", '=cmd|" /C calc"!A0', "@SUM(A1)", "+1+1", "-1+cmd", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_compute_is_text(text: str) -> None:
    """A note is anybody's words, and an admin opens the table."""
    assert cell({"note": text}, ("note",)) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-5", "+1.5", "9007199254740993", "a=b", "'quoted", "2026-01-01T00:00:00Z"])
def test_numbers_and_other_texts_stay_as_they_are(text: str) -> None:
    """Whatever their sign."""
    assert cell({"a": {"b": text}}, ("a", "b")) == text


def test_lists_and_maps_are_json_in_one_order() -> None:
    """And what is not there is empty."""
    row = {"list": ["=1"], "map": {"b": 1, "a": True}}
    assert cell(row, ("list",)) == '["=1"]'
    assert cell(row, ("map",)) == '{"a": true, "b": 1}'
    assert cell(row, ("map", "c")) == ""
    assert cell(row, ("none", "c")) == ""
