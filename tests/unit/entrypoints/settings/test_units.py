"""Sizes and durations, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.entrypoints.settings.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("4096", 4096),
        ("10B", 10),
        ("1KB", 1024),
        ("1KiB", 1024),
        ("1k", 1024),
        ("50GB", 50 * 1024**3),
        ("50 gib", 50 * 1024**3),
        ("1.5TB", 3 * 1024**4 // 2),
        ("3PB", 3 * 1024**5),
        (" 4MB ", 4 * 1024**2),
    ],
)
def test_sizes_are_powers_of_1024(text: str, count: int) -> None:
    """Long and short units, any case, a space or none."""
    assert parse_size(text) == count


@pytest.mark.parametrize(
    "text", ["", "GB", "-1", "1XB", "1,5GB", "1e3", "0x10", "1 2", "٣", "1KBB", "9" * 30, "9000PB"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    """A size is never guessed."""
    with pytest.raises(ValueError, match=r"size|bytes"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("5s", 5),
        ("10m", 600),
        ("24h", 86400),
        ("7d", 604800),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("60", 60),
        ("0", 0),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    """Units can be put together; a bare number is seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 s", "1:30", "5sec", "1h-3m", "5S", "inf", "nan", "200000d", "٣s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A duration is never guessed."""
    with pytest.raises(ValueError, match=r"duration|century"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (1024**2 - 1, "1 MiB"),
        (2 * 1024**6, "2048 PiB"),
        (-2048, "-2 KiB"),
    ],
)
def test_sizes_are_written_in_binary_units(count: int, text: str) -> None:
    """At most one decimal, and never 1024 of a unit."""
    assert format_size(count) == text


@given(count=st.integers(0, 2**55))
def test_a_written_size_reads_back_nearly_the_same(count: int) -> None:
    """One decimal loses at most 1/20 of the unit that it is written in."""
    assert abs(parse_size(format_size(count)) - count) <= max(count * 0.05, 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.25, "250ms"),
        (0.9999, "1s"),
        (1.5, "1.5s"),
        (59.99, "1m"),
        (125, "2m 5s"),
        (12000, "3h 20m"),
        (86400 * 2 + 3600 * 4, "2d 4h"),
        (-3, "-3s"),
    ],
)
def test_durations_are_written_with_two_units_at_most(seconds: float, text: str) -> None:
    """People read hours and minutes, not thousands of seconds."""
    assert format_duration(seconds) == text
