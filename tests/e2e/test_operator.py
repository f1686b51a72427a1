"""`warpdrive-ctl` against a running agent: what an operator does before and after a job."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import agent_config, local_backend
from tests.support.mounts import COMMANDS, MountProcess, agent_mount
from tests.support.ports import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting in a test needs root")

MIB = 1 << 20


def ctl(work: Path, *words: str, expect: int = 0) -> str:
    """Run the command against the agent of `work`; returns what it printed."""
    command = [str(COMMANDS / "warpdrive-ctl"), "--socket", str(work / "state/admin.sock"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


def percent_cached(mount: MountProcess, name: str) -> int:
    """What the file's own attribute says."""
    return int(os.getxattr(mount.point / "local" / name, "user.warpdrive.cached"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six files of 3 MiB."""
    folder = tmp_path / "root"
    folder.mkdir()
    for n in range(6):
        (folder / f"f{n}").write_bytes(bytes([n]) * (3 * MIB))
    return folder


def test_warming_checking_and_evicting(root: Path, tmp_path: Path) -> None:
    """`warm` ends with 0 when all is cached, `--check` with 1 when something is missing; `evict` frees it."""
    with agent_mount(agent_config(tmp_path, [local_backend(root)]), tmp_path / "mnt") as mount:
        ctl(tmp_path, "warm", "/local", "--recursive", "--check", expect=1)
        ctl(tmp_path, "warm", str(mount.point / "local"), "--recursive")
        assert [percent_cached(mount, f"f{n}") for n in range(6)] == [100] * 6
        ctl(tmp_path, "warm", "/local", "--recursive", "--check")
        stats: dict[str, Any] = json.loads(ctl(tmp_path, "stats", "--json"))
        assert stats["cache_size_bytes"] == 18 * MIB
        ctl(tmp_path, "evict", "/local/f1")
        assert percent_cached(mount, "f1") == 0
        states = [os.getxattr(mount.point / "local" / name, "user.warpdrive.state") for name in ("f1", "f2")]
        assert states == [b"remote", b"cached"]
        assert percent_cached(mount, "f2") == 100
        ctl(tmp_path, "warm", "/local/absent", expect=1)
        ctl(tmp_path, "warm", expect=2)


def test_a_known_order_is_fetched_ahead(root: Path, tmp_path: Path) -> None:
    """The files of a manifest are fetched before anybody opens them; a range fetches its pages only."""
    manifest = tmp_path / "order.txt"
    manifest.write_text("# the sampler's order\n/local/f4\n/local/f2\t0-65535\n")
    with agent_mount(agent_config(tmp_path, [local_backend(root)]), tmp_path / "mnt") as mount:
        ctl(tmp_path, "prefetch", "--manifest", str(manifest))
        wait_until(lambda: percent_cached(mount, "f4") == 100, what="the first file is fetched")
        wait_until(lambda: percent_cached(mount, "f2") == 2, what="one page of 48 is fetched")
        assert percent_cached(mount, "f0") == 0


def test_status_names_what_is_mounted(root: Path, tmp_path: Path) -> None:
    """Backends, their version strength and health, for people and for programs."""
    with agent_mount(agent_config(tmp_path, [local_backend(root)]), tmp_path / "mnt"):
        status = json.loads(ctl(tmp_path, "status", "--json"))
        (entry,) = status["entries"]
        assert (entry["path"], entry["type"], entry["state"], entry["version_strength"]) == (
            "/local",
            "local",
            "online",
            "weak",
        )
        assert "/local" in ctl(tmp_path, "status")
    ctl(tmp_path, "status", expect=1)
