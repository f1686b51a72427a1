"""`status`: what the agent is, what it mounts, how it feels, what it cannot show; and the control plane."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warpdrive.entrypoints.ctl.output import print_facts
from warpdrive.entrypoints.ctl.plane_status import PlaneStatus, look
from warpdrive.entrypoints.ctl.session import (
    FAILED,
    Session,
    console,
    json_option,
    pass_session,
    print_json,
    printable,
)
from warpdrive.entrypoints.settings.units import format_duration, format_size


@click.command()
@click.option("--hidden", is_flag=True, help="List the keys that no path leads to, and why.")
@json_option
@pass_session
def status(session: Session, *, hidden: bool, as_json: bool) -> None:
    """Show the local agent (mount entries, cache, health) and the control plane.

    The control plane is the one that --server or WARPDRIVE_SERVER names, else one on this machine if it answers.
    Exit status 1 when something is degraded or does not answer; a machine without an agent is well when its control
    plane answers. Keys are known as hidden once their directory has been listed.
    """
    if hidden:
        with session.agent() as agent:
            _show_hidden(agent.hidden(), as_json=as_json)
        return
    plane = look(session.server)
    answer = _agent_status(session, plane)
    if as_json:
        print_json({**(answer or {}), **({} if plane is None else {"server": plane.as_json()})})
    else:
        if answer is not None:
            _show(answer, console())
        if plane is not None:
            print_facts(tuple(plane.facts(session.now())))
    unwell = answer is not None and answer["health"]["status"] != "ok"
    # One that nobody named may be somebody else's, to whom we are strangers.
    if unwell or (plane is not None and plane.fault and session.server.named):
        sys.exit(FAILED)


def _agent_status(session: Session, plane: PlaneStatus | None) -> dict[str, Any] | None:
    """Ask the agent. Nobody there is no fault on a control plane's own machine, where none was named."""
    if plane is not None and not plane.fault and not session.socket_named and _is_absent(session.socket):
        return None
    with session.agent() as agent:
        return agent.status()


def _is_absent(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:  # what may not be looked at may be there
        return False
    return False


def _show(answer: dict[str, Any], out: Console) -> None:
    cache = answer["cache"]
    facts = Table(box=None, show_header=False)
    facts.add_row("agent", f"warpdrive {answer['version']}, pid {answer['pid']}, node {answer['node']}")
    facts.add_row("mount point", Text(printable(answer["mount_point"])))
    if answer.get("control_plane") is not None:
        facts.add_row("control plane", Text(printable(_tie(answer["control_plane"]))))
    if answer.get("telemetry") is not None:
        facts.add_row("telemetry", Text(printable(_records(answer["telemetry"]))))
    facts.add_row("up", format_duration(answer["uptime"]))
    facts.add_row(
        "cache",
        f"{format_size(cache['size_bytes'])} of {format_size(cache['max_bytes'])}, {cache['objects']} objects"
        + (", DEGRADED: the disk refuses stores" if cache["degraded"] else ""),
    )
    facts.add_row("health", answer["health"]["status"])
    if answer["hidden"]:
        counts = ", ".join(f"{count} ({reason})" for reason, count in sorted(answer["hidden"].items()))
        facts.add_row("hidden keys", f"{counts}; see status --hidden")
    out.print(facts)
    entries = Table("path", "backend", "type", "versions", "state", box=None)
    for entry in answer["entries"]:
        entries.add_row(
            Text(printable(entry["path"])),
            Text(entry["backend"]),
            entry["type"],
            entry["version_strength"] or "-",
            Text(printable(entry["state"])),
        )
    out.print(entries)
    for check in answer["health"]["checks"]:
        if not check["ok"]:
            out.print(Text(f"unwell: {check['name']}: {printable(check['detail'])}"))


def _tie(state: dict[str, Any]) -> str:
    """Say where the namespace comes from, in one line."""
    position = f" at position {state['position']}" if state["position"] >= 0 else ""
    words = ", ".join(word for word in ("sealed", "retired") if state[word])
    namespace = f"namespace {state['namespace']}{position}" + (f" ({words})" if words else "")
    if state["connected"]:
        tie = "connected"
    else:
        tie = f"not connected: {state['fault']}" if state["fault"] else "not connected"
        namespace += ", kept on disk by an earlier run" if state["from_disk"] else ", as last known"
    return f"{state['address']}, {tie}; {namespace}"


def _records(state: dict[str, Any]) -> str:
    """Say what became of the access records, in one line."""
    told = f"{state['sink']}, {state['recorded']:,} records"
    if state["sink"] in {"grpc", "http"}:
        told += f", {state['sent']:,} sent, {state['waiting']:,} waiting"
    if state["spool_bytes"]:
        told += f" ({format_size(state['spool_bytes'])} on disk)"
    if state["lost"]:
        told += f", {state['lost']:,} LOST"
    return f"{told}; not sent: {state['fault']}" if state["fault"] else told


def _show_hidden(keys: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(keys)
        return
    table = Table("directory", "backend", "key", "why", box=None)
    for key in keys:
        table.add_row(
            Text(printable(key["path"])), Text(key["backend"]), Text(repr(printable(key["key"]))), Text(key["reason"])
        )
    if keys:
        console().print(table)
    else:
        print("no hidden keys in the directories listed so far")
