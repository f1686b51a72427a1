"""Children and mounts with one owner: what was started here is gone when the owner leaves, on any way."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 20.0
POLL_SECONDS = 0.02
HIGHEST_PORT = 55_000  # SeaweedFS takes port + 10000 for gRPC as well


class StartError(Exception):
    """Raised when a child ended, or did not become ready in time. Carries the end of its log."""


class Child:
    """One child process in a session of its own, so that Ctrl-C reaches only us and we stop it in order."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            # setpriv: the kernel ends the child if we are killed without a chance to clean up.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        """The child's process id (setpriv replaces itself by the command)."""
        return self.process.pid

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines that the child wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for a condition. Raises StartError when the child ends first or `seconds` pass."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise StartError(f"{self.name} ended with status {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} was not ready after {seconds:.0f} s:\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """End the child, first politely; returns its exit status. Safe to call twice."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not stop within {seconds:.0f} s: killed")
                self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """End the child and its children at once. Safe to call twice."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def wait_for(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition. Raises StartError, naming it, when `seconds` pass."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise StartError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.2)


def free_port(grpc: bool = False) -> int:
    """Return a free TCP port on loopback; with `grpc` port + 10000 is free as well."""
    for _ in range(200):
        with socket.socket() as probe, socket.socket() as second:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if not grpc:
                return port
            if port > HIGHEST_PORT:
                continue
            with contextlib.suppress(OSError):
                second.bind(("127.0.0.1", port + 10_000))
                return port
    raise StartError("no free port found")


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether something listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def mounts_below(folder: Path) -> list[Path]:
    """Return mount points at or below `folder`, deepest first."""
    text = Path("/proc/self/mountinfo").read_text()
    points = [Path(line.split()[4].encode().decode("unicode_escape")) for line in text.splitlines()]
    return sorted((point for point in points if point.is_relative_to(folder)), key=lambda p: -len(p.parts))


def unmount_below(folder: Path) -> None:
    """Unmount, lazily, everything at or below `folder`. Raises StartError when something stays mounted."""
    for point in mounts_below(folder):
        command = ["umount", "-l", str(point)] if os.geteuid() == 0 else ["fusermount3", "-u", "-z", str(point)]
        subprocess.run(command, check=False, capture_output=True)
    if left := mounts_below(folder):
        raise StartError(f"still mounted: {', '.join(map(str, left))}")


@contextlib.contextmanager
def workplace(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder; on leaving, mounts below it are undone before anything is deleted."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).resolve()
    try:
        yield folder
    finally:
        unmount_below(folder)
        shutil.rmtree(folder)


@contextlib.contextmanager
def signals_as_exit() -> Iterator[None]:
    """SIGTERM and SIGHUP leave through the same door as Ctrl-C: every clean-up on the way runs."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold signals back while cleaning up, so that a second Ctrl-C leaves nothing behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
