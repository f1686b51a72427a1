"""The streams, read from PostgreSQL: by stream, by position, by time, and followed."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

import anyio
import asyncpg
import structlog

from warpdrive.adapters.store.errors import SPOKEN, leaves_unknown, reaching, told_as_store_errors
from warpdrive.adapters.store.listener import Listener
from warpdrive.adapters.store.pausing import Pausing
from warpdrive.application.ports.event_store import RecordedEvent, StoreUnavailable

Answer = TypeVar("Answer")
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

POLL_S: Final = 1.0
"""A subscriber looks this often without being told."""
BATCH: Final = 500
"""A subscriber's batch has at most so many events."""

_PATIENCE_S: Final = 2.0
"""For retries, and for a connection."""
PROMPT_S: Final = 5.0
"""For one answer that a caller waits for: a server that is silent for so long counts as away."""
PATIENT_S: Final = 30.0
"""The same for work in the background, and for an auditor's large questions."""
_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1
"""The bounds of what PostgreSQL counts with; nothing lies beyond, so a question's bounds are cut there."""

_COLUMNS: Final = """
    SELECT notification_id, originator_id, originator_version, topic, state,
        recorded_at, actor, command_id, correlation_id, causation_id, hash
    FROM public.warpdrive_events
"""
"""In the order of RecordedEvent's fields."""

_STREAM: Final = f"""{_COLUMNS}
    WHERE originator_id = $1 AND originator_version > $2 AND originator_version <= $3 AND notification_id <= $4
    ORDER BY originator_version
"""
_READ: Final = f"{_COLUMNS} WHERE notification_id > $1 AND notification_id <= $2 ORDER BY notification_id LIMIT $3"
_HEAD: Final = "SELECT coalesce(max(notification_id), 0) FROM public.warpdrive_events"
_POSITION_AT: Final = """
    SELECT notification_id FROM public.warpdrive_events WHERE recorded_at <= $1
    ORDER BY recorded_at DESC, notification_id DESC LIMIT 1
"""

_log = structlog.get_logger(__name__)


class Questions:
    """Asks the pool; a question that met a broken connection is asked again for a while, since it changes nothing."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, patience_s: float = PROMPT_S) -> None:
        self._pool = pool
        self._patience_s = patience_s

    def patiently(self, patience_s: float) -> "Questions":
        """Return questions to the same pool whose answers may take so many seconds."""
        return Questions(self._pool, patience_s=patience_s)

    async def rows(self, sql: str, *values: Any) -> "list[asyncpg.Record]":
        """Return all rows. Raises StoreUnavailable, EventStoreError."""
        return await self._ask(lambda connection: connection.fetch(sql, *values, timeout=self._patience_s))

    async def row(self, sql: str, *values: Any) -> "asyncpg.Record | None":
        """Return the first row. Raises StoreUnavailable, EventStoreError."""
        return await self._ask(lambda connection: connection.fetchrow(sql, *values, timeout=self._patience_s))

    async def value(self, sql: str, *values: Any) -> Any:
        """Return the first row's first value, None when there is no row. Raises StoreUnavailable, EventStoreError."""
        return await self._ask(lambda connection: connection.fetchval(sql, *values, timeout=self._patience_s))

    async def do(self, sql: str, *values: Any) -> None:
        """Carry out something that may be done twice. Raises StoreUnavailable, EventStoreError."""
        await self._ask(lambda connection: connection.execute(sql, *values, timeout=self._patience_s))

    async def transaction(
        self, work: "Callable[[Any], Awaitable[Answer]]", *, isolation: "Isolation" = "read_committed"
    ) -> Answer:
        """Do something with a connection in one transaction; what it raises is raised here, and nothing is done then.

        Its answer may be lost, and it is done again then: doing it twice must be doing it once. Raises
        StoreUnavailable, EventStoreError.
        """

        async def whole(connection: Any) -> Answer:
            async with connection.transaction(isolation=isolation):
                return await work(connection)

        return await self._ask(whole)

    async def _ask(self, question: "Callable[[Any], Awaitable[Answer]]") -> Answer:
        pausing = Pausing()
        deadline = anyio.current_time() + _PATIENCE_S
        while True:
            try:
                return await self._ask_once(question)
            except StoreUnavailable:
                if anyio.current_time() >= deadline:
                    raise
            await pausing.pause()

    async def _ask_once(self, question: "Callable[[Any], Awaitable[Answer]]") -> Answer:
        with reaching():
            connection = await self._pool.acquire(timeout=_PATIENCE_S)
        with told_as_store_errors():
            try:
                return await question(connection)
            except SPOKEN as error:
                if leaves_unknown(error):
                    connection.terminate()
                raise
            finally:
                await self._pool.release(connection)


class PostgresEventReader:
    """See EventReader."""

    def __init__(self, questions: Questions, listener: Listener) -> None:
        self._questions = questions
        self._listener = listener

    async def stream(
        self, stream: UUID, *, after_version: int = 0, to_version: int | None = None, to_position: int | None = None
    ) -> Sequence[RecordedEvent]:
        """Read one stream's events in the order of their versions, within the bounds (`to_...` are inclusive)."""
        rows = await self._questions.rows(
            _STREAM, stream, _cut(after_version), _cut(to_version, _LAST), _cut(to_position, _LAST)
        )
        return [RecordedEvent(*row) for row in rows]

    async def read(self, after: int, limit: int, *, to: int | None = None) -> Sequence[RecordedEvent]:
        """Read up to `limit` events of all streams that come after a position, in order."""
        rows = await self._questions.rows(_READ, _cut(after), _cut(to, _LAST), _cut(limit))
        return [RecordedEvent(*row) for row in rows]

    async def head(self) -> int:
        """Return the position of the last event; 0 when there is none."""
        return int(await self._questions.value(_HEAD))

    async def position_at(self, moment: datetime) -> int:
        """Return the position of the last event recorded at or before the moment; 0 when there is none."""
        return int(await self._questions.value(_POSITION_AT, moment) or 0)

    @asynccontextmanager
    async def subscribe(self, after: int) -> AsyncIterator[AsyncIterator[Sequence[RecordedEvent]]]:
        """Follow all streams from a position on; see EventReader."""
        async with aclosing(self._follow(after)) as batches:
            yield batches

    async def _follow(self, after: int) -> AsyncGenerator[Sequence[RecordedEvent], None]:
        pausing = Pausing()
        with self._listener.hearing() as hearing:
            await self._listener.listening(POLL_S)  # listen first, then pull: nothing falls between
            while True:
                hearing.clear()
                try:
                    batch = await self.read(after, BATCH)
                except StoreUnavailable as fault:
                    _log.warning("following events: the store is away", after=after, reason=fault.detail)
                    await pausing.pause()
                    continue
                pausing.begin_again()
                if batch:
                    after = batch[-1].position
                    yield batch
                else:
                    with anyio.move_on_after(POLL_S):
                        await hearing.wait()


def _cut(bound: int | None, default: int = 0) -> int:
    return default if bound is None else max(_FIRST, min(bound, _LAST))
