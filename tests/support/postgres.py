"""One embedded PostgreSQL per test session, a fresh database per test. A pytest plugin, named in tests/conftest.py.

    async def test_something(fresh_database: FreshDatabase) -> None:
        place = await fresh_database()

Databases are empty, the owner's, and dropped when the test ends; `migrated_database` makes them with every table of
ours, by copying one that was migrated once: less than half the time of a migration. The server forgets data when the
machine stops (fsync is off), which makes a database in some 50 ms; kill and recovery have servers of their own.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from anyio.from_thread import start_blocking_portal

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.embedded.roles import as_superuser, create_database
from warpdrive.adapters.store.migrating import migrate

FreshDatabase = Callable[[], Awaitable[DatabasePlace]]

_PREFIX = "warpdrive-test-postgres-"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DatabasePlace]:
    """Run the session's server; returns its database `warpdrive`, which nobody should write to."""
    _sweep()
    # Not below pytest's own folders: those are closed to the server's user.
    scratch = Path(tempfile.mkdtemp(prefix=_PREFIX))
    scratch.chmod(0o711)
    try:
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(embedded_postgres(scratch / "control", durable=False)) as place,
        ):
            yield place
    finally:
        shutil.rmtree(scratch)


@pytest.fixture
async def fresh_database(postgres_server: DatabasePlace) -> AsyncIterator[FreshDatabase]:
    """Return a function that makes an empty database of the session's server; all are dropped in the end."""
    async with _databases(postgres_server, "template1") as make:
        yield make


@pytest.fixture
async def migrated_database(postgres_server: DatabasePlace, migrated_template: str) -> AsyncIterator[FreshDatabase]:
    """Return a function that makes a database with every table of ours, and nothing in them."""
    async with _databases(postgres_server, migrated_template) as make:
        yield make


@pytest.fixture(scope="session")
def migrated_template(postgres_server: DatabasePlace) -> str:
    """Return the name of a migrated database to copy; nobody connects to it."""
    name = "migrated_template"

    async def make() -> None:
        async with superuser(postgres_server) as connection:
            await create_database(connection, name)
        await migrate(replace(postgres_server, name=name))

    with start_blocking_portal() as portal:
        portal.call(make)
    return name


@contextlib.asynccontextmanager
async def _databases(server: DatabasePlace, template: str) -> AsyncIterator[FreshDatabase]:
    made: list[str] = []

    async def make() -> DatabasePlace:
        name = f"test_{uuid4().hex}"
        async with superuser(server) as connection:
            await create_database(connection, name, template=template)
        made.append(name)
        return replace(server, name=name)

    yield make
    if made:
        async with superuser(server) as connection:
            for name in made:
                await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.asynccontextmanager
async def superuser(
    place: DatabasePlace, *, inside: bool = False
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect as the server's superuser: to its maintenance database, or `inside` the place's own."""
    entered = as_superuser(place)
    if inside:
        entered = replace(entered, name=place.name)
    connection = await connect(entered, Role.OWNER, application_name="tests")
    try:
        yield connection
    finally:
        await connection.close()


def _sweep() -> None:
    """End servers and remove folders of sessions that were killed: nobody holds their lock any more."""
    for scratch in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock_file = scratch / "control" / "LOCK"
        with contextlib.suppress(OSError), lock_file.open() as lock:  # another session may remove it at this moment
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            cluster = scratch / "control" / "postgres" / "data"
            with contextlib.suppress(OSError, IndexError, ValueError):  # no server was left
                pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
                if Path(f"/proc/{pid}/cwd").readlink() == cluster:
                    os.kill(pid, signal.SIGQUIT)
            shutil.rmtree(scratch, ignore_errors=True)
