"""What PostgreSQL and its driver say, turned into the errors of the event store's port. One table, by SQLSTATE."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import asyncpg

from warpdrive.adapters.store.connecting import DatabaseError
from warpdrive.application.ports.event_store import (
    ConcurrentWrite,
    EventStoreError,
    StoreReadOnly,
    StoreUnavailable,
)

SPOKEN: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A connection that broke at the wrong moment: the driver no longer knows its state.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    DatabaseError,
    StoreUnavailable,
)
"""Everything that the driver, the network, `connecting` and `reaching` raise."""

KEY: Final = "warpdrive_events_pkey"
"""The constraint whose violation means that another writer was first."""

BY_CODE: Final[Mapping[str, type[EventStoreError]]] = MappingProxyType(
    {
        "25006": StoreReadOnly,  # read_only_sql_transaction
        "40001": StoreUnavailable,  # serialization_failure
        "40P01": StoreUnavailable,  # deadlock_detected
        "53300": StoreUnavailable,  # too_many_connections: the only shortage that passes by itself
        "55000": StoreReadOnly,  # object_not_in_prerequisite_state: a lock is asked of a server in recovery
        "55P03": StoreUnavailable,  # lock_not_available
        "57014": StoreUnavailable,  # query_canceled, by a time-out of the server
        "58030": StoreUnavailable,  # io_error
    }
)
"""SQLSTATE -> error; looked at before `BY_CLASS`."""

BY_CLASS: Final[Mapping[str, type[EventStoreError]]] = MappingProxyType(
    {
        "08": StoreUnavailable,  # connection exception
        "40": StoreUnavailable,  # transaction rollback
        "53": StoreReadOnly,  # insufficient resources: disk full, out of memory, a configured limit
        "57": StoreUnavailable,  # operator intervention: shut down, crashed, starting
    }
)
"""First two characters of a SQLSTATE -> error. Whatever is in neither table is a bare EventStoreError."""

_LOST: Final = ("08", "57P", "40003")
"""Beginnings of SQLSTATEs after which nobody answers for what was sent: it may have been carried out."""


def store_fault(error: BaseException) -> EventStoreError | None:
    """Say what an exception means to the store's callers; None when it comes from elsewhere."""
    if not isinstance(error, SPOKEN):
        return None
    if isinstance(error, EventStoreError):
        return error
    detail = str(error) or type(error).__name__
    if not isinstance(error, asyncpg.PostgresError):
        return StoreUnavailable(detail)
    code = error.sqlstate or ""
    if isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == KEY:
        return ConcurrentWrite(detail)
    kind = BY_CODE.get(code) or BY_CLASS.get(code[:2], EventStoreError)
    return kind(f"{detail} ({code})" if code else detail)


def leaves_unknown(error: BaseException) -> bool:
    """Say whether what was sent may have been carried out all the same: the answer, not the deed, was lost."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_LOST)
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError)


@contextmanager
def told_as_store_errors() -> Iterator[None]:
    """Turn what the driver raises into errors of the port."""
    try:
        yield
    except SPOKEN as error:
        fault = store_fault(error)
        assert fault is not None, "SPOKEN is what store_fault knows"
        raise fault from error


@contextmanager
def reaching() -> Iterator[None]:
    """Turn whatever keeps a connection from being made into StoreUnavailable: it says nothing about what is asked."""
    try:
        yield
    except SPOKEN as error:
        raise StoreUnavailable(str(error) or type(error).__name__) from error
