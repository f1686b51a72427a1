"""Free ports, waiting with a deadline, and servers as child processes that are stopped by their own pid."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

Address = tuple[str, int]

LOOPBACK = "127.0.0.1"
_POLL_S = 0.02


class DeadlinePassedError(AssertionError):
    """Raised when a condition did not come true in time."""


def free_port(*, below: int = 65536) -> int:
    """Return a loopback TCP port nobody listens on now. SeaweedFS adds 10000 to a port: ask `below=55000`."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port < below:
            return port


def accepts(address: Address) -> bool:
    """Say whether somebody accepts TCP connections at the address."""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1.0):
        return True
    return False


def wait_until(condition: Callable[[], bool], *, within: float = 20.0, what: str = "the condition") -> None:
    """Block until `condition()` is true; raise DeadlinePassedError after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise DeadlinePassedError(f"{what} did not come true within {within} s")
        time.sleep(_POLL_S)


async def wait_until_async(condition: Callable[[], bool], *, within: float = 20.0, what: str = "the condition") -> None:
    """Like `wait_until`, on the event loop."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise DeadlinePassedError(f"{what} did not come true within {within} s")
        await asyncio.sleep(_POLL_S)


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], bool] | None = None,
    env: Mapping[str, str] | None = None,
    within: float = 30.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the block; its output goes to `log`, which a failure to start quotes.

    The child gets a session of its own, and its whole group is ended by that pid: first SIGTERM, then
    SIGKILL.
    """
    with log.open("wb") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        if ready is not None:
            wait_until(lambda: child.poll() is not None or ready(), within=within, what=f"{argv[0]} being ready")
        if child.poll() is not None:
            tail = log.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{argv[0]} ended with {child.returncode}:\n{tail}")
        yield child
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return
