"""Runs an embedded PostgreSQL until it is ended: `python -m tests.support.embedded_owner DATA_DIR [USER]`.

Prints one line, the directory of the socket, when the server is there. With USER, root becomes that user first.
"""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import anyio

from tests.support.ports import running, wait_until
from warpdrive.adapters.store.embedded import embedded_postgres


@contextmanager
def embedded_owner(
    data_dir: Path, scratch: Path, *user: str, site: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the process for the block, the server being ready; packages in `site` go before the installed ones."""
    log = scratch / "owner.log"
    argv = [sys.executable, "-m", "tests.support.embedded_owner", str(data_dir), *user]
    with running(
        argv, log=log, env={"PYTHONPATH": str(site)} if site else None, ready=lambda: "socket:" in log.read_text()
    ) as owner:
        yield owner


def postmaster_pid(data_dir: Path) -> int:
    """Return the pid that the server noted about itself."""
    return int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


def runs(pid: int) -> bool:
    """Say whether a process lives; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pid: int) -> None:
    """Block until the process has ended."""
    wait_until(lambda: not runs(pid), what=f"the end of process {pid}")


async def _own(data_dir: Path) -> None:
    async with embedded_postgres(data_dir) as place:
        print(f"socket: {place.host}", flush=True)  # noqa: T201 - the parent reads it
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                return


def _become(name: str) -> None:
    """Drop root for good. What Python would load later must be loaded now: its own files may be closed to the user."""
    import_module("anyio._backends._asyncio")
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        _become(wanted)
    anyio.run(_own, Path(sys.argv[1]))
