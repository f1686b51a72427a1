"""Somebody without rights: tests often run as root, who may look everywhere."""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_NOBODY = 65_534


def as_nobody(job: Callable[[], Answer]) -> Answer:
    """Run a job as a user who is nobody where files are concerned; what it raises is raised.

    In a thread of its own: to the kernel that is who looks, and it takes root's rights along when it ends. Who is not
    root runs it as is.
    """
    if os.geteuid() != 0:
        return job()
    answers: list[Answer] = []
    faults: list[BaseException] = []

    def run() -> None:
        libc = ctypes.CDLL(None)
        libc.setfsgid(_NOBODY)
        libc.setfsuid(_NOBODY)
        try:
            answers.append(job())
        except BaseException as fault:  # noqa: BLE001 - raised by the caller
            faults.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
    return answers[0]
