"""The event store on PostgreSQL, put together: an appender, a reader, a shelf of snapshots, and their connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import anyio

from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import PATIENT_S, PostgresEventReader, Questions
from warpdrive.adapters.store.group_append import GroupAppender, GroupLimits
from warpdrive.adapters.store.listener import Listener
from warpdrive.adapters.store.snapshots import PostgresSnapshotShelf
from warpdrive.application.ports.event_store import (
    Append,
    CommandFacts,
    CommandIdReused,
    Receipt,
    StoredSnapshot,
)
from warpdrive.domain.content.texts import storable

_RECEIPT: Final = 'SELECT request_hash, stream, version, "position" FROM public.commands WHERE command_id = $1'
_OWNER: Final = "SELECT owner FROM public.names WHERE kind = $1 AND name = $2"


class PostgresEventStore(PostgresEventReader):
    """EventWriter, EventReader and SnapshotShelf at once. `open_event_store` makes one."""

    def __init__(self, questions: Questions, listener: Listener, appender: GroupAppender) -> None:
        super().__init__(questions, listener)
        self._appender = appender
        self._shelf = PostgresSnapshotShelf(questions)

    async def append(self, append: Append) -> Receipt:
        """Write all or nothing, and return once it is durable; see EventWriter.

        Raises ValueError when something cannot be stored: a text with a NUL character or a lone surrogate, a version
        beyond 64 bits.
        """
        return await self._appender.append(append)

    async def receipt(self, facts: CommandFacts) -> Receipt | None:
        """Look up whether a command has been recorded. Raises CommandIdReused, StoreUnavailable."""
        row = await self._questions.row(_RECEIPT, facts.command_id)
        if row is None:
            return None
        if row["request_hash"] != facts.request_hash:
            raise CommandIdReused(f"command {facts.command_id} was recorded with another request")
        return Receipt(facts.command_id, row["stream"], row["version"], row["position"], repeated=True)

    async def owner_of(self, kind: str, name: str) -> str | None:
        """Tell who owns a name now. Raises StoreUnavailable."""
        if not (storable(kind) and storable(name)):
            return None  # nobody can have taken it
        owner: str | None = await self._questions.value(_OWNER, kind, name)
        return owner

    async def latest(self, stream: UUID, *, to_version: int | None = None) -> StoredSnapshot | None:
        """Return the newest snapshot of the stream, not newer than `to_version`."""
        return await self._shelf.latest(stream, to_version=to_version)

    async def keep(self, snapshot: StoredSnapshot) -> None:
        """Keep one; keeping the same version again does nothing."""
        await self._shelf.keep(snapshot)


@asynccontextmanager
async def open_event_store(
    place: DatabasePlace, *, readers: int = 8, limits: GroupLimits | None = None
) -> AsyncIterator[PostgresEventStore]:
    """Open the store of a migrated database as the application, for the block: `readers` connections and two more.

    At the end, commands that wait are still written, within `limits.close_patience_s`; when the block is cancelled from
    outside they are refused. Raises DatabaseUnavailable, DatabaseMisconfigured.
    """
    limits = limits or GroupLimits()
    async with (
        open_pool(place, Role.APP, min_size=1, max_size=readers, application_name="warpdrive read") as pool,
        anyio.create_task_group() as tasks,
    ):
        listener = Listener(place, Role.APP)
        appender = GroupAppender(place, limits)
        tasks.start_soon(listener.run)
        tasks.start_soon(appender.run)
        try:
            yield PostgresEventStore(Questions(pool), listener, appender)
        finally:
            with anyio.move_on_after(limits.close_patience_s, shield=True):
                await appender.drain()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def open_event_reader(
    place: DatabasePlace, role: Role = Role.AUDIT, *, readers: int = 2
) -> AsyncIterator[PostgresEventReader]:
    """Open only the reading side, as a role that may not write. Raises DatabaseUnavailable, DatabaseMisconfigured."""
    async with (
        open_pool(place, role, min_size=1, max_size=readers, application_name="warpdrive audit") as pool,
        anyio.create_task_group() as tasks,
    ):
        listener = Listener(place, role)
        tasks.start_soon(listener.run)
        try:
            yield PostgresEventReader(Questions(pool, patience_s=PATIENT_S), listener)
        finally:
            tasks.cancel_scope.cancel()
