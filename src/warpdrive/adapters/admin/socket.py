"""A unix socket that is private from its first moment, and has one owner.

The owner holds a lock on `<path>.lock` as long as it lives; the kernel gives it back when it dies,
however it dies. So a socket file without a locked lock belongs to a dead agent and is replaced, and two
agents never fight over one.
"""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LONGEST: Final = 107
"""Bytes that `sockaddr_un` has room for (unix(7))."""

_PRIVATE: Final = 0o177
"""The umask that leaves a socket with mode 0600."""


class AdminSocketError(Exception):
    """Raised when the admin socket cannot be made. `path` as configured (`agent.admin_socket`)."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"agent.admin_socket: {path}: {why}")
        self.path = path


class AdminSocketInUse(AdminSocketError):
    """Raised when another live process answers there."""


@contextmanager
def admin_socket(path: Path) -> Iterator[socket.socket]:
    """Bind `path` for the block, mode 0600, and remove it afterwards. Gives the bound socket, not yet listening.

    A missing parent folder is made (0700). Raises AdminSocketInUse when a live agent has it, AdminSocketError when
    the path is too long, names something that is no socket, or cannot be bound.
    """
    if len(os.fsencode(path)) > _LONGEST:
        raise AdminSocketError(path, f"a unix socket's path has at most {_LONGEST} bytes; choose a shorter one")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise AdminSocketError(path, error.strerror or str(error)) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AdminSocketInUse(path, "another agent has it; give each agent its own") from None
        _clear(path)
        with _bound(path) as listener:
            made = path.stat().st_ino
            try:
                yield listener
            finally:
                _unlink_own(path, made)
    finally:
        os.close(lock)  # the empty lock file stays: removing it would let two agents lock two files of one name


def _clear(path: Path) -> None:
    """Remove what a dead agent left. A socket that somebody answers is not ours, whatever the lock says."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise AdminSocketError(path, "something that is no socket is in the way")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
        except OSError as error:
            raise AdminSocketError(path, f"cannot tell whose it is: {error}") from None
        else:
            raise AdminSocketInUse(path, "another process answers there")


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mode must be right when the name appears: chmod afterwards would leave a moment for others. The umask
    # belongs to the whole process; a file that another thread makes in this moment gets fewer rights, never more.
    before = os.umask(_PRIVATE)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        why = "the folder may not be written" if error.errno == errno.EACCES else error.strerror or str(error)
        raise AdminSocketError(path, why) from None
    finally:
        os.umask(before)
    return listener


def _unlink_own(path: Path, made: int) -> None:
    try:
        if path.lstat().st_ino == made:
            path.unlink()
    except FileNotFoundError:
        return  # somebody tidied up before us
