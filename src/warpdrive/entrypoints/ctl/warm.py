"""`warm`: fill the cache before a job, with progress, and say what is missing."""

import os
import sys
import time
from collections.abc import Iterable
from typing import Any, Final

import click
from rich.progress import BarColumn, Progress, TextColumn

from warpdrive.application.mount.warming import MAX_WORKERS, WarmRequest
from warpdrive.entrypoints.ctl.places import namespace_path
from warpdrive.entrypoints.ctl.session import (
    FAILED,
    Session,
    is_terminal,
    json_option,
    pass_session,
    print_json,
    printable,
)
from warpdrive.entrypoints.settings.units import format_duration, format_size, parse_size

PLAIN_EVERY: Final = 2.0
"""Seconds between two plain lines: a job's log wants few."""

NAMED: Final = 20
"""Failures and missing files printed; the rest is a count."""


class SizeType(click.ParamType[int]):
    """A size as in the config: 10GB, 500MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; a usage error otherwise."""
        if isinstance(value, int):
            return value
        try:
            size = parse_size(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        return size or self.fail("must be more than nothing", param, ctx)


@click.command()
@click.argument("path")
@click.option("--recursive", "-r", is_flag=True, help="Everything below the directory too.")
@click.option("--max-size", type=SizeType(), help="At most so many bytes, in the order of the tree, such as 10GB.")
@click.option("--workers", type=click.IntRange(1, MAX_WORKERS), default=8, show_default=True, help="Files at a time.")
@click.option("--check", is_flag=True, help="Fetch nothing; exit status 1 if something is missing.")
@json_option
@pass_session
def warm(
    session: Session, path: str, *, recursive: bool, max_size: int | None, workers: int, check: bool, as_json: bool
) -> None:
    """Fill the cache with PATH (a file or a directory) before a job needs it.

    Bytes that are cached already are not fetched again, so a run that was stopped goes on where it was. Exit
    status 0: all of it is in the cache. 1: something failed or is missing.
    """
    with session.agent() as agent:
        target = namespace_path(path, agent.status()["mount_point"], os.getcwd())  # noqa: PTH109 - text, as typed
        lines = agent.warm(WarmRequest(target, recursive, max_size, workers, check))
        try:
            result = _shown_as_json(lines) if as_json else _shown(lines, target, check=check)
        except KeyboardInterrupt:
            lines.close()
            click.echo("stopped; what was fetched stays cached, run it again to go on", err=True)
            sys.exit(FAILED)
    if not as_json:
        _report(result, check=check)
    if not result["complete"]:
        sys.exit(FAILED)


def _shown_as_json(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Print every line as it comes; the last is the result."""
    result: dict[str, Any] = {}
    for result in lines:
        print_json(result)
    return result


def _shown(lines: Iterable[dict[str, Any]], target: str, *, check: bool) -> dict[str, Any]:
    if is_terminal():
        return _shown_as_bar(lines, target, check=check)
    result: dict[str, Any] = {}
    due = time.monotonic() + PLAIN_EVERY
    for result in lines:
        if time.monotonic() >= due and not result["finished"]:
            print(describe(result), flush=True)
            due = time.monotonic() + PLAIN_EVERY
    return result


def _shown_as_bar(lines: Iterable[dict[str, Any]], target: str, *, check: bool) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    result: dict[str, Any] = {}
    with Progress(*columns, transient=True) as progress:
        verb = "checking" if check else "warming"
        task = progress.add_task(f"{verb} {printable(target)}", total=None, words="")
        for result in lines:
            # Without an end in sight the bar pulses.
            total = result["bytes_total"] if result["walked"] else None
            progress.update(task, total=total, completed=result["bytes"], words=describe(result))
    return result


def describe(line: dict[str, Any]) -> str:
    """Return one line of progress: files, bytes, rate, time left, failures."""
    more = "" if line["walked"] else "+"
    parts = [
        f"{line['files']}/{line['files_total']}{more} files",
        f"{format_size(line['bytes'])} of {format_size(line['bytes_total'])}{more}",
        f"{format_size(round(line['bytes_per_second']))}/s",
    ]
    if line["eta"] is not None:
        parts.append(f"{format_duration(line['eta'])} left")
    if line["failed"]:
        parts.append(f"{line['failed']} failed")
    return ", ".join(parts)


def _report(result: dict[str, Any], *, check: bool) -> None:
    took = format_duration(result["elapsed"])
    if check:
        print(f"{format_size(result['bytes'])} of {format_size(result['bytes_total'])} cached, looked for {took}")
    else:
        fetched = result["bytes"] - result["bytes_found"]
        rate = format_size(round(result["bytes_per_second"]))
        print(
            f"{result['files']} of {result['files_total']} files, {format_size(result['bytes'])}:"
            f" {format_size(fetched)} fetched in {took} ({rate}/s), {format_size(result['bytes_found'])} were cached"
        )
    if result["limited"]:
        print("stopped at --max-size; there is more")
    for fault in result["failures"][:NAMED]:
        click.echo(f"failed: {printable(fault['path'])}: {printable(fault['detail'])}", err=True)
    _rest(result["failed"], "failures")
    for path in result["missing"][:NAMED]:
        click.echo(f"missing: {printable(path)}", err=True)
    _rest(result["missing_files"], "files missing")
    if result["missing_files"]:
        missing = format_size(result["missing_bytes"])
        click.echo(f"{result['missing_files']} files lack {missing} in the cache", err=True)


def _rest(count: int, what: str) -> None:
    if count > NAMED:
        click.echo(f"... and {count - NAMED} more {what}", err=True)
