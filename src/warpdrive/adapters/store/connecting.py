"""Where a database is, and connections to it by role.

A place holds no URL, so no password can reach a log by way of one. TLS modes mean what they mean to libpq.
"""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import anyio
import asyncpg
from asyncpg import exceptions as answers

OLDEST_MAJOR: Final = 16
"""The oldest PostgreSQL that is tested and refused below."""

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

_CONNECT_PATIENCE_S: Final = 10.0
_COMMAND_PATIENCE_S: Final = 60.0
_CLOSE_PATIENCE_S: Final = 2.0
"""For saying goodbye; nobody asks anything any more, so this only runs out when the server is silent."""


class Role(StrEnum):
    """In which capacity a connection is made; each has its own database user."""

    OWNER = "owner"
    """Owns the tables; migrations run as it."""
    APP = "app"
    """Reads everything, writes through functions and to read models; cannot change what was written."""
    AUDIT = "audit"
    """Reads only."""


@dataclass(frozen=True)
class DatabasePlace:
    """One database of one server. `host` is a name, an address, or the directory of a unix socket ("/...").

    `passwords` may lack a role, or hold None for it. `sslrootcert` is a PEM file of trusted authorities.
    """

    host: str
    port: int
    name: str
    users: Mapping[Role, str]
    passwords: Mapping[Role, str | None] = field(default_factory=dict, repr=False)
    sslmode: SslMode = "prefer"
    sslrootcert: Path | None = None

    def __str__(self) -> str:
        where = f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else f"{self.host}:{self.port}"
        return f"database {self.name} on {where}"


class DatabaseError(Exception):
    """Base of what stands between us and a database. `place` and `role` say which and as whom."""

    def __init__(self, place: DatabasePlace, role: Role, fault: str, remedy: str) -> None:
        super().__init__(f"{place} as {place.users.get(role, role.value)}: {fault}; {remedy}")
        self.place = place
        self.role = role
        self.fault = fault
        self.remedy = remedy


class DatabaseUnavailable(DatabaseError):
    """Raised when the server cannot be reached or takes no connections now; later it may."""

    def __init__(self, place: DatabasePlace, role: Role, fault: str) -> None:
        super().__init__(place, role, fault, "it may pass; is the server running?")


class DatabaseMisconfigured(DatabaseError):
    """Raised when the server answers and will go on refusing until somebody changes something: see `remedy`."""


_REMEDIES: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        answers.InvalidPasswordError: "check the user and the environment variable that holds its password",
        answers.InvalidAuthorizationSpecificationError: "check the user, and pg_hba.conf on the server",
        answers.InvalidCatalogNameError: "create the database, or mend control_plane.database.name",
        answers.InsufficientPrivilegeError: "grant the right, or name another user",
        answers.ClientConfigurationError: "mend control_plane.database",
        answers.FeatureNotSupportedError: "use PostgreSQL 16 or newer",
        ssl.SSLCertVerificationError: "mend control_plane.database.sslrootcert, or the server's certificate",
        ssl.SSLError: "check what the server offers against control_plane.database.sslmode",
    }
)
"""Permanent refusals -> what to do. The first entry that fits counts, so the narrow stand before the wide."""

