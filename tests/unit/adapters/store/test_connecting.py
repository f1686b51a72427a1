"""Places and the table of faults, without a server."""

import ssl
from typing import Any

import asyncpg
import pytest

from warpdrive.adapters.store.connecting import (
    DatabaseError,
    DatabaseMisconfigured,
    DatabasePlace,
    DatabaseUnavailable,
    Role,
    connect_options,
    database_fault,
    hang_up,
    translated,
)

PLACE = DatabasePlace("db.example.com", 5432, "wd", {Role.APP: "app"}, {Role.APP: "s3cret"})


def test_a_place_says_where_it_is_and_never_a_password() -> None:
    """Neither its text nor its repr, nor what is raised about it."""
    fault = database_fault(TimeoutError(), PLACE, Role.APP)
    for said in (str(PLACE), repr(PLACE), str(fault)):
        assert "db.example.com" in said
        assert "s3cret" not in said
    assert str(DatabasePlace("/run/pg", 5432, "wd", {})) == "database wd on /run/pg/.s.PGSQL.5432"


def test_options_carry_what_a_connection_needs() -> None:
    """Settings of the caller go beside ours; without a password it is an empty one, never the environment's."""
    options = connect_options(PLACE, Role.APP, application_name="projector", lock_timeout="5s")
    assert (options["host"], options["user"], options["password"]) == ("db.example.com", "app", "s3cret")
    assert options["server_settings"] == {"application_name": "projector", "timezone": "UTC", "lock_timeout": "5s"}
    silent = DatabasePlace("h", 1, "wd", {Role.APP: "app"}, {Role.APP: None})
    assert connect_options(silent, Role.APP, application_name="x")["password"] == ""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError("refused"), DatabaseUnavailable),
        (TimeoutError(), DatabaseUnavailable),
        (asyncpg.CannotConnectNowError("starting up"), DatabaseUnavailable),
        (asyncpg.TooManyConnectionsError("full"), DatabaseUnavailable),
        (asyncpg.AdminShutdownError("stopping"), DatabaseUnavailable),
        (asyncpg.CrashShutdownError("crash"), DatabaseUnavailable),
        (asyncpg.DiskFullError("no space"), DatabaseUnavailable),
        (asyncpg.ConnectionDoesNotExistError("gone"), DatabaseUnavailable),
        (asyncpg.InterfaceError("connection is closed"), DatabaseUnavailable),
        (asyncpg.ReadOnlySQLTransactionError("standby"), DatabaseUnavailable),
        (asyncpg.PostgresIOError("disk"), DatabaseUnavailable),
        (asyncpg.InterfaceError("another operation is in progress"), None),
        (asyncpg.InvalidPasswordError("password"), DatabaseMisconfigured),
        (asyncpg.InvalidAuthorizationSpecificationError("pg_hba"), DatabaseMisconfigured),
        (asyncpg.InvalidCatalogNameError("no database"), DatabaseMisconfigured),
        (asyncpg.InsufficientPrivilegeError("no right"), DatabaseMisconfigured),
        (ssl.SSLCertVerificationError("bad"), DatabaseMisconfigured),
        (ssl.SSLError("odd"), DatabaseMisconfigured),
        (ConnectionError("PostgreSQL server at h rejected SSL upgrade"), DatabaseMisconfigured),
        (asyncpg.UniqueViolationError("twice"), None),
        (KeyError("a defect"), None),
    ],
)
def test_the_table_of_faults(error: Exception, kind: type[DatabaseError] | None) -> None:
    """What may pass is unavailable, what somebody must mend is misconfigured, the rest is not about connecting."""
    fault = database_fault(error, PLACE, Role.APP)
    if kind is None:
        assert fault is None
        with pytest.raises(type(error)), translated(PLACE, Role.APP):
            raise error
    else:
        assert type(fault) is kind
        assert (fault.place, fault.role) == (PLACE, Role.APP)
        with pytest.raises(kind) as raised, translated(PLACE, Role.APP):
            raise error
        assert raised.value.__cause__ is error


class Dying:
    """A connection whose server goes while it says goodbye."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault
        self.terminated = False

    async def close(self) -> None:
        """Say goodbye."""
        raise self._fault

    def terminate(self) -> None:
        """Drop the line."""
        self.terminated = True


@pytest.mark.parametrize(
    "fault",
    [BrokenPipeError(32, "Broken pipe"), ConnectionResetError(), asyncpg.InterfaceError("gone"), TimeoutError()],
)
async def test_hanging_up_on_a_dying_server_is_no_fault(fault: Exception) -> None:
    """The line is dropped, whatever the server still says."""
    line: Any = Dying(fault)
    await hang_up(line, patience_s=1)
    assert line.terminated
