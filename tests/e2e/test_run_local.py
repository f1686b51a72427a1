"""The main job of the README leaves nothing behind, whether it ends by itself or by Ctrl-C in the middle."""

import os
import signal
import subprocess
import sys
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
def work(tmp_path: Path) -> Path:
    """The job's temporary folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_two_epochs_train_from_the_mount_and_leave_nothing(work: Path, tmp_path: Path) -> None:
    """The network learns, the second epoch comes from the cache, another directory is read as well."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "extra.bin").write_bytes(b"x" * 3_000_000)
    job = run_local(work, "--exit", "--data", str(data))
    status = job.wait(100)
    output = (tmp_path / "output").read_text()
    assert status == 0, output
    first, second = (line.split() for line in output.splitlines() if line[:6].strip() in {"1", "2"})
    assert float(second[1]) < float(first[1]) < 2.3, "the loss falls, and was never that of guessing"
    assert float(second[2].rstrip("%")) > 85
    assert float(first[-2]) > 85, "MB from the backends in the first epoch"
    assert float(second[-2]) < 1, "MB from the backends in the second"
    assert "extra.bin" in output
    assert "files have the same SHA-256" in output
    assert_nothing_left(work)


def test_ctrl_c_in_the_middle_leaves_nothing(work: Path, tmp_path: Path) -> None:
    """Interrupted while it trains, the job unmounts, stops its servers and removes its files."""
    job = run_local(work)
    output = tmp_path / "output"
    wait_until(lambda: "training on" in output.read_text() or job.poll() is not None, within=60, what="training")
    job.send_signal(signal.SIGINT)
    assert job.wait(40) in {0, 130}, output.read_text()
    assert "stopping" in output.read_text()
    assert_nothing_left(work)
