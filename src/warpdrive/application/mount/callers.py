"""Who is behind a uid, and which job behind a pid: asked once, off the loop, and remembered for a while."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import anyio.to_thread

from warpdrive.application.ports.clock import Clock

Key = TypeVar("Key")

_JOB_VARIABLE = b"SLURM_JOB_ID="


def login_name(uid: int) -> str:
    """Return the login name, or the number as text where the system knows none. May block (LDAP)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def job_of_process(pid: int) -> str:
    """Return SLURM_JOB_ID from the process's environment, or "" where it has none or may not be read."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ""
    for variable in environment.split(b"\0"):
        if variable.startswith(_JOB_VARIABLE):
            return os.fsdecode(variable[len(_JOB_VARIABLE) :])
    return ""


class Directory(Generic[Key]):
    """A small memory of answers to a question that may block."""

    def __init__(self, ask: Callable[[Key], str], clock: Clock, *, lifetime: float, capacity: int = 4096) -> None:
        self._ask = ask
        self._clock = clock
        self._lifetime = lifetime
        """Seconds an answer is believed: numbers are given to other users and processes in time."""
        self._capacity = capacity
        self._answers: dict[Key, tuple[float, str]] = {}

    def known(self, key: Key) -> bool:
        """Whether the answer is here and young enough."""
        answer = self._answers.get(key)
        return answer is not None and self._clock.monotonic() - answer[0] < self._lifetime

    async def resolve(self, key: Key) -> str:
        """Return the answer, asking in a worker thread when it is not known."""
        if not self.known(key):
            text = await anyio.to_thread.run_sync(self._ask, key, abandon_on_cancel=True)
            self._answers.pop(key, None)  # a new answer goes to the young end
            while len(self._answers) >= self._capacity:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = (self._clock.monotonic(), text)
        return self._answers[key][1]
