"""What a move says: a bar while it runs where somebody watches, and how it ended."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from warpdrive.application.transfer.tally import Tally
from warpdrive.entrypoints.ctl.session import printable
from warpdrive.entrypoints.process.faults import only_one
from warpdrive.entrypoints.settings.units import format_duration, format_size

NAMED: Final = 20
"""Failures printed; the rest is a count."""

_EVERY: Final = 0.2
"""Seconds between two looks at the tally."""


@asynccontextmanager
async def shown(tally: Tally, title: str, *, watched: bool) -> AsyncIterator[None]:
    """Show a bar on standard error during the block; nothing where nobody watches."""
    if not watched:
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    console = Console(stderr=True, highlight=False, markup=False)
    began = time.monotonic()
    with Progress(*columns, transient=True, console=console) as progress:
        task = progress.add_task(printable(title), total=None, words="")

        async def look() -> None:
            while True:
                total = tally.found_bytes if tally.listed else None
                words = describe(tally, time.monotonic() - began)
                progress.update(task, total=total, completed=_gone(tally), words=words)
                await anyio.sleep(_EVERY)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(look)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise only_one(group) from group  # whether somebody watches makes no other fault of it


def describe(tally: Tally, seconds: float) -> str:
    """Return one line of progress: objects, bytes, rate, time left, failures."""
    more = "" if tally.listed else "+"
    rate = tally.copied_bytes / seconds if seconds > 0 else 0.0
    parts = [
        f"{tally.moved}/{tally.found}{more} objects",
        f"{format_size(_gone(tally))} of {format_size(tally.found_bytes)}{more}",
        f"{format_size(round(rate))}/s",
    ]
    left = tally.found_bytes - _gone(tally)
    if tally.listed and rate > 0 and left > 0:
        parts.append(f"{format_duration(left / rate)} left")
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    return ", ".join(parts)


def _gone(tally: Tally) -> int:
    """Bytes that need not be copied any more; copies that are under way count as far as they are."""
    return min(tally.found_bytes, max(tally.moved_bytes, tally.copied_bytes))


def as_json(tally: Tally, seconds: float) -> dict[str, Any]:
    """Return the outcome for programs."""
    return {
        "complete": tally.complete,
        "objects": tally.moved,
        "bytes": tally.moved_bytes,
        "foundObjects": tally.found,
        "foundBytes": tally.found_bytes,
        "copiedBytes": tally.copied_bytes,
        "resumedObjects": tally.resumed,
        "failedObjects": tally.failed,
        "failures": [{"key": printable(each.key), "why": printable(each.why)} for each in tally.failures],
        "seconds": round(seconds, 3),
    }


def report(tally: Tally, seconds: float) -> None:
    """Say how it ended; failures go to standard error."""
    if tally.complete and not tally.found:
        print("nothing was left to move: an earlier run had moved it all")
        return
    rate = format_size(round(tally.copied_bytes / seconds)) if seconds > 0 else "0 B"
    words = f"{tally.moved} of {tally.found} objects moved, {format_size(tally.moved_bytes)}"
    words += f" in {format_duration(seconds)} ({rate}/s)"
    if tally.resumed:
        words += f"; {tally.resumed} had been copied before"
    print(words)
    for failure in list(tally.failures)[:NAMED]:
        click.echo(printable(f"kept: {failure.key}: {failure.why}"), err=True)
    if tally.failed > NAMED:
        click.echo(f"... and {tally.failed - NAMED} more were kept", err=True)
