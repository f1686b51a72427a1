"""The directory a tree is mounted on: is it fit, and what to do about a dead mount found there.

A mount whose process died without unmounting answers ENOTCONN for ever; it is taken away lazily and the start goes
on. A mount that is alive, or that hangs, is somebody else's and is refused.
"""

import errno
import os
import queue
import shutil
import stat
import subprocess
import threading

import structlog

from warpdrive.adapters.fuse.mount_table import mount_at

_log = structlog.get_logger(__name__)

_PROBE_SECONDS = 3.0
_UNMOUNT_SECONDS = 10.0
_MOST_STACKED = 8
"""Dead mounts taken from one directory before giving up: crash loops do stack them."""


class MountFault(Exception):
    """Base of what stops a mount from coming up. The message is for the person who typed the command."""


class MountPointUnfit(MountFault):
    """Raised when the mount point is missing, busy, not a directory, or not empty."""


class MountRefused(MountFault):
    """Raised when the system refuses the mount itself (no /dev/fuse, no rights, option not permitted)."""


def prepare(path: str, *, allow_non_empty: bool = False) -> str:
    """Check the mount point and clear dead mounts from it; returns its absolute, normal path.

    A directory with entries is refused unless `allow_non_empty`: mounting would hide them without a word.
    Raises MountPointUnfit.
    """
    point = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links through the dead mount itself
    point = os.path.join(os.path.realpath(os.path.dirname(point)), os.path.basename(point))  # noqa: PTH118, PTH119, PTH120 - the same
    for _ in range(_MOST_STACKED):
        answer = _probe(point)
        if answer == errno.ENOTCONN:
            _log.warning("dead mount found, unmounting it", mount_point=point)
            unmount_lazily(point)
            continue
        _refuse_unfit(point, answer)
        if not allow_non_empty and os.listdir(point):  # noqa: PTH208 - no entry objects needed
            raise MountPointUnfit(
                f"{point}: mount point is not empty: mounting would hide what is in it "
                "(use an empty directory, or -o nonempty to mount over it anyway)"
            )
        return point
    raise MountPointUnfit(f"{point}: still covered by dead mounts after unmounting {_MOST_STACKED} of them")


def _refuse_unfit(point: str, answer: int | os.stat_result) -> None:
    mount = mount_at(point)
    if mount is not None:
        state = "does not answer" if answer == errno.ETIMEDOUT else "is in use"
        raise MountPointUnfit(
            f"{point}: mount point is busy: {mount.source} (type {mount.type}) is mounted there and {state}; "
            f"unmount it first: umount {point}"
        )
    if answer == errno.ENOENT:
        raise MountPointUnfit(f"{point}: mount point does not exist: create it first: mkdir -p {point}")
    if isinstance(answer, int):
        raise MountPointUnfit(f"{point}: mount point cannot be used: {os.strerror(answer)}")
    if not stat.S_ISDIR(answer.st_mode):
        raise MountPointUnfit(f"{point}: mount point is not a directory")


def _probe(point: str) -> int | os.stat_result:
    """Ask the directory from a thread of its own, because a mount whose process hangs never answers.

    statvfs comes first: the kernel answers stat of a dead mount's root from its cache for a while.
    """
    answers: queue.SimpleQueue[int | os.stat_result] = queue.SimpleQueue()

    def ask() -> None:
        try:
            os.statvfs(point)
            answers.put(os.stat(point))  # noqa: PTH116 - one system call, no path object
        except OSError as fault:
            answers.put(fault.errno or errno.EIO)

    threading.Thread(target=ask, name="mount-point-probe", daemon=True).start()
    try:
        return answers.get(timeout=_PROBE_SECONDS)
    except queue.Empty:
        return errno.ETIMEDOUT


def unmount_lazily(point: str) -> None:
    """Take the mount out of the tree at once, even if files are open on it. Raises MountPointUnfit."""
    commands = [("umount", "-l"), ("fusermount3", "-uz")]
    if os.geteuid() != 0:
        commands.reverse()
    said = []
    for name, flags in commands:
        program = shutil.which(name)
        if program is None:
            said.append(f"{name} is not installed")
            continue
        done = subprocess.run(  # noqa: S603 - a system program, a path of our own, no shell
            [program, flags, "--", point], capture_output=True, text=True, timeout=_UNMOUNT_SECONDS, check=False
        )
        if done.returncode == 0:
            return
        said.append(done.stderr.strip())
    raise MountPointUnfit(f"{point}: cannot unmount: {'; '.join(said)}")
