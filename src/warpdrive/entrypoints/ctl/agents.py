"""`agents`: the nodes that the control plane knows."""

from collections.abc import Mapping
from typing import Any

import click

from warpdrive.entrypoints.ctl.moments import age
from warpdrive.entrypoints.ctl.output import Column, output_options, show_rows
from warpdrive.entrypoints.ctl.session import Session, pass_session


@click.command()
@output_options
@pass_session
def agents(session: Session, *, style: str) -> None:
    """Show every node's agent: how it is, what it serves, when it was last heard of."""
    with session.plane() as plane:
        rows = list(plane.items("ControlService/ListAgents"))
    now = session.now()
    columns = (
        Column("node", lambda row: row["node"]),
        Column("namespace", lambda row: row["namespace"] or "-"),
        Column("last seen", lambda row: age(row.get("lastSeenAt"), now) + " ago"),
        Column("position", lambda row: row["position"], right=True),
        Column("mount point", lambda row: row["mountPoint"] or "-"),
        Column("version", lambda row: row["version"] or "-"),
        Column("health", health_words),  # last: its reasons can be long
    )
    nothing = "no agents yet; an agent's settings name this control plane in agent.control_plane"
    show_rows(rows, columns, message="Agent", style=style, nothing=nothing)


def health_words(row: Mapping[str, Any]) -> str:
    """Say how an agent is; who is silent is missing, whatever it said last."""
    if row["missing"]:
        return "missing"
    return f"{row['health'] or 'unknown'}: {row['detail']}" if row["detail"] else row["health"] or "unknown"
