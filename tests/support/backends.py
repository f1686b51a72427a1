"""What tests do to a database's connections from outside: hold its lock, end its backends, take it away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from tests.support.postgres import superuser
from warpdrive.adapters.store.connecting import DatabasePlace

LOCK = "LOCK TABLE public.warpdrive_events IN EXCLUSIVE MODE"

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.warpdrive_events'::regclass"
_END = """
    SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
    WHERE datname = $1 AND application_name LIKE $2 AND pid <> pg_backend_pid()
"""


class HeldLock:
    """The lock on the events, held by somebody else."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def waited_for(self) -> None:
        """Wait until somebody waits for it."""
        with anyio.fail_after(20):
            while not await self._connection.fetchval(_WAITING):
                pass

    async def let_go(self) -> None:
        """Release it."""
        await self._connection.execute("ROLLBACK")


@asynccontextmanager
async def held_lock(place: DatabasePlace) -> AsyncIterator[HeldLock]:
    """Hold the lock that every append needs, for the block or until it is let go."""
    async with superuser(place, inside=True) as connection:
        await connection.execute(f"BEGIN; {LOCK}")
        held = HeldLock(connection)
        yield held


async def end_backends(place: DatabasePlace, application_name: str = "%") -> int:
    """End the backends of one database whose application's name is like that, and return how many there were."""
    async with superuser(place) as connection:
        return int(await connection.fetchval(_END, place.name, application_name))


@asynccontextmanager
async def taken_away(place: DatabasePlace) -> AsyncIterator[None]:
    """Have no database of that name for the block: connections end, new ones are refused."""
    async with superuser(place) as connection:
        await connection.execute(f'ALTER DATABASE "{place.name}" ALLOW_CONNECTIONS false')
        await end_backends(place, "warpdrive%")  # ours first: nobody of us is to be helped by the end of the others
        await end_backends(place)
        await connection.execute(f'ALTER DATABASE "{place.name}" RENAME TO "{place.name}_away"')
        await connection.execute(f'ALTER DATABASE "{place.name}_away" ALLOW_CONNECTIONS true')
        try:
            yield
        finally:
            await connection.execute(f'ALTER DATABASE "{place.name}_away" RENAME TO "{place.name}"')
