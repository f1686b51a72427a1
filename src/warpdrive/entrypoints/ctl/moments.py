"""Moments and periods of the contract, as people read and type them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from warpdrive.entrypoints.settings.units import format_duration, parse_duration


def read_moment(text: str) -> datetime:
    """Read a Timestamp of ProtoJSON, which may have nine digits behind the second."""
    whole, dot, rest = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}{dot}{rest[:6]}").replace(tzinfo=UTC)


def age(text: str | None, now: datetime) -> str:
    """Say how long ago it was: "3h 20m"; "-" for never."""
    return "-" if not text else format_duration(max(0.0, (now - read_moment(text)).total_seconds()))


def due(text: str | None, now: datetime) -> str:
    """Say how long it is until then: "in 2d 4h", "5m ago", "never"."""
    if not text:
        return "never"
    left = (read_moment(text) - now).total_seconds()
    return f"in {format_duration(left)}" if left > 0 else f"{format_duration(-left)} ago"


def ending(text: str | None, now: datetime) -> str:
    """Say the same as the end of a sentence: "ends in 2d 4h", "ended 5m ago", "never ends"."""
    if not text:
        return "never ends"
    words = due(text, now)
    return f"ended {words}" if words.endswith(" ago") else f"ends {words}"


class EndType(click.ParamType[datetime]):
    """When something ends: a period from now ("90d", "12h") or a moment ("2027-01-31", "2027-01-31T12:00Z")."""

    name = "end"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it; a usage error otherwise."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            return datetime.now(UTC) + timedelta(seconds=parse_duration(text))
        except ValueError:
            pass
        try:
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):  # the latter of a moment that is beyond the calendar in UTC
            self.fail(f'{text!r} is neither a period like "90d" nor a moment like "2027-01-31"', param, ctx)


class PeriodType(click.ParamType[str]):
    """A period such as "90d" or "12h", checked here and sent as it was typed."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it; a usage error otherwise."""
        try:
            parse_duration(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        return str(value).strip()


def write_moment(moment: datetime) -> str:
    """Write a moment as ProtoJSON has it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
