"""Moments: one moment is one text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from warpdrive.domain.content.moments import in_utc, moment_text, moment_value

AT = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)


def test_one_moment_is_one_text_wherever_it_was_written_down() -> None:
    """The zone that a moment came with is not kept."""
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    assert moment_text(elsewhere) == moment_text(AT) == "2026-01-02T03:04:05.678900+00:00"
    assert in_utc(elsewhere).tzinfo is UTC


def test_a_moment_is_read_back_and_never_is_never() -> None:
    """Writing and reading give the moment again, and None for what does not come."""
    assert moment_value(moment_text(AT)) == AT
    assert (moment_text(None), moment_value("")) == ("", None)


@pytest.mark.parametrize("write", [in_utc, moment_text])
def test_a_moment_without_a_zone_is_refused(write: object) -> None:
    """Readers would guess its zone."""
    assert callable(write)
    with pytest.raises(ValueError, match="time zone"):
        write(AT.replace(tzinfo=None))
