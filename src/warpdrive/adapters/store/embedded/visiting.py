"""Reading what is in a data directory, whether or not its control plane runs: a visitor, never an owner.

If a control plane owns the directory, its server is used through its socket and left alone. If nobody does, a server
runs for the visit, as it would for a control plane, but nothing is made: no directory, no cluster, no role.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.embedded.binaries import binaries_for
from warpdrive.adapters.store.embedded.cluster import PORT, Cluster
from warpdrive.adapters.store.embedded.directory import ELSEWHERE, DataDirectory
from warpdrive.adapters.store.embedded.errors import DataDirectoryInUse, DataDirectoryUnusable
from warpdrive.adapters.store.embedded.postmaster import Postmaster
from warpdrive.adapters.store.embedded.roles import DATABASE, USERS
from warpdrive.adapters.store.embedded.server import EmbeddedServer
from warpdrive.adapters.store.embedded.server_log import ServerLog

_PATIENCE_S: Final = 30.0
"""For a control plane that is starting or stopping its server just now."""
_POLL_S: Final = 0.1


@asynccontextmanager
async def visited_postgres(data_dir: Path, *, elsewhere: Path = ELSEWHERE) -> AsyncIterator[DatabasePlace]:
    """Give the place of the database in a data directory for the block.

    While a visit runs its own server, a control plane cannot start there; DataDirectoryInUse tells it who is there.
    Raises EmbeddedPostgresError, before the block only: DataDirectoryUnusable when there is no cluster, or when it is
    another user's, DataDirectoryInUse when an owner does not get its server ready.
    """
    await anyio.to_thread.run_sync(_insist_on_cluster, data_dir)
    found = await _claimed_or_running(data_dir, elsewhere)
    if isinstance(found, DatabasePlace):
        yield found
        return
    try:
        async with _server(found) as place:
            yield place
    finally:
        found.release()


async def _claimed_or_running(data_dir: Path, elsewhere: Path) -> DataDirectory | DatabasePlace:
    """Take the directory, or find the server of whoever has it; wait while that is between the two."""
    deadline = anyio.current_time() + _PATIENCE_S
    while True:
        try:
            return await anyio.to_thread.run_sync(partial(DataDirectory.claim, data_dir, elsewhere=elsewhere))
        except DataDirectoryInUse:
            place = await _running(data_dir)
            if place is not None:
                return place
            if anyio.current_time() > deadline:
                raise
        await anyio.sleep(_POLL_S)


@asynccontextmanager
async def _server(directory: DataDirectory) -> AsyncIterator[DatabasePlace]:
    server = await anyio.to_thread.run_sync(_prepare, directory)
    try:
        yield await server.start()
    finally:
        with anyio.CancelScope(shield=True):
            await server.stop()


def _prepare(directory: DataDirectory) -> EmbeddedServer:
    try:
        cluster = Cluster(directory, binaries_for(directory.account, directory.home))
        cluster.ensure()
        return EmbeddedServer(cluster, directory.socket_directory(), ServerLog(directory.log))
    except OSError as fault:
        raise DataDirectoryUnusable(directory.path, fault.strerror or str(fault)) from fault


async def _running(data_dir: Path) -> DatabasePlace | None:
    """Find the server of a directory that somebody owns; None while it takes no connections."""
    found = Postmaster.adopt(data_dir / "postgres" / "data")
    if found is None:
        return None
    try:
        with anyio.move_on_after(_POLL_S):
            if await found.ready() and found.socket_directory is not None:
                return DatabasePlace(host=str(found.socket_directory), port=PORT, name=DATABASE, users=USERS)
    finally:
        found.close()  # lets go of the process, and does nothing to it
    return None


def _insist_on_cluster(data_dir: Path) -> None:
    version = data_dir / "postgres" / "data" / "PG_VERSION"
    try:
        version.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DataDirectoryUnusable(data_dir, "no control plane has kept anything there") from None
    except PermissionError:
        raise DataDirectoryUnusable(
            data_dir, "it belongs to another user", "run this as the user of the control plane, or as root"
        ) from None
