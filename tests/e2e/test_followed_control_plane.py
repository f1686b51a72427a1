"""A node that follows a real control plane: `warpdrive-mount` and `warpdrive-control`, each its own process."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import health
from tests.support.control_planes import ControlPlaneProcess, control_plane, reachable_dir
from tests.support.mounts import COMMANDS, agent_mount
from tests.support.ports import LOOPBACK, free_port, wait_until

SOON = 2.0
"""Seconds from a command's answer to the kernel: one for the watch, and some for a slow machine."""

TENANT = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlaneProcess]:
    """Run one with an embedded database; the last test stops it."""
    with reachable_dir() as scratch, control_plane(scratch / "plane") as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The directory that the namespace shows, with one file."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "f").write_text("hello")
    return folder


def shown(path: str, root: Path, **backend: str) -> dict[str, Any]:
    """A mount entry over a directory."""
    return {"path": path, "backend": {"name": root.name, "type": "local", "options": {"root": str(root)}, **backend}}


def node_config(work: Path, plane: ControlPlaneProcess, secret: str) -> Path:
    """Write the configuration of node n1, with its token beside it."""
    token = work / "token"
    token.touch(mode=0o600)
    token.write_text(secret)
    config = {
        "mount_point": str(work / "mnt"),
        "cache": {"path": str(work / "cache"), "max_size": "64MB", "memory_limit": "64MB"},
        "metrics": {"addr": f"{LOOPBACK}:{free_port()}"},
        "agent": {
            "control_plane": plane.grpc,
            "namespace": "training",
            "node": "n1",
            "token_file": "token",
            "state_dir": str(work / "state"),
        },
    }
    path = work / "config.yaml"
    path.write_text(json.dumps(config))
    return path


def names(folder: Path) -> list[str]:
    """List a directory."""
    return sorted(path.name for path in folder.iterdir())


def test_another_nodes_token_is_refused_at_the_start(plane: ControlPlaneProcess, tmp_path: Path) -> None:
    """One line that says why, exit status 1, nothing mounted."""
    config = node_config(tmp_path, plane, plane.issue(role="ROLE_AGENT", node="n2", namespaces=["training"]))
    (tmp_path / "mnt").mkdir()
    done = subprocess.run(
        [COMMANDS / "warpdrive-mount", "--config", config], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("warpdrive-mount:")]
    assert f"the control plane at {plane.grpc}: refused: " in said
    assert not (tmp_path / "mnt").is_mount()


def test_a_node_follows_and_outlives_its_control_plane(
    plane: ControlPlaneProcess, source: Path, tmp_path: Path
) -> None:
    """Entries come and go by REST, open files go on, a restart while the control plane is down shows the last state."""
    plane.must("POST", "/api/v1/namespaces", {"name": "training", "entries": [shown("/data", source)]})
    secret = plane.issue(role="ROLE_AGENT", node="n1", namespaces=["training"])
    config = node_config(tmp_path, plane, secret)
    point = tmp_path / "mnt"

    def serve(*entries: dict[str, Any]) -> None:
        plane.must("PUT", "/api/v1/namespaces/training", {"entries": list(entries)})

    with agent_mount(config, point) as mount:
        assert (point / "data/f").read_text() == "hello"
        serve(shown("/data", source), shown("/closed", source, name="theirs", tenant=TENANT, prefix="x/"))
        wait_until(lambda: names(point) == ["closed", "data"], within=SOON)
        with pytest.raises(PermissionError):
            names(point / "closed")
        assert health(config)[0] == 503
        with (point / "data/f").open("rb", buffering=0) as opened:
            serve(shown("/moved/here", source))
            wait_until(lambda: names(point) == ["moved"], within=SOON)
            # The kernel is told right after the tree has changed: a name it remembers may outlive a listing by that.
            wait_until(lambda: not (point / "data").exists(), within=SOON)
            assert opened.read() == b"hello"
        assert (point / "moved/here/f").read_text() == "hello"
        plane.stop()  # in order, so that its database does not stay behind
        assert (point / "moved/here/f").read_text() == "hello"
        assert mount.stop() == 0
    with agent_mount(config, point) as mount:
        assert (point / "moved/here/f").read_text() == "hello"
        status, report = health(config)
        assert (status, "not connected" in report["checks"]["control_plane"]["detail"]) == (200, True)
        assert mount.stop() == 0
