"""What an administrator does with the control plane before the job, and asks afterwards."""

from pathlib import Path
from typing import Any

import yaml

from hack.run_local.control import ControlPlane
from hack.run_local.people import Person
from hack.run_local.processes import wait_for

NAMESPACE = "training"
SOFT, HARD = "64MB", "1GB"
"""The soft limit of team vision in the bucket: less than the shards, so that it is crossed."""


def decide(plane: ControlPlane, entries: list[dict[str, Any]], first: Person, second: Person, folder: Path) -> None:
    """Make the namespace, two teams, what they own, a limit and a price."""
    file = folder / "namespace.yaml"
    file.write_text(yaml.safe_dump({"namespace": NAMESPACE, "backends": entries}, sort_keys=False))
    plane.ctl("namespace", "apply", "-f", str(file), "--yes")
    plane.ctl("team", "add", "vision", "--member", first.name, "--owns", "train:")
    plane.ctl("team", "add", "press", "--member", second.name, "--owns", "local:photographs/")
    plane.ctl("quota", "set", "--team", "vision", "--backend", "train", "--soft", SOFT, "--hard", HARD)
    plane.ctl(
        "price", "set", "list", "--from", "2026-01-01", "--per-gib-month", "0.023", "--per-1000-requests", "0.0004"
    )


def node_token(plane: ControlPlane, node: str, folder: Path) -> Path:
    """Make a token for a node's agent; returns its file."""
    file = folder / f"{node}.token"
    plane.ctl("token", "create", "--role", "agent", "--node", node, "--namespace", NAMESPACE, "--output", str(file))
    return file


def report(plane: ControlPlane, first: Person) -> None:
    """Index the storage, wait until everything is counted, and print what can be known now."""
    plane.show("crawl")
    wait_for(lambda: "warned" in plane.ctl("quota", "list"), 30, "the crossing of the soft limit")
    wait_for(lambda: _read_by_teams(plane), 30, "what both users read")
    plane.show("usage", "--group-by", "team")
    plane.show("usage", "--group-by", "team", "--basis", "reader")
    plane.show("user", first.name)
    plane.show("stale", "--days", "0")
    plane.show("cost")
    plane.show("quota", "list")
    plane.replay("log", "--stream", "quota/vision/train")
    plane.replay("explain", "quota/vision/train")


def _read_by_teams(plane: ControlPlane) -> bool:
    """Tell whether the accesses of both teams have been counted."""
    said = plane.ctl("usage", "--group-by", "team", "--basis", "reader", "--format", "csv")
    return "vision" in said and "press" in said
