"""Bringing a database up to the code: revisions run at start, by the owner, one process at a time.

The revisions are SQL files in Python's clothes, run by Alembic on a connection that this module opens: everything from
the lock to the grants is one transaction, so a database is never half migrated.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from warpdrive.adapters.store.connecting import (
    DatabaseMisconfigured,
    DatabasePlace,
    Role,
    connect,
    database_fault,
    translated,
)
from warpdrive.adapters.store.grants import WRITERS, statements

VERSION_TABLE: Final = "warpdrive_migrations"

_LOCK: Final = int.from_bytes(b"warpmigr", "big")
"""Number of the advisory lock: bytes that nobody else picks by chance."""

_log = structlog.get_logger(__name__)


class DatabaseNewer(Exception):
    """Raised when a database was migrated by newer code. Nothing was changed."""

    def __init__(self, place: DatabasePlace, found: str, newest: int) -> None:
        super().__init__(
            f"{place} is at revision {found}, this program knows revisions up to {newest:04}; "
            "start a version of WarpDrive that is at least as new as the database"
        )
        self.place = place
        self.found = found
        self.newest = newest


async def migrate(place: DatabasePlace) -> int:
    """Run the revisions that the database lacks, grant the roles their rights, and return the newest revision's number.

    Waits while another process migrates the same database. Raises DatabaseNewer, DatabaseUnavailable,
    DatabaseMisconfigured.
    """
    scripts = await anyio.to_thread.run_sync(_scripts)

    async def owner() -> Any:
        # Another process's migration or a big table's may take longer than any command.
        return await connect(place, Role.OWNER, application_name="warpdrive migration", patience_s=None)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=owner, poolclass=NullPool)
    try:
        with translated(place, Role.OWNER):
            async with engine.begin() as connection:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                return await connection.run_sync(_upgrade, scripts, place)
    except DBAPIError as error:
        # SQLAlchemy wraps what the driver said; ours are told by that.
        fault = database_fault(error.orig.__cause__, place, Role.OWNER) if error.orig and error.orig.__cause__ else None
        if fault is None:
            raise
        raise fault from error
    finally:
        await engine.dispose()


def migrations_directory() -> Path:
    """Return where the revisions are: in the installed package, or at the top level of a checkout."""
    packaged = Path(__file__).with_name("migrations")
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "migrations"


def _scripts() -> ScriptDirectory:
    directory = migrations_directory()
    return ScriptDirectory(str(directory), version_locations=[str(directory / "revisions")])


def _upgrade(connection: Connection, scripts: ScriptDirectory, place: DatabasePlace) -> int:
    newest = scripts.get_current_head()
    assert newest is not None, "there is one line of revisions"
    before = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "version_table_schema": "public"}
    ).get_current_heads()
    for found in before:
        if found not in {script.revision for script in scripts.walk_revisions()}:
            raise DatabaseNewer(place, found, int(newest))
    if newest not in before:
        config = Config()
        config.set_main_option("script_location", str(scripts.dir))
        config.set_main_option("version_locations", str(Path(scripts.dir) / "revisions"))
        config.set_main_option("path_separator", "newline")
        config.attributes.update(connection=connection, version_table=VERSION_TABLE)
        command.upgrade(config, "head")
        _log.info("database migrated", place=str(place), before=", ".join(before) or "empty", now=newest)
    _grant(connection, place)
    return int(newest)


def _grant(connection: Connection, place: DatabasePlace) -> None:
    users: Mapping[Role, str] = place.users
    for role, user in users.items():
        if connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = :user"), {"user": user}) == 0:
            raise DatabaseMisconfigured(
                place, Role.OWNER, f"the {role} role {user!r} does not exist", f"create it: CREATE ROLE {user} LOGIN"
            )
    writers = connection.exec_driver_sql(WRITERS).scalars().all()
    for statement in statements(dict(users), writers):
        connection.exec_driver_sql(statement)
