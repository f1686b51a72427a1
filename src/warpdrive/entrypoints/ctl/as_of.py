"""The lines below every answer about storage and its use: as of when it holds, and what is missing in it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from warpdrive.entrypoints.ctl.moments import age, read_moment
from warpdrive.entrypoints.ctl.session import printable
from warpdrive.entrypoints.settings.units import format_duration

_NAMED: Final = 4
"""Backends named with their crawls; the rest is a count."""


def local(text: str | None) -> str:
    """Write a moment of the contract in the local zone: "2026-11-23 18:00 CET"; "-" for none."""
    return read_moment(text).astimezone().strftime("%Y-%m-%d %H:%M %Z") if text else "-"


def print_as_of(answer: Mapping[str, Any], now: datetime, *, idle: bool = False) -> None:
    """Print as of when an answer holds. `idle`: it says what is stale, which gaps make unknown."""
    for line in as_of_lines(answer.get("asOf") or {}, now, idle=idle):
        print(printable(line))


def as_of_lines(as_of: Mapping[str, Any], now: datetime, *, idle: bool = False) -> Iterator[str]:
    """Yield the lines; an AsOf that says nothing yields none."""
    if not as_of:
        return
    position = int(as_of["position"])
    attributed = int(as_of["attributedPosition"])
    yield f"as of {local(as_of.get('computedAt'))}, position {position}; {_crawls(as_of['crawls'], now)}"
    if attributed < position:
        yield (
            f"owners are worked out up to position {attributed} of {position}:"
            " what was decided since is not in these numbers yet"
        )
    if as_of.get("coverage"):
        yield coverage_words(as_of["coverage"], idle=idle)
    if as_of.get("readersCountedAt"):
        yield f"readers counted {age(as_of['readersCountedAt'], now)} ago"


def coverage_words(coverage: Mapping[str, Any], *, idle: bool = False) -> str:
    """Say what telemetry covers: "telemetry complete for 90 days", or where the first gap is."""
    days = _plural(_days(coverage["fromDay"], coverage["toDay"]), "day")
    if coverage["complete"]:
        return f"telemetry complete for {days} (UTC, {coverage['fromDay']} to {coverage['toDay']})"
    count = int(coverage["gapsInAll"])
    words = f"telemetry incomplete for {days} ({100 * float(coverage['share']):.1f} % told): {_plural(count, 'gap')}"
    gaps = coverage["gaps"]
    if gaps:
        words += f", first: {_gap(gaps[0])}"
    return words + ("; so idle objects are unknown, not stale" if idle else "")


def _crawls(crawls: list[Mapping[str, Any]], now: datetime) -> str:
    never = [crawl["backend"] for crawl in crawls if not int(crawl["generation"])]
    done = [crawl for crawl in crawls if int(crawl["generation"])]
    # The oldest first: it is the one that the answer may be wrong about.
    done.sort(key=lambda crawl: str(crawl.get("completedAt") or ""))
    named = [
        f"{crawl['backend']} generation {crawl['generation']}, {age(crawl.get('completedAt'), now)} ago"
        for crawl in done[:_NAMED]
    ]
    if len(done) > _NAMED:
        named.append(f"{len(done) - _NAMED} more crawled since")
    if never:
        named.append(f"never crawled: {', '.join(never[:_NAMED])}{' and more' if len(never) > _NAMED else ''}")
    return "; ".join(named) or "no backends"


def _gap(gap: Mapping[str, Any]) -> str:
    if not gap["node"]:
        return f"nothing is known of {gap['day']}"
    told = []
    if int(gap["missingSeconds"]):
        told.append(f"{format_duration(int(gap['missingSeconds']))} missing")
    if int(gap["lostRecords"]):
        told.append(f"{gap['lostRecords']} records lost")
    return f"node {gap['node']} on {gap['day']}" + (f" ({', '.join(told)})" if told else "")


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def today(now: datetime) -> date:
    """Return the UTC day, by which idleness and growth are counted."""
    return now.astimezone(UTC).date()
