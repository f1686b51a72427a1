"""`BatchIntake` on PostgreSQL: one connection that asks and numbers, one that writes, so that the two overlap."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import anyio
import asyncpg
import structlog

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import SPOKEN, leaves_unknown, store_fault
from warpdrive.adapters.store.ingest import staging
from warpdrive.adapters.store.ingest.dictionary import Dictionary
from warpdrive.adapters.store.ingest.preparing import Preparing
from warpdrive.adapters.store.ingest.writing import KNOWN, AlreadyKnown, write
from warpdrive.adapters.store.pausing import Pausing
from warpdrive.application.ports.batch_intake import AccessBatch, BatchRefused, IntakeUnavailable
from warpdrive.application.ports.event_store import StoreUnavailable

_PATIENCE_S: Final = 3.0
"""For everything that may pass: a deadlock, a server that is starting. Then senders are told to keep their batches."""
_COMMAND_S: Final = 60.0
_CLOSE_S: Final = 0.5

_NO_PARTITION: Final = "23514"
"""check_violation: what COPY says of a row that no partition takes."""

_log = structlog.get_logger(__name__)


class PostgresBatchIntake:
    """See the port. Calls at once take turns at each of the two connections."""

    def __init__(self, place: DatabasePlace, dictionary: Dictionary | None = None) -> None:
        self._preparing = Preparing(dictionary or Dictionary())
        self._asking = _Line(place, "warpdrive ingest: numbers")
        self._writing = _Line(place, "warpdrive ingest", begin=staging.MAKE, **staging.SETTINGS)
        self.busy = self._writing.turn.locked
        """Whether a group is being written."""

    async def aclose(self) -> None:
        """Hang up."""
        await self._asking.aclose()
        await self._writing.aclose()

    async def take(self, batches: Sequence[AccessBatch]) -> Sequence[bool]:
        """See the port."""
        first: dict[UUID, AccessBatch] = {}
        for batch in batches:
            first.setdefault(batch.batch_id, batch)
        # Those of which a commit may have come through though we never heard: they are ours when they are known.
        doubtful: set[UUID] = set()
        known = await self._take(first, doubtful)
        new = {each for each in first if each not in known or each in doubtful}
        answers = []
        for batch in batches:
            answers.append(batch.batch_id in new)
            new.discard(batch.batch_id)  # the next of the same id repeats it
        return answers

    async def _take(self, wanted: dict[UUID, AccessBatch], doubtful: set[UUID]) -> set[UUID]:
        """Count those that are not known, again and again while it may pass; returns the known ones."""
        pausing = Pausing()
        deadline = anyio.current_time() + _PATIENCE_S
        while True:
            trying: list[UUID] = []
            try:
                return await self._take_once(wanted, trying)
            except AlreadyKnown:
                continue  # another control plane was first with some; the next look finds them
            except SPOKEN as error:
                fault = store_fault(error)
                assert fault is not None, "SPOKEN is what store_fault knows"
                if leaves_unknown(error):
                    doubtful.update(trying)
                elif getattr(error, "sqlstate", "") == _NO_PARTITION:
                    self._preparing.forget_rooms()
                elif not isinstance(fault, StoreUnavailable):
                    raise BatchRefused(str(fault)) from error
                if anyio.current_time() >= deadline:
                    raise IntakeUnavailable(str(fault)) from error
                _log.warning("a group of batches is tried again", batches=len(wanted), reason=str(fault))
            await pausing.pause()

    async def _take_once(self, wanted: dict[UUID, AccessBatch], trying: list[UUID]) -> set[UUID]:
        async with self._asking.connected() as connection:
            known = {batch for (batch,) in await connection.fetch(KNOWN, sorted(wanted))}
            fresh = [batch for number, batch in sorted(wanted.items()) if number not in known]
            if not fresh:
                return known
            group = await self._preparing.prepare(connection, fresh)
        async with self._writing.connected() as connection:
            trying.extend(group.ids)
            await write(connection, group)
        self._preparing.written(group)
        return known


class _Line:
    """A connection that one at a time uses; a lost one is made again when somebody wants it."""

    def __init__(self, place: DatabasePlace, name: str, *, begin: str = "", **settings: str) -> None:
        self._place = place
        self._name = name
        self._begin = begin
        """What a new connection does first."""
        self._begun = False
        self._settings = settings
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self.turn = anyio.Lock()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Any]:
        """Use it for the block. Raises DatabaseError; what the driver raises passes through."""
        async with self.turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(
                    self._place,
                    Role.APP,
                    application_name=self._name,
                    patience_s=_COMMAND_S,
                    # Plans that know nothing of an array's length look rows up one by one in the array's order: that
                    # is the order in which locks are taken, and no time goes into planning.
                    plan_cache_mode="force_generic_plan",
                    **self._settings,
                )
                self._begun = not self._begin
            try:
                if not self._begun:
                    await self._connection.execute(self._begin)
                    self._begun = True
                yield self._connection
            except BaseException as error:
                if not isinstance(error, asyncpg.PostgresError | AlreadyKnown) or leaves_unknown(error):
                    # Nobody knows what is still on its way over it.
                    self._connection.terminate()
                    self._connection = None
                raise

    async def aclose(self) -> None:
        """Hang up."""
        if self._connection is not None:
            await hang_up(self._connection, patience_s=_CLOSE_S)


@asynccontextmanager
async def open_batch_intake(place: DatabasePlace) -> AsyncIterator[PostgresBatchIntake]:
    """Give an intake for the block. It connects when it is first needed."""
    intake = PostgresBatchIntake(place)
    try:
        yield intake
    finally:
        await intake.aclose()
