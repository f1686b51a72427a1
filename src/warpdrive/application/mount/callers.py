"""Who is behind a uid, and which job behind a pid: asked once, off the loop, and remembered for a while.

A job is what a batch system says in the process's environment or in the name of its control group, or the Kubernetes
pod that the control group belongs to.
"""

import os
import pwd
import re
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import anyio.to_thread

from warpdrive.application.ports.clock import Clock

Key = TypeVar("Key")

_JOB_VARIABLE = re.compile(rb"(?:^|\0)SLURM_JOB_ID=([0-9A-Za-z_.+\[\]-]{1,64})(?:\0|$)")
"""Anybody can set it, so it must look like a job id."""

_POD = "pod:"

_SLURM_GROUP = re.compile(r"/job_(\d+)(?:/|$)")
"""Slurm's cgroup plugins: /slurm/uid_1000/job_42/step_0 (v1), /system.slice/slurmstepd.scope/job_42/step_0 (v2)."""

_POD_GROUP = re.compile(
    r"/kubepods(?:[./-][^/]*)?(?:/[^/]*)*?"  # the kubelet's root group, with a class of service below it
    r"/(?:kubepods-(?:[a-z]+-)?)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?:/|$)"
)
"""kubepods-burstable-pod0f5e_....slice (systemd, "_" for "-") or kubepods/burstable/pod0f5e-... (cgroupfs); pods that
a node runs from files have 32 digits."""


def login_name(uid: int) -> str:
    """Return the login name, or the number as text where the system knows none. May block (LDAP)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def job_of_process(pid: int) -> str:
    """Return the Slurm job that the process's control group names, else its environment; else its pod; else "".

    What may not be read, or is gone, says nothing.
    """
    job = job_of_groups(os.fsdecode(_read(f"/proc/{pid}/cgroup")))
    if not job or job.startswith(_POD):
        said = _JOB_VARIABLE.search(_read(f"/proc/{pid}/environ"))
        job = said.group(1).decode("ascii") if said is not None else job
    return job


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def job_of_groups(text: str) -> str:
    """Return the job that /proc/PID/cgroup tells: Slurm's id, or "pod:<uid>"; "" for neither.

    A line is "hierarchy:controllers:path"; with cgroups v1 there are several.
    """
    paths = [line.split(":", 2)[2] for line in text.splitlines() if line.count(":") >= 2]  # noqa: PLR2004 - its parts
    for path in paths:
        if (job := _SLURM_GROUP.search(path)) is not None:
            return job.group(1)
    for path in paths:
        if (pod := _POD_GROUP.search(path)) is not None:
            return f"{_POD}{pod.group(1).replace('_', '-')}"
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

    def remembered(self, key: Key) -> str | None:
        """Return the answer if it is here and young enough."""
        answer = self._answers.get(key)
        if answer is None or self._clock.monotonic() - answer[0] >= self._lifetime:
            return None
        return answer[1]

    async def resolve(self, key: Key) -> str:
        """Return the answer, asking in a worker thread when it is not known."""
        known = self.remembered(key)
        if known is not None:
            return known
        text = await anyio.to_thread.run_sync(self._ask, key, abandon_on_cancel=True)
        self._answers.pop(key, None)  # a new answer goes to the young end
        while len(self._answers) >= self._capacity:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = (self._clock.monotonic(), text)
        return text
