"""Roles and the database inside the embedded server: made when they are missing, at every start.

`warpdrive_owner` owns the database and migrates it; `warpdrive_app` and `warpdrive_audit` may connect, and get their
rights on tables from the migrations. None of the three is a superuser, nor may create roles or databases.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded.cluster import SUPERUSER

DATABASE: Final = "warpdrive"

USERS: Final = MappingProxyType(
    {Role.OWNER: "warpdrive_owner", Role.APP: "warpdrive_app", Role.AUDIT: "warpdrive_audit"}
)

_RIGHTS: Final = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


async def provision(place: DatabasePlace) -> None:
    """Make what is missing of the roles and the database that `place` names. Raises DatabaseUnavailable."""
    connection = await connect(as_superuser(place), Role.OWNER, application_name="warpdrive provisioning")
    try:
        for user in USERS.values():
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", user):
                await connection.execute(f"CREATE ROLE {user}")
            await connection.execute(f"ALTER ROLE {user} {_RIGHTS}")
        # A second bolt: the audit role has no right to write anything anyway.
        await connection.execute(f"ALTER ROLE {USERS[Role.AUDIT]} SET default_transaction_read_only = on")
        exists = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", place.name)
        if not exists:
            await create_database(connection, place.name)
        await _grant(connection, place.name)
    finally:
        await connection.close()


async def create_database(connection: Any, name: str, *, template: str = "template1") -> None:
    """Create a database, the owner's: empty, or a copy of one with no connections. `connection` is a superuser's."""
    await connection.execute(f'CREATE DATABASE "{name}" OWNER {USERS[Role.OWNER]} TEMPLATE "{template}"')
    await _grant(connection, name)


def as_superuser(place: DatabasePlace) -> DatabasePlace:
    """Return the same server's maintenance database, entered as its superuser in the owner's stead."""
    return replace(place, name="postgres", users={Role.OWNER: SUPERUSER})


async def _grant(connection: Any, name: str) -> None:
    """Leave PUBLIC nothing; the application loads telemetry through temporary tables."""
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    await connection.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO {USERS[Role.APP]}')
    await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {USERS[Role.AUDIT]}')
