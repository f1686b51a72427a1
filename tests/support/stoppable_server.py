"""A PostgreSQL of its own that a test stops, starts, freezes and makes read-only, while others are its clients."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.support.control_planes import children
from tests.support.embedded_owner import embedded_owner, postmaster_pid
from tests.support.postgres import superuser
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.embedded.cluster import PORT
from warpdrive.adapters.store.embedded.roles import DATABASE, USERS


class StoppableServer:
    """Runs while it is entered. `place` stays the same over stops and starts."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._home = scratch / "server"
        self._running = contextlib.ExitStack()
        self.place = DatabasePlace(host=str(self._home / "postgres" / "socket"), port=PORT, name=DATABASE, users=USERS)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start, and return once it takes connections."""
        self._running.enter_context(embedded_owner(self._home, self._scratch))

    def stop(self) -> None:
        """Stop: connections are ended, and nobody listens any more."""
        self._running.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let every process of it stand still for the block, as when its machine vanishes: silence, no refusal."""
        postmaster = postmaster_pid(self._home)
        os.kill(postmaster, signal.SIGSTOP)  # first, so that it makes no further ones
        pids = [postmaster, *children(postmaster)]
        try:
            for pid in pids[1:]:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    async def crash(self, application: str) -> None:
        """Kill the session of a client: the server takes its memory for spoilt, ends all others, and recovers."""
        async with superuser(self.place) as connection:
            pid = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE application_name = $1 LIMIT 1", application
            )
        os.kill(pid, signal.SIGKILL)

    async def read_only(self) -> None:
        """Begin sessions read-only from now on, and end those there are."""
        async with superuser(self.place) as connection:
            await connection.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", DATABASE
            )

    async def writable(self) -> None:
        """Begin sessions as usual again; those there are stay read-only."""
        async with superuser(self.place) as connection:
            await connection.execute(f"ALTER DATABASE {DATABASE} RESET default_transaction_read_only")
