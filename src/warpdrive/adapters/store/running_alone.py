"""One runner at a time across all control planes, by an advisory lock on a connection of the runner's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.application.ports.event_store import StoreUnavailable

_CLOSE_PATIENCE_S: Final = 0.5


@asynccontextmanager
async def running_alone(place: DatabasePlace, lock: int, name: str) -> AsyncIterator[bool]:
    """Be the one that holds the lock while the block runs; gives False when another process does.

    The lock goes with the connection: the block is then cancelled and StoreUnavailable raised after it. `name` is how
    the connection calls itself. Raises StoreUnavailable before the block, too.
    """
    with told_as_store_errors():
        connection = await connect(
            place,
            Role.APP,
            application_name=name,
            # Seconds and tries: a runner whose machine vanished keeps its lock for no longer than this.
            tcp_keepalives_idle="5",
            tcp_keepalives_interval="1",
            tcp_keepalives_count="3",
        )
    try:
        with told_as_store_errors():
            alone = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock))
        if not alone:
            yield False
            return
        with anyio.CancelScope() as scope:

            def lost(_: object) -> None:
                scope.cancel()

            connection.add_termination_listener(lost)
            yield True
            connection.remove_termination_listener(lost)
        if scope.cancelled_caught:
            raise StoreUnavailable("the runner's connection was lost, and its lock with it")
    finally:
        await hang_up(connection, patience_s=_CLOSE_PATIENCE_S)
