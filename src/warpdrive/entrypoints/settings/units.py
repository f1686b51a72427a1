"""Sizes and durations as kinds of settings, and written for people; `domain/content/quantities` reads them."""

from warpdrive.domain.content.quantities import duration_in_seconds, size_in_bytes


class Size(int):
    """A count of bytes."""

    __slots__ = ()


class Duration(float):
    """A count of seconds."""

    __slots__ = ()


def parse_size(text: str) -> Size:
    """Read "50GB", "1.5 MiB", "4096" as bytes. Raises ValueError with the accepted forms."""
    return Size(size_in_bytes(text))


def parse_duration(text: str) -> Duration:
    """Read "500ms", "5s", "1h30m", "60" as seconds. Raises ValueError with the accepted forms."""
    return Duration(duration_in_seconds(text))


def format_size(count: int) -> str:
    """Write bytes for people: "512 B", "1.5 GiB", at most one decimal; negative counts keep their sign."""
    if abs(count) < 1024:  # noqa: PLR2004 - the first unit
        return f"{count} B"
    value = count / 1024
    units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    # 1023.95 would round to "1024.0": it belongs to the next unit.
    while abs(value) >= 1023.95 and len(units) > 1:  # noqa: PLR2004
        value /= 1024
        del units[0]
    return f"{value:.1f}".removesuffix(".0") + f" {units[0]}"


def format_duration(seconds: float) -> str:
    """Write seconds for people: "250ms", "1.5s", "2m 5s", "3h 20m", "2d 4h"."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 0.9995:  # noqa: PLR2004 - rounds to 1000 ms from here on
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:  # noqa: PLR2004 - rounds to 60 s from here on
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    if whole < 3600:  # noqa: PLR2004 - minutes
        return _two_parts(whole, 60, "m", 1, "s")
    if whole < 86400:  # noqa: PLR2004 - hours
        return _two_parts(whole, 3600, "h", 60, "m")
    return _two_parts(whole, 86400, "d", 3600, "h")


def _two_parts(seconds: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % big // small
    return f"{seconds // big}{big_unit}" + (f" {rest}{small_unit}" if rest else "")
