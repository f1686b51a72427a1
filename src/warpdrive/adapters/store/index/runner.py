"""The lock of the storage index, and the connection that holds it.

All writing goes over that connection: when it is lost, the lock is free and nothing of ours can come through any more.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import asyncpg

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.index import ending, merging, owning
from warpdrive.adapters.store.index.crawls import PostgresRunningCrawls
from warpdrive.adapters.store.index.numbers import Numbers
from warpdrive.adapters.store.index.objects import PostgresObjectIndex
from warpdrive.adapters.store.index.owning import PostgresOwnerIndex
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.storage_index import IndexWriter

_WRITER: Final = int.from_bytes(b"warpindx", "big")
"""Number of the advisory lock: bytes that nobody else picks by chance."""
_CLOSE_PATIENCE_S: Final = 0.5
_PATIENCE_S: Final = 600.0
"""For one statement: the end of a crawl of many millions of objects is one."""


class PostgresStorageIndex:
    """`StorageIndex`: each holder has a connection of its own."""

    def __init__(self, place: DatabasePlace) -> None:
        self._place = place

    @asynccontextmanager
    async def running(self) -> AsyncIterator[IndexWriter | None]:
        """See the port."""
        async with self._connection() as connection:
            with told_as_store_errors():
                held = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _WRITER)
                if held:
                    await connection.execute(merging.TEMPORARY + ending.TEMPORARY + owning.TEMPORARY)
            if not held:
                yield None
                return
            with anyio.CancelScope() as scope:

                def lost(_: object) -> None:
                    scope.cancel()

                connection.add_termination_listener(lost)
                yield _writer(connection)
                connection.remove_termination_listener(lost)
            if scope.cancelled_caught:
                raise StoreUnavailable("the crawler's connection was lost, and its lock with it")

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        with told_as_store_errors():
            connection = await connect(
                self._place,
                Role.APP,
                application_name="warpdrive crawler",
                patience_s=_PATIENCE_S,
                # What was merged last may be lost in a crash of the server, together with the note that it was:
                # then it is listed again. Ends of crawls wait for the disk, and for all before them.
                synchronous_commit="off",
                # Seconds and tries: a runner whose machine vanished keeps its lock for no longer than this.
                tcp_keepalives_idle="5",
                tcp_keepalives_interval="1",
                tcp_keepalives_count="3",
            )
        try:
            yield connection
        finally:
            await hang_up(connection, patience_s=_CLOSE_PATIENCE_S)


def _writer(connection: "asyncpg.Connection[asyncpg.Record]") -> IndexWriter:
    numbers = Numbers(connection)
    return IndexWriter(
        crawls=PostgresRunningCrawls(connection),
        objects=PostgresObjectIndex(connection, numbers),
        owners=PostgresOwnerIndex(connection, numbers),
    )
