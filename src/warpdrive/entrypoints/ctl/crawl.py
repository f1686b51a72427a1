"""`crawl`: index what backends hold, wait for the end, look at crawls, end one."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from warpdrive.adapters.control_client.rest import ControlPlaneClient
from warpdrive.entrypoints.ctl.answers import ask_for_rows, limit_option, size, words_of
from warpdrive.entrypoints.ctl.as_of import local
from warpdrive.entrypoints.ctl.completion import BACKEND
from warpdrive.entrypoints.ctl.moments import age
from warpdrive.entrypoints.ctl.output import Column, output_options, show_facts, show_rows
from warpdrive.entrypoints.ctl.session import FAILED, Session, json_option, pass_session, print_json, printable

POLL: Final = 0.5
"""Seconds between two questions how far a crawl is."""

_ENDED: Final = ("completed", "held", "failed", "cancelled")
_STATES: Final = ("queued", "running", *_ENDED)

_COLUMNS: Final = (
    Column("id", lambda row: row["id"], right=True),
    Column("backends", lambda row: words_of(row["backends"])),
    Column("state", lambda row: row["state"]),
    Column("generation", lambda row: row["generation"], right=True),
    Column("requested", lambda row: local(row.get("requestedAt"))),
    Column("objects", lambda row: row["objects"], right=True),
    Column("size", lambda row: size(row, "bytes"), right=True),
    Column("added", lambda row: row["added"], right=True),
    Column("changed", lambda row: row["changed"], right=True),
    Column("deleted", lambda row: row["deleted"], right=True),
    Column("detail", lambda row: row["detail"] or "-"),
)


@click.group(invoke_without_command=True)
@click.option("--backend", type=BACKEND, help="Only this one.  [all of them]")
@click.option(
    "--confirm-deletions", is_flag=True, help="Believe the listing even if very much, or everything, is missing."
)
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@json_option
@click.pass_context
def crawl(
    context: click.Context, /, *, backend: str | None, confirm_deletions: bool, no_wait: bool, as_json: bool
) -> None:
    """Index what backends hold, and wait for the end. Exit status 1 when a crawl does not complete."""
    if context.invoked_subcommand is not None:
        if backend or confirm_deletions or no_wait or as_json:
            raise click.UsageError(f"options of crawl {context.invoked_subcommand} stand behind that word")
        return
    session: Session = context.obj
    with session.plane() as plane:
        fields = {"backend": backend or "", "confirm_deletions": confirm_deletions}
        crawls = plane.call("ControlService/StartCrawl", fields)["crawls"]
        if not no_wait:
            crawls = _wait(plane, crawls, watched=sys.stderr.isatty() and not as_json)
    if as_json:
        print_json(crawls)
    elif not crawls:
        print("no backends; warpdrive-ctl namespace mount brings one in")
    else:
        for row in crawls:
            print(printable(outcome(row)))
    if not no_wait and any(row["state"] != "completed" for row in crawls):
        sys.exit(FAILED)


@crawl.command("list")
@click.option("--backend", type=BACKEND, help="Of one backend.")
@click.option("--state", type=click.Choice(_STATES), help="In this state.")
@limit_option(20)
@output_options
@pass_session
def list_crawls(session: Session, *, backend: str | None, state: str | None, limit: int, style: str) -> None:
    """Show crawls, newest first."""
    fields = {"backend": backend or "", "state": state or ""}
    with session.plane() as plane:
        rows = ask_for_rows(plane, "ControlService/ListCrawls", fields, "crawls", limit)["crawls"]
    show_rows(rows, _COLUMNS, message="Crawl", style=style, nothing="no crawls; warpdrive-ctl crawl begins one")


@crawl.command()
@click.argument("crawl_id", metavar="ID", type=click.IntRange(min=1))
@output_options
@pass_session
def show(session: Session, crawl_id: int, *, style: str) -> None:
    """Show one crawl and how far it is."""
    with session.plane() as plane:
        row = plane.call("ControlService/GetCrawl", {"id": crawl_id})
    now = session.now()
    facts = (
        ("crawl", row["id"]),
        ("backends", words_of(row["backends"])),
        ("state", row["state"]),
        ("detail", row["detail"]),
        ("source", row["source"]),
        ("generation", row["generation"]),
        ("requested", f"{local(row.get('requestedAt'))} by {row['requestedBy'] or 'the schedule'}"),
        ("started", f"{age(row['startedAt'], now)} ago" if row.get("startedAt") else ""),
        ("ended", f"{age(row['endedAt'], now)} ago" if row.get("endedAt") else ""),
        ("found", f"{row['objects']} objects, {size(row, 'bytes')}"),
        ("changes", f"{row['added']} added, {row['changed']} changed, {row['deleted']} deleted"),
        ("parts", f"{row['partsDone']} of {row['partsKnown']}"),
    )
    show_facts(row, facts, message="Crawl", style=style)


@crawl.command()
@click.argument("crawl_id", metavar="ID", type=click.IntRange(min=1))
@json_option
@pass_session
def cancel(session: Session, crawl_id: int, *, as_json: bool) -> None:
    """End a crawl; nothing counts as deleted by it."""
    with session.plane() as plane:
        row = plane.call("ControlService/CancelCrawl", {"id": crawl_id})
    if as_json:
        print_json(row)
    else:
        print(printable(outcome(row)))


def outcome(row: Mapping[str, Any]) -> str:
    """Say in a line how a crawl is, and what to do about it."""
    head = f"crawl {row['id']} of {words_of(row['backends'])}: {row['state']}"
    if row["state"] == "completed":
        counts = (
            f"{head}; {row['objects']} objects, {size(row, 'bytes')}:"
            f" {row['added']} added, {row['changed']} changed, {row['deleted']} deleted"
        )
        return f"{counts}; {row['detail']}" if row["detail"] else counts
    words = f"{head}: {row['detail']}" if row["detail"] else head
    if row["state"] in {"queued", "running"}:
        words += f"; warpdrive-ctl crawl show {row['id']}"
    return words


def _wait(
    plane: ControlPlaneClient, crawls: Sequence[Mapping[str, Any]], *, watched: bool
) -> Sequence[Mapping[str, Any]]:
    """Ask until each has ended. Whoever is tired of waiting is told that they go on."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    console = Console(stderr=True, highlight=False, markup=False)
    try:
        with Progress(*columns, transient=True, console=console, disable=not watched) as progress:
            bars = {row["id"]: progress.add_task(printable(words_of(row["backends"])), words="") for row in crawls}
            while True:
                for row in crawls:
                    total = int(row["partsKnown"]) or None
                    progress.update(bars[row["id"]], total=total, completed=int(row["partsDone"]), words=_far(row))
                if all(row["state"] in _ENDED for row in crawls):
                    return crawls
                time.sleep(POLL)
                crawls = [
                    row if row["state"] in _ENDED else plane.call("ControlService/GetCrawl", {"id": row["id"]})
                    for row in crawls
                ]
    except KeyboardInterrupt:
        going = [row["id"] for row in crawls if row["state"] not in _ENDED]
        words = f"not waiting any more; the crawl goes on: warpdrive-ctl crawl show {going[0] if going else 'ID'}"
        click.echo(words + ", or crawl cancel ends it", err=True)
        sys.exit(FAILED)


def _far(row: Mapping[str, Any]) -> str:
    return f"{row['state']}, {row['objects']} objects, {size(row, 'bytes')}"
