"""The record as an auditor reads it: in the audit role, in sessions that cannot write whatever their role may.

As of one moment (`one_moment`) everything is read in one transaction, so events, names and read models fit together
while the control plane goes on writing. It holds back the cleaning of dead rows for as long as it lasts, so it is for
comparing only; what is merely read, in an order that never changes, does without.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, open_pool
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.event_reader import PATIENT_S, PostgresEventReader, Questions
from warpdrive.adapters.store.listener import Listener
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.application.ports.event_store import StoredSnapshot
from warpdrive.application.ports.name_register import RegisteredName

_NAMES: Final = "SELECT kind, name, owner, uses FROM public.names"
_SNAPSHOTS: Final = """
    SELECT originator_id, originator_version, topic, state FROM public.warpdrive_snapshots
    WHERE (originator_id, originator_version) > ($1, $2) ORDER BY originator_id, originator_version LIMIT $3
"""
_APPLICATION: Final = "warpdrive audit"


@dataclass(frozen=True, slots=True)
class PostgresRecord:
    """Everything there is to audit."""

    events: PostgresEventReader
    models: PostgresReadModels
    register: "PostgresNameRegister"
    snapshots: "PostgresSnapshotPages"


class PostgresNameRegister:
    """See NameRegister."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def names(self) -> Sequence[RegisteredName]:
        """Return every name that is taken, in no order."""
        return [RegisteredName(*row) for row in await self._questions.rows(_NAMES)]


class PostgresSnapshotPages:
    """See SnapshotPages."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def snapshots(self, after: tuple[UUID, int] | None, limit: int) -> Sequence[StoredSnapshot]:
        """Return up to `limit` snapshots after a stream and version, in order."""
        stream, version = after or (UUID(int=0), 0)
        return [StoredSnapshot(*row) for row in await self._questions.rows(_SNAPSHOTS, stream, version, limit)]


@asynccontextmanager
async def open_record(place: DatabasePlace, *, one_moment: bool = False) -> AsyncIterator[PostgresRecord]:
    """Open the record for the block; nobody can be followed with it. See above about `one_moment`.

    Raises DatabaseUnavailable, DatabaseMisconfigured; with `one_moment` StoreUnavailable too.
    """
    if not one_moment:
        async with open_pool(
            place, Role.AUDIT, min_size=1, max_size=2, application_name=_APPLICATION, default_transaction_read_only="on"
        ) as pool:
            yield _record(place, Questions(pool, patience_s=PATIENT_S))
        return
    connection = await connect(place, Role.AUDIT, application_name=_APPLICATION, default_transaction_read_only="on")
    try:
        with told_as_store_errors():
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield _record(place, _OneMoment(connection))
    finally:
        await connection.close()


class _OneMoment(Questions):
    """Questions over one connection, within its transaction. Nothing is asked again: what is lost was this moment."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:  # there is no pool to begin with
        self._connection = connection

    async def rows(self, sql: str, *values: Any) -> "list[asyncpg.Record]":
        with told_as_store_errors():
            found: list[asyncpg.Record] = await self._connection.fetch(sql, *values)
            return found

    async def row(self, sql: str, *values: Any) -> "asyncpg.Record | None":
        with told_as_store_errors():
            return await self._connection.fetchrow(sql, *values)

    async def value(self, sql: str, *values: Any) -> Any:
        with told_as_store_errors():
            return await self._connection.fetchval(sql, *values)

    async def do(self, sql: str, *values: Any) -> None:
        with told_as_store_errors():
            await self._connection.execute(sql, *values)


def _record(place: DatabasePlace, questions: Questions) -> PostgresRecord:
    return PostgresRecord(
        PostgresEventReader(questions, Listener(place, Role.AUDIT)),
        PostgresReadModels(questions),
        PostgresNameRegister(questions),
        PostgresSnapshotPages(questions),
    )
