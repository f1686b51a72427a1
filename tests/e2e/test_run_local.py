"""The main job of the README leaves nothing behind, whether it ends by itself or by Ctrl-C in the middle."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import wait_until
from tests.support.seaweedfs import seaweedfs_missing

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(seaweedfs_missing() is not None, reason=str(seaweedfs_missing()))


def run_local(work: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Start what hack/run-local.sh starts after setting up; everything temporary goes below `work`."""
    with (work.parent / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "hack.run_local", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(work)},
        )


def assert_nothing_left(work: Path) -> None:
    """No file, no mount and no process that names the folder."""
    assert list(work.iterdir()) == []
    assert str(work) not in Path("/proc/self/mountinfo").read_text()
    left = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if str(work).encode() in command:
            left.append(command)
    assert left == []


@pytest.fixture
def work() -> Iterator[Path]:
    """The job's temporary folder: short, since sockets below it may have 107 bytes, and every user passes through."""
    with tempfile.TemporaryDirectory(prefix="wd-") as parent:
        Path(parent).chmod(0o711)
        folder = Path(parent) / "work"
        folder.mkdir()
        folder.chmod(0o711)
        yield folder


def epochs(output: str, node: str) -> list[list[str]]:
    """Return the figures of a node's epochs, first to last."""
    lines = (line.split() for line in output.splitlines() if line.startswith(f"{node} "))
    return [words for words in lines if len(words) > 10]


def test_two_users_train_on_two_nodes_and_the_control_plane_knows(work: Path, tmp_path: Path) -> None:
    """Networks learn, second epochs come from caches, and usage and a crossed limit come from what was read."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "extra.bin").write_bytes(b"x" * 3_000_000)
    job = run_local(work, "--exit", "--data", str(data))
    status = job.wait(110)
    output = (work.parent / "output").read_text()
    assert status == 0, output
    first, second = epochs(output, "node-a")
    assert float(second[2]) < float(first[2]) < 2.3, "the loss falls, and was never that of guessing"
    assert float(second[3].rstrip("%")) > 85
    assert float(first[-2]) > 85, "MB from the backends in the first epoch"
    assert float(second[-2]) < 1, "MB from the backends in the second"
    assert float(epochs(output, "node-b")[1][-2]) < 1
    assert "extra.bin" in output
    assert "files have the same SHA-256" in output
    answers = dict(answer.split("\n", 1) for answer in output.split("\n$ ")[1:])
    owners = answers["warpdrive-ctl usage --group-by team"]
    assert owners.index("vision") < owners.index("press") < owners.index("unattributed")
    readers = answers["warpdrive-ctl usage --group-by team --basis reader"]
    assert "vision" in readers
    assert "press" in readers
    idle = answers["warpdrive-ctl stale --days 0"]
    assert "attic/copy-of-digits-validation.tar" in idle
    assert "1 objects" in idle, "nobody else left anything alone"
    assert "warned" in answers["warpdrive-ctl quota list"]
    assert "soft limit" in answers["warpdrive-replay log --stream quota/vision/train"]
    assert "system:" in answers["warpdrive-replay log --stream quota/vision/train"]
    assert_nothing_left(work)


def test_ctrl_c_in_the_middle_leaves_nothing(work: Path) -> None:
    """Interrupted while it trains, the job unmounts, stops its servers and removes its files."""
    job = run_local(work)
    output = work.parent / "output"
    wait_until(lambda: "trains on" in output.read_text() or job.poll() is not None, within=60, what="training")
    job.send_signal(signal.SIGINT)
    assert job.wait(40) in {0, 130}, output.read_text()
    assert "stopping" in output.read_text()
    assert_nothing_left(work)
