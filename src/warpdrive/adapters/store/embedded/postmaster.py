"""The server's process: started, or adopted when a killed control plane left it behind; watched; stopped.

Everything goes through a pidfd, so that a number which meanwhile belongs to another process is never signalled.
The child is ours and not a daemon's (pg_ctl would make it an orphan): in a container whose first process is this
one, nobody else would collect it when it dies, and PostgreSQL takes an uncollected server for a running one.
"""

import os
import signal
import subprocess
from pathlib import Path
from typing import BinaryIO, Final

import anyio

from warpdrive.adapters.store.embedded.account import process_identity
from warpdrive.adapters.store.embedded.cluster import ENVIRONMENT, PORT, Cluster

_PID_FILE: Final = "postmaster.pid"
_SOCKET_LOCK: Final = f".s.PGSQL.{PORT}.lock"
_SOCKET_LINE: Final = 4
_STATUS_LINE: Final = 7
_POLL_S: Final = 0.02

_STEPS: Final = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""How to stop: fast (roll back, write a checkpoint), immediate (recover at the next start), by force; seconds."""


class Postmaster:
    """A running server. Build with `launch` or `adopt`; `close` when it has ended."""

    def __init__(self, pid: int, pidfd: int, cluster: Path, child: "subprocess.Popen[bytes] | None") -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._cluster = cluster
        self._child = child

    @classmethod
    def launch(cls, cluster: Cluster, socket_directory: Path, log: BinaryIO) -> "Postmaster":
        """Start the server as a process in a session of its own: Ctrl-C in a terminal is for us to handle."""
        child = subprocess.Popen(  # noqa: S603 - our own program and paths
            cluster.command(socket_directory),
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=0o077,
            **process_identity(cluster.directory.account),
        )
        return cls(child.pid, os.pidfd_open(child.pid), cluster.path, child)

    @classmethod
    def adopt(cls, cluster: Path) -> "Postmaster | None":
        """Return the server that runs on the cluster already, or None."""
        pid = _recorded(cluster, 0)
        if pid is None or not pid.isdigit():
            return None
        try:
            pidfd = os.pidfd_open(int(pid))
        except ProcessLookupError:
            return None
        try:
            # A server works in its cluster's directory; a stranger with a reused number does not.
            ours = Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
        except OSError:  # a process that has ended has no directory any more
            ours = False
        if not ours:
            os.close(pidfd)
            return None
        return cls(int(pid), pidfd, cluster, None)

    @property
    def adopted(self) -> bool:
        """Whether another process started it."""
        return self._child is None

    @property
    def socket_directory(self) -> Path | None:
        """Where the running server says that its socket is; None while it says nothing."""
        said = _recorded(self._cluster, _SOCKET_LINE)
        return Path(said) if said else None

    async def ready(self) -> bool:
        """Wait until it takes connections; False when it ended, or is ending, instead."""
        while True:
            if self._ended():
                return False
            if _recorded(self._cluster, 0) == str(self.pid):
                status = _recorded(self._cluster, _STATUS_LINE)
                if status in {"ready", "stopping"}:
                    return status == "ready"
            await anyio.sleep(_POLL_S)

    async def ended(self) -> None:
        """Wait until the process has ended."""
        if not self._ended():
            await anyio.wait_readable(self._pidfd)  # what a pidfd becomes when its process ends

    async def stop(self) -> signal.Signals:
        """End it, by force if need be; returns the signal that did it."""
        for sign, patience in _STEPS:
            self._send(sign)
            with anyio.move_on_after(patience):
                await self.ended()
                return sign
        raise AssertionError("a killed process has ended")

    def close(self) -> None:
        """Collect what is left of an ended process."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
            if self._child is not None:
                self._child.wait()

    def _send(self, sign: signal.Signals) -> None:
        try:
            signal.pidfd_send_signal(self._pidfd, sign)
        except ProcessLookupError:
            return  # it has ended, which is what the signal was for

    def _ended(self) -> bool:
        if self._child is not None:
            return self._child.poll() is not None
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        return state in {"Z", "X"}


def disown(cluster: Path, socket_directory: Path) -> None:
    """Make the notes that a dead server left harmless. Only for who owns the cluster, when `adopt` found nobody.

    The number in a note may be a process that nobody has collected yet, or by now a stranger of the same user;
    PostgreSQL would take either for a rival and not start. In the cluster's note our own number takes its place:
    the server passes over its parent's. The other lines stay, for by the memory segment's key it finds out
    whether children of the dead server are still at work. The socket's note holds nothing but the number.
    """
    (socket_directory / _SOCKET_LOCK).unlink(missing_ok=True)
    note = cluster / _PID_FILE
    try:
        _, rest = note.read_bytes().split(b"\n", 1)
        owner = note.stat()
    except FileNotFoundError:
        return
    fresh = cluster / f"{_PID_FILE}.new"
    fresh.write_bytes(b"%d\n" % os.getpid() + rest)
    fresh.chmod(0o600)
    os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(note)


def _recorded(cluster: Path, line: int) -> str | None:
    """Return one line of the server's own note about itself."""
    try:
        lines = (cluster / _PID_FILE).read_text("utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return None
    return lines[line].strip() if line < len(lines) else None
