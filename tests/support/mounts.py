"""Starts mounts as processes of their own and leaves nothing behind: no process, no mount."""

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from warpdrive.adapters.fuse.mount_table import mount_at

COMMANDS = Path(sys.executable).parent
"""Where the console scripts are installed."""

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0


class MountFailed(Exception):
    """Raised when the process ended, or kept silent, before it was ready. Carries what it printed."""


class MountProcess:
    """A running mount, ready when it was made. `point` is its mount point, `log` what it prints."""

    def __init__(self, process: subprocess.Popen[str], point: Path, log: Path) -> None:
        self.process = process
        self.point = point
        self.log = log

    @property
    def is_mounted(self) -> bool:
        """Whether the mount table shows it."""
        return mount_at(str(self.point)) is not None

    def printed(self) -> str:
        """Everything printed so far."""
        return self.log.read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, wait for the end, return the exit status."""
        self.process.send_signal(how)
        return self.process.wait(_STOP_SECONDS)

    def tell(self, order: Mapping[str, object]) -> dict[str, int]:
        """Give `memory_mount` an order on its standard input; returns what it counted since the last one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, int] = json.loads(self.process.stdout.readline())
        return answer


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    point: Path,
    work: Path,
    *,
    pipes: bool = False,
    orders: Sequence[Mapping[str, object]] = (),
) -> Iterator[MountProcess]:
    """Run a mount command in the foreground; the block starts when it told systemd's socket that it is ready.

    `work` is a directory for the socket and the log. With `pipes` standard input and output are the test's; `orders`
    are told before the mount is ready, and answered.
    """
    address, log = work / "notify", work / "log"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager, log.open("w") as output:
        address.unlink(missing_ok=True)
        manager.bind(str(address))
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else output,
            stderr=output,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": str(address), "PYTHONPATH": str(Path.cwd())},
        )
        try:
            early = MountProcess(process, point, log)
            for order in orders:
                early.tell(order)
            _await_ready(process, manager, log)
            if process.stdout is not None:
                assert process.stdout.readline() == "ready\n"
            yield MountProcess(process, point, log)
        finally:
            clean_up(point, process)


def _await_ready(process: subprocess.Popen[str], manager: socket.socket, log: Path) -> None:
    manager.settimeout(0.05)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with contextlib.suppress(TimeoutError):
            if manager.recv(64) == b"READY=1":
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise MountFailed(f"status {process.returncode}: {log.read_text()}")


def clean_up(point: Path, process: subprocess.Popen[str] | None = None) -> None:
    """Kill the process if it still runs, take away what it left mounted."""
    if process is not None:
        if process.poll() is None:
            process.kill()
        process.wait()
        pipes: tuple[IO[str] | None, ...] = (process.stdin, process.stdout)
        for pipe in pipes:
            if pipe is not None:
                pipe.close()
    while mount_at(str(point)) is not None:
        subprocess.run(["umount", "-l", str(point)], check=True)


@contextlib.contextmanager
def memory_mount(tree: Mapping[bytes, bytes], work: Path, *options: str) -> Iterator[MountProcess]:
    """Mount a tree held in memory (`tests.support.memory_mount`) below `work`."""
    point, stored = work / "mnt", work / "tree.pickle"
    point.mkdir(exist_ok=True)
    stored.write_bytes(pickle.dumps(dict(tree)))
    argv = [sys.executable, "-m", "tests.support.memory_mount", str(stored), str(point), *options]
    with running(argv, point, work, pipes=True) as mount:
        yield mount


def write_config(work: Path, root: Path, **top: object) -> Path:
    """Write an agent's configuration with one local backend at /data; values in `top` are JSON, thus YAML."""
    config = {
        "mount_point": str(work / "mnt"),
        "cache": {"path": str(work / "cache"), "max_size": "256MB", "memory_limit": "64MB"},
        "metrics": {"enabled": False},
        "agent": {"state_dir": str(work / "state")},
        "backends": [{"name": "data", "type": "local", "mount_path": "/data", "config": {"root": str(root)}}],
        **top,
    }
    path = work / "config.yaml"
    path.write_text(json.dumps(config))
    return path


@contextlib.contextmanager
def agent_mount(config: Path, point: Path, *options: str) -> Iterator[MountProcess]:
    """Run `warpdrive-mount` on a configuration, in the foreground."""
    point.mkdir(exist_ok=True)
    argv = [str(COMMANDS / "warpdrive-mount"), "--config", str(config), *options]
    with running(argv, point, config.parent) as mount:
        yield mount


def wait_gone(pid: int, seconds: float = _STOP_SECONDS) -> bool:
    """Wait until a process that is not our child has ended (a zombie nobody reaps counts as ended)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in "ZX":
            return True
        os.sched_yield()
    return False
