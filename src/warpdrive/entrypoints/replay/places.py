"""Option values that name a place in the record: a position, or a time in one of the ways that people write it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import click

from warpdrive.application.audit.findings import Head
from warpdrive.application.audit.points import Point
from warpdrive.entrypoints.settings.units import parse_duration

_POSITION: Final = re.compile(r"\d{1,19}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AGO: Final = re.compile(r"(.+?)\s+ago", re.ASCII)
_LARGEST: Final = 2**63 - 1

FORMS: Final = (
    'a position (42), a day (2026-11-23), a time (2026-11-23T10:02:11Z; without a zone: UTC), "2h ago" or now'
)


def since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Point | None:
    """Read the value of an option that begins a span. Raises click.BadParameter."""
    return _place(text, first=True)


def until(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Point | None:
    """Read the value of an option that ends a span, or names a moment. Raises click.BadParameter."""
    return _place(text, first=False)


def noted_head(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Head | None:
    """Read HASH@POSITION. Raises click.BadParameter."""
    try:
        return None if text is None else Head.parse(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not 64 hexadecimal digits, an @ and a position") from None


def _place(text: str | None, *, first: bool) -> Point | None:
    try:
        return None if text is None else parse_place(text, first=first, now=datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} {error}") from None


def parse_place(text: str, *, first: bool, now: datetime) -> Point:
    """Read a place. Raises ValueError with the accepted forms."""
    text = text.strip()
    if _POSITION.fullmatch(text):
        position = int(text)
        if position > _LARGEST:
            raise ValueError("is larger than any position")
        return position
    if text == "now":
        return now
    ago = _AGO.fullmatch(text)
    if ago is not None:
        try:
            return now - timedelta(seconds=parse_duration(ago[1].replace(" ", "")))
        except ValueError:
            raise ValueError('is no time; write a number with s, m, h or d, like "90m ago" or "1d12h ago"') from None
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time.min if first else time.max, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is no place in the record; write {FORMS}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
