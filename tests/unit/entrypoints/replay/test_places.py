"""How people name a place in the record."""

from datetime import UTC, datetime, timedelta

import pytest

from warpdrive.application.audit.points import Point
from warpdrive.entrypoints.replay.places import parse_place

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 10, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("42", 42),
        ("2026", 2026),
        ("now", NOW),
        ("2h ago", NOW - timedelta(hours=2)),
        ("1d12h ago", NOW - timedelta(hours=36)),
        ("90 m  ago", NOW - timedelta(minutes=90)),
        ("2026-11-23T10:02:11", TEN),
        ("2026-11-23 10:02:11", TEN),
        ("2026-11-23T10:02:11Z", TEN),
        ("2026-11-23T11:02:11+01:00", TEN),
        ("2026-11-23T10:02", TEN.replace(second=0)),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_positions_times_and_spans_before_now_are_understood(text: str, place: Point, first: bool) -> None:
    """A time without a zone is UTC; these mean the same wherever they stand."""
    assert parse_place(text, first=first, now=NOW) == place


def test_a_day_alone_is_its_beginning_or_its_end() -> None:
    """So that a span from one day to another has both in it."""
    begin = parse_place("2026-11-23", first=True, now=NOW)
    end = parse_place("2026-11-23", first=False, now=NOW)
    assert begin == datetime(2026, 11, 23, tzinfo=UTC)
    assert end == datetime(2026, 11, 24, tzinfo=UTC) - timedelta.resolution


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "-1", "4.5", "ago", "x ago", "9" * 19, "25:00"])
def test_what_is_no_place_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="is "):
        parse_place(text, first=True, now=NOW)
