"""Into the background, honestly: the command returns 0 only when the mount answers, and its error otherwise.

The fork happens before any loop, thread or connection exists. The child tells its parent over a pipe: one line
"ready", or the text of what went wrong; end of file without either is a crash.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable

READY_SECONDS = 90.0
"""How long the parent waits. Backends do not count: a mount comes up without them."""

_READY = b"ready\n"
_CHUNK = 65536


class Background:
    """The child's end of the pipe."""

    def __init__(self, pipe: int, log_file: str | None) -> None:
        self._pipe = pipe
        self._log_file = log_file

    def ready(self) -> None:
        """Release the parent with success, and let go of its terminal."""
        self._redirect_output()
        os.write(self._pipe, _READY)
        os.close(self._pipe)

    def fail(self, message: str) -> None:
        """Hand the parent the error that it shall print."""
        os.write(self._pipe, message.encode("utf-8", "backslashreplace"))
        os.close(self._pipe)

    def _redirect_output(self) -> None:
        """Until now standard error was the parent's, so that libfuse's own words were seen."""
        sys.stdout.flush()
        sys.stderr.flush()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        sink = os.open(self._log_file or os.devnull, flags, 0o640)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        os.close(sink)


def detach(log_file: str | None) -> Background | int:
    """Fork. In the child returns the `Background`; in the parent waits, then returns the command's exit status."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return _wait(child, reading)
    os.close(reading)
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return Background(writing, log_file)


def _wait(child: int, pipe: int) -> int:
    said = b""
    deadline = time.monotonic() + READY_SECONDS
    with open(pipe, "rb", buffering=0) as answers:
        while said != _READY:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([answers], [], [], left)[0]:
                os.kill(child, signal.SIGTERM)
                return _failed(f"the mount did not come up within {READY_SECONDS:.0f} seconds")
            chunk = answers.read(_CHUNK)
            if not chunk:
                break
            said += chunk
    if said == _READY:
        return 0
    _, status = os.waitpid(child, 0)
    return _failed(
        said.decode("utf-8", "replace").strip()
        or f"the background process ended with status {os.waitstatus_to_exitcode(status)} before it was ready"
    )


def _failed(message: str) -> int:
    print(f"warpdrive-mount: {message}", file=sys.stderr)
    return 1


def run_detached(log_file: str | None, work: Callable[[Callable[[], None]], None]) -> int:
    """Run `work(announce)` in the background; returns an exit status, in the parent and later in the child.

    What `work` raises before it announced is printed by the parent as one line; afterwards it is raised here.
    """
    background = detach(log_file)
    if isinstance(background, int):
        return background
    announced = False

    def announce() -> None:
        nonlocal announced
        announced = True
        background.ready()

    try:
        work(announce)
    except Exception as fault:
        if announced:
            raise
        background.fail(str(fault) or repr(fault))
        return 1
    return 0
