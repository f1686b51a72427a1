"""`backends`: every backend of every namespace, and what is known of it."""

from collections.abc import Mapping
from typing import Any

import click

from warpdrive.entrypoints.ctl.answers import show_answer, size, words_of
from warpdrive.entrypoints.ctl.as_of import print_as_of
from warpdrive.entrypoints.ctl.moments import age
from warpdrive.entrypoints.ctl.output import Column, output_options
from warpdrive.entrypoints.ctl.session import Session, pass_session


@click.command()
@output_options
@pass_session
def backends(session: Session, *, style: str) -> None:
    """Show every backend: what is indexed of it, and how its crawls go."""
    with session.plane() as plane:
        answer = plane.call("GovernanceService/ListBackends")
    now = session.now()
    columns = (
        Column("name", lambda row: row["name"]),
        Column("type", lambda row: row["type"]),
        Column("place", _place),
        Column("namespaces", lambda row: words_of(row["namespaces"])),
        Column("objects", lambda row: row["objects"] if int(row["generation"]) else "unknown", right=True),
        Column("size", lambda row: size(row, "bytes") if int(row["generation"]) else "unknown", right=True),
        Column("crawled", lambda row: f"{age(row['crawledAt'], now)} ago" if row.get("crawledAt") else "never"),
        Column("last crawl", lambda row: crawl_words(row.get("lastCrawl"))),
    )
    nothing = "no backends; warpdrive-ctl namespace mount brings one in"
    if show_answer(answer, answer["backends"], columns, message="BackendState", style=style, nothing=nothing):
        print_as_of(answer, session.now())


def crawl_words(crawl: Mapping[str, Any] | None) -> str:
    """Say how a crawl is: its number, its state and why."""
    if not crawl or not int(crawl["id"]):
        return "-"
    words = f"{crawl['id']} {crawl['state']}"
    return f"{words}: {crawl['detail']}" if crawl["detail"] else words


def _place(row: Mapping[str, Any]) -> str:
    _, _, place = row["place"].partition("|")
    return " ".join([*(part for part in place.split("|") if not part.endswith("=")), row["prefix"]]).strip() or "-"
