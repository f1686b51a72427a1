"""The embedded server's life: claim, start or adopt, provision, keep running, stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from signal import Signals
from typing import Final

import anyio
import anyio.to_thread
import structlog

from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.embedded.binaries import binaries_for, drop_old_copies
from warpdrive.adapters.store.embedded.cluster import PORT, Cluster
from warpdrive.adapters.store.embedded.directory import ELSEWHERE, DataDirectory
from warpdrive.adapters.store.embedded.errors import DataDirectoryUnusable, ServerDidNotStart
from warpdrive.adapters.store.embedded.postmaster import Postmaster, disown
from warpdrive.adapters.store.embedded.roles import DATABASE, USERS, provision
from warpdrive.adapters.store.embedded.server_log import ServerLog

_START_PATIENCE_S: Final = 120.0
"""Recovery after a crash replays the log since the last checkpoint, five minutes of writing at most."""
_RETRY_S: Final = 0.25
_RETRY_PATIENCE_S: Final = 30.0
_PASSING: Final = "pre-existing shared memory block"
"""Words of a start that meets children of a killed server which have not noticed yet; they end by themselves."""

_FIRST_BACKOFF_S: Final = 0.2
_LONGEST_BACKOFF_S: Final = 5.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def embedded_postgres(
    data_dir: Path, *, durable: bool = True, elsewhere: Path = ELSEWHERE
) -> AsyncIterator[DatabasePlace]:
    """Run PostgreSQL on `data_dir` for the block; yields where its database `warpdrive` is.

    A server that a killed process left behind is adopted. One that dies during the block is started again, until
    that works: connections break, the place stays the same. The server stops with the block.
    `durable` False turns fsync off, for tests. `elsewhere` is where the server's files go when its user cannot
    enter `data_dir` (see `directory`). Raises EmbeddedPostgresError, or DatabaseError when the server that runs cannot
    be entered; both before the block only.
    """
    directory = await anyio.to_thread.run_sync(partial(DataDirectory.claim, data_dir, elsewhere=elsewhere))
    try:
        server = await anyio.to_thread.run_sync(_prepare, directory, durable)
        try:
            place = await server.start()
            await provision(place)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.keep)
                try:
                    yield place
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await server.stop()
    finally:
        directory.release()


def _prepare(directory: DataDirectory, durable: bool) -> "EmbeddedServer":
    try:
        cluster = Cluster(directory, binaries_for(directory.account, directory.home), durable)
        cluster.ensure()
        return EmbeddedServer(cluster, directory.socket_directory(), ServerLog(directory.log))
    except OSError as fault:
        raise DataDirectoryUnusable(directory.path, fault.strerror or str(fault)) from fault


class EmbeddedServer:
    """One cluster's server; at most one process at a time."""

    def __init__(self, cluster: Cluster, socket_directory: Path, log: ServerLog) -> None:
        self._cluster = cluster
        self._socket_directory = socket_directory
        self._log = log
        self._postmaster: Postmaster | None = None

    async def start(self) -> DatabasePlace:
        """Adopt or start the server; returns where it is. Raises ServerDidNotStart."""
        if await self._adopt():
            _log.info("PostgreSQL adopted", cluster=str(self._cluster.path))
        else:
            await self._launch()
            home = self._cluster.directory.home
            await anyio.to_thread.run_sync(drop_old_copies, home, self._cluster.binaries)
        return DatabasePlace(host=str(self._socket_directory), port=PORT, name=DATABASE, users=USERS)

    async def keep(self) -> None:
        """Start the server again whenever it ends, and keep its log from growing. Runs until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._log.keep_short)
            while True:
                assert self._postmaster is not None, "keep follows start"
                await self._postmaster.ended()
                self._forget(self._postmaster)
                _log.error("PostgreSQL ended, starting it again", said=self._log.tail())
                await self._launch_again()

    async def stop(self) -> None:
        """End the server, if there is one."""
        if self._postmaster is not None:
            sign = await self._discard(self._postmaster)
            _log.info("PostgreSQL stopped", cluster=str(self._cluster.path), by=sign.name)

    async def _adopt(self) -> bool:
        found = Postmaster.adopt(self._cluster.path)
        if found is None:
            return False
        self._postmaster = found
        with anyio.move_on_after(_START_PATIENCE_S):
            if await found.ready():
                self._socket_directory = found.socket_directory or self._socket_directory
                return True
        await self._discard(found)
        return False

    async def _launch(self) -> None:
        """Start the server; again for a while when what stands in the way goes by itself."""
        deadline = anyio.current_time() + _RETRY_PATIENCE_S
        while True:
            fault = await self._launch_once()
            if fault is None:
                return
            if _PASSING not in fault.said or anyio.current_time() > deadline:
                raise fault
            _log.warning("PostgreSQL not started yet", said=fault.said)
            await anyio.sleep(_RETRY_S)

    async def _launch_once(self) -> ServerDidNotStart | None:
        try:
            await anyio.to_thread.run_sync(disown, self._cluster.path, self._socket_directory)
            begin, launched = await anyio.to_thread.run_sync(self._spawn)
        except OSError as fault:
            return ServerDidNotStart(self._cluster.path, fault.strerror or str(fault), "")
        self._postmaster = launched
        why = f"it did not become ready within {_START_PATIENCE_S:.0f} s"
        with anyio.move_on_after(_START_PATIENCE_S):
            if await launched.ready():
                return None
            why = "it ended while starting"
        await self._discard(launched)
        return ServerDidNotStart(self._cluster.path, why, self._log.tail(begin))

    def _spawn(self) -> tuple[int, Postmaster]:
        """Start the process; returns where in the log its words begin, too."""
        with self._log.open() as output:
            return output.tell(), Postmaster.launch(self._cluster, self._socket_directory, output)

    async def _launch_again(self) -> None:
        """Like `_launch`, without ever giving up: a full disk may have room again in an hour."""
        backoff = _FIRST_BACKOFF_S
        while True:
            try:
                if not await self._adopt():
                    await self._launch()
            except (ServerDidNotStart, OSError) as fault:
                _log.error("PostgreSQL does not start", fault=str(fault), again_in_s=backoff)
                await anyio.sleep(backoff)
                backoff = min(backoff * 2, _LONGEST_BACKOFF_S)
            else:
                _log.info("PostgreSQL runs again")
                return

    async def _discard(self, postmaster: Postmaster) -> Signals:
        sign = await postmaster.stop()
        self._forget(postmaster)
        return sign

    def _forget(self, postmaster: Postmaster) -> None:
        postmaster.close()
        self._postmaster = None