_PASSING: Final = (
    answers.PostgresConnectionError,
    answers.CannotConnectNowError,
    answers.TooManyConnectionsError,
    answers.OperatorInterventionError,
    answers.InsufficientResourcesError,
    answers.PostgresSystemError,
    answers.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
"""Refusals that end by themselves or by an operator's hand: restart, full disk, a standby that waits to be promoted."""


def database_fault(error: BaseException, place: DatabasePlace, role: Role) -> DatabaseError | None:
    """Say what a library's exception means for a connection; None when it means nothing of the kind."""
    said = str(error) or type(error).__name__
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in said:
        return DatabaseMisconfigured(
            place, role, "the server has no TLS", "switch it on there, or set control_plane.database.sslmode"
        )
    for kind, remedy in _REMEDIES.items():
        if isinstance(error, kind):
            return DatabaseMisconfigured(place, role, said, remedy)
    # The library's own complaints are mostly about how it was called: our defect, not the server's absence.
    lost = isinstance(error, asyncpg.InterfaceError) and ("closed" in said or "closing" in said)
    if lost or isinstance(error, _PASSING):
        return DatabaseUnavailable(place, role, said)
    return None


@contextmanager
def translated(place: DatabasePlace, role: Role) -> Iterator[None]:
    """Turn the library's exceptions about connections into DatabaseUnavailable and DatabaseMisconfigured."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        fault = database_fault(error, place, role)
        if fault is None:
            raise
        raise fault from error


async def connect(
    place: DatabasePlace,
    role: Role,
    *,
    application_name: str,
    patience_s: float | None = _COMMAND_PATIENCE_S,
    **server_settings: str,
) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection; the caller closes it. A command on it may take `patience_s` seconds, or for ever (None).

    Raises DatabaseUnavailable, DatabaseMisconfigured.
    """
    with translated(place, role):
        options = connect_options(place, role, application_name=application_name, **server_settings)
        options["command_timeout"] = patience_s
        connection = await asyncpg.connect(**options)
    try:
        await _check_version(place, role, connection)
    except DatabaseMisconfigured:
        await connection.close()
        raise
    return connection


@asynccontextmanager
async def open_pool(
    place: DatabasePlace, role: Role, *, min_size: int, max_size: int, application_name: str, **server_settings: str
) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """Keep `min_size` to `max_size` connections for the block; lost ones are made again when they are asked for.

    Raises DatabaseUnavailable and DatabaseMisconfigured before the block. Inside it the library's own exceptions
    come out of the pool: put `translated` around its use.
    """

    async def check(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await _check_version(place, role, connection)

    with translated(place, role):
        options = connect_options(place, role, application_name=application_name, **server_settings)
        pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, init=check, reset=_left_clean, **options)
    try:
        yield pool
    finally:
        await hang_up(pool, patience_s=_CLOSE_PATIENCE_S)


async def hang_up(
    line: "asyncpg.Connection[asyncpg.Record] | asyncpg.Pool[asyncpg.Record]", *, patience_s: float
) -> None:
    """Close a connection or a pool, politely if the server listens; never raises, since what is gone is closed.

    A server that is dying breaks the pipe in the middle of our goodbye.
    """
    with (
        anyio.move_on_after(patience_s, shield=True),
        suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError),
    ):
        await line.close()
    line.terminate()


async def _left_clean(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to undo: no use of ours changes a session, and the driver itself ends what is left of a transaction.

    Its default is one more question to the server after each use, half of what a small question costs.
    """


def connect_options(
    place: DatabasePlace, role: Role, *, application_name: str, **server_settings: str
) -> dict[str, Any]:
    """Return the arguments of `asyncpg.connect`. Raises asyncpg's ClientConfigurationError about `sslrootcert`."""
    return {
        "host": place.host,
        "port": place.port,
        "database": place.name,
        "user": place.users[role],
        # An empty text, not None: without one the library would look at PGPASSWORD and ~/.pgpass by itself.
        # A plain text, too: its compiled login refuses every subclass, such as one that hides itself from logs.
        "password": str(place.passwords.get(role) or ""),
        "ssl": _tls(place),
        "timeout": _CONNECT_PATIENCE_S,
        "command_timeout": _COMMAND_PATIENCE_S,
        "server_settings": {"application_name": application_name, "timezone": "UTC", **server_settings},
    }


def _tls(place: DatabasePlace) -> "ssl.SSLContext | str | bool":
    """Translate a TLS mode of libpq. With an authority at hand, `require` checks like `verify-ca`, as it does there."""
    if place.host.startswith("/") or place.sslmode == "disable":
        return False
    if place.sslmode in {"allow", "prefer"}:
        return place.sslmode
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = place.sslmode == "verify-full"
    if place.sslrootcert is not None:
        try:
            context.load_verify_locations(cafile=place.sslrootcert)
        except OSError as fault:  # of which ssl.SSLError is one
            why = "holds no certificate" if isinstance(fault, ssl.SSLError) else fault.strerror
            raise answers.ClientConfigurationError(f"sslrootcert {place.sslrootcert}: {why}") from fault
    elif place.sslmode == "require":
        context.verify_mode = ssl.CERT_NONE
    else:
        raise answers.ClientConfigurationError(f"sslmode {place.sslmode} needs an sslrootcert")
    return context


async def _check_version(place: DatabasePlace, role: Role, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_MAJOR:
        raise DatabaseMisconfigured(
            place, role, f"the server is PostgreSQL {version.major}", f"use PostgreSQL {OLDEST_MAJOR} or newer"
        )
