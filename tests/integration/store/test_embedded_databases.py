"""What the embedded server holds: the database, and three roles with just their rights."""

import time

import asyncpg
import pytest

from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect


async def test_every_role_enters_as_its_own_user(postgres_server: DatabasePlace) -> None:
    """Owner, application and audit are three users, and none of them is a superuser."""
    for role in Role:
        connection = await connect(postgres_server, role, application_name="tests")
        row = await connection.fetchrow(
            "SELECT current_user AS name, usesuper FROM pg_user WHERE usename = current_user"
        )
        await connection.close()
        assert (row["name"], row["usesuper"]) == (f"warpdrive_{role}", False)


@pytest.mark.parametrize("role", [Role.APP, Role.AUDIT])
@pytest.mark.parametrize(
    "statement", ["CREATE TABLE t (x int)", "CREATE SCHEMA s", "CREATE ROLE r", "CREATE DATABASE d"]
)
async def test_only_the_owner_creates(fresh_database: FreshDatabase, role: Role, statement: str) -> None:
    """The application and the audit cannot make tables, schemas, roles or databases."""
    connection = await connect(await fresh_database(), role, application_name="tests")
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        await connection.execute(statement)
    await connection.close()


async def test_the_owner_creates_tables_and_nothing_wider(fresh_database: FreshDatabase) -> None:
    """Migrations need tables and schemas; roles and databases are the server's own affair."""
    connection = await connect(await fresh_database(), Role.OWNER, application_name="tests")
    await connection.execute("CREATE SCHEMA s; CREATE TABLE s.t (x int); CREATE TABLE t (x int)")
    for statement in ("CREATE ROLE r", "CREATE DATABASE d"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_fresh_databases_are_apart_and_quick(fresh_database: FreshDatabase) -> None:
    """What one test writes no other sees, and a database of its own costs little."""
    begin = time.monotonic()
    first, second = await fresh_database(), await fresh_database()
    assert time.monotonic() - begin < 2.0
    connection = await connect(first, Role.OWNER, application_name="tests")
    await connection.execute("CREATE TABLE t (x int)")
    await connection.close()
    connection = await connect(second, Role.OWNER, application_name="tests")
    assert await connection.fetchval("SELECT to_regclass('t')") is None
    await connection.close()
