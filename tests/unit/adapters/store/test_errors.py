"""The table from what PostgreSQL and its driver say to the port's errors."""

import inspect

import asyncpg
import pytest
from asyncpg import exceptions

from warpdrive.adapters.store.connecting import DatabaseMisconfigured, DatabasePlace, DatabaseUnavailable, Role
from warpdrive.adapters.store.errors import BY_CLASS, BY_CODE, KEY, leaves_unknown, store_fault, told_as_store_errors
from warpdrive.application.ports.event_store import (
    ConcurrentWrite,
    EventStoreError,
    StoreReadOnly,
    StoreUnavailable,
)

PLACE = DatabasePlace("127.0.0.1", 5432, "warpdrive", {Role.APP: "app"})


def _coded() -> list[type[asyncpg.PostgresError]]:
    found: set[type[asyncpg.PostgresError]] = {
        kind
        for _, kind in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(kind, asyncpg.PostgresError) and getattr(kind, "sqlstate", None)
    }

    def by_code(kind: type[asyncpg.PostgresError]) -> tuple[str, str]:
        return str(kind.sqlstate), kind.__name__

    return sorted(found, key=by_code)


CODED = _coded()
"""Everything that the server can say, as the driver knows it."""

UNAVAILABLE = {
    *(kind.sqlstate for kind in CODED if kind.sqlstate[:2] in {"08", "40", "57"}),
    "53300",
    "55P03",
    "58030",
}
READ_ONLY = {"25006", "55000", *(kind.sqlstate for kind in CODED if kind.sqlstate[:2] == "53")} - {"53300"}
LOST = {*(kind.sqlstate for kind in CODED if kind.sqlstate[:2] == "08" or kind.sqlstate[:3] == "57P"), "40003"}


@pytest.mark.parametrize("kind", CODED, ids=lambda kind: f"{kind.sqlstate}-{kind.__name__}")
def test_whatever_the_server_says_has_a_meaning(kind: type[asyncpg.PostgresError]) -> None:
    """Each SQLSTATE is one error of the port; what has no better one is a bare EventStoreError."""
    fault = store_fault(kind("words"))
    expected: type[EventStoreError] = EventStoreError
    if kind.sqlstate in READ_ONLY:
        expected = StoreReadOnly
    elif kind.sqlstate in UNAVAILABLE:
        expected = StoreUnavailable
    assert type(fault) is expected
    assert leaves_unknown(kind("words")) == (kind.sqlstate in LOST)


def test_the_tables_name_codes_that_exist() -> None:
    """A misspelt SQLSTATE would never be met."""
    known = {kind.sqlstate for kind in CODED}
    assert set(BY_CODE) <= known
    assert set(BY_CLASS) <= {code[:2] for code in known}


def test_only_the_events_key_means_a_lost_race() -> None:
    """A violation of another constraint is a fault, not a race."""
    violation = asyncpg.UniqueViolationError("duplicate key")
    assert type(store_fault(violation)) is EventStoreError
    violation.constraint_name = KEY
    assert type(store_fault(violation)) is ConcurrentWrite


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("connection is closed"),
        ConnectionResetError("reset by peer"),
        TimeoutError(),
        DatabaseUnavailable(PLACE, Role.APP, "refused"),
        DatabaseMisconfigured(PLACE, Role.APP, "wrong password", "mend it"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_cannot_be_asked_is_unavailable(error: Exception) -> None:
    """The network, the driver and connecting: all of them pass, or are mended from outside."""
    assert type(store_fault(error)) is StoreUnavailable


def test_a_fault_before_anything_was_sent_leaves_nothing_unknown() -> None:
    """A connection that was not made has carried nothing; one that broke may have."""
    assert not leaves_unknown(DatabaseUnavailable(PLACE, Role.APP, "refused"))
    assert leaves_unknown(ConnectionResetError("reset by peer"))


def test_what_comes_from_elsewhere_is_left_alone() -> None:
    """A mistake of ours is not dressed up as the database's."""
    assert store_fault(KeyError("x")) is None
    with pytest.raises(KeyError), told_as_store_errors():
        raise KeyError("x")
    with pytest.raises(StoreUnavailable, match="too many clients"), told_as_store_errors():
        raise asyncpg.TooManyConnectionsError("too many clients")
