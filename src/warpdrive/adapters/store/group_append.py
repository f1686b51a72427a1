"""Appending in groups: commands that wait at the same time share one call, one lock and one fsync.

One task owns one connection and calls the append function again and again; callers put their command into a bounded
queue and wait. Whoever comes while a call is under way goes with the next one, so groups grow with the load.

A caller that is cancelled while its command is queued takes it out; one that is cancelled while it is being written
leaves it to its fate, which the command's id tells. The others in the group notice nothing.

A connection lost in mid-call leaves the outcome unknown. The same commands are then sent again on a new connection: the
function looks their ids up under the lock, so what was written is answered with its receipt and not written again.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
import asyncpg
import structlog

from warpdrive.adapters.store import append_call
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.errors import SPOKEN, leaves_unknown, reaching, store_fault
from warpdrive.adapters.store.pausing import Pausing
from warpdrive.adapters.store.weighing import weight
from warpdrive.application.ports.event_store import (
    Append,
    EventStoreError,
    OutcomeUnknown,
    Receipt,
    StoreReadOnly,
    StoreUnavailable,
)

_LEAST_PATIENCE_S: Final = 0.05
_GRACE_S: Final = 1.0
"""So much longer the server may take to say that the lock was not had: known is better than unknown."""

_DURABLE: Final = """
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
"""An answer promises that the command is on disk, whatever the server's default."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """How large a group may become, how many commands may wait, and how long.

    More than 64 written commands in a transaction would overflow PostgreSQL's cache of subtransactions.
    """

    commands: int = 64
    payload: int = 4 * 1024 * 1024
    """Bytes; a single larger command goes alone."""
    queue: int = 4096
    patience_s: float = 5.0
    """From a command's arrival to its answer, whatever happens to the server; a second more when it stays silent."""
    lock_patience_s: float = 2.0
    close_patience_s: float = 5.0
    """When the store closes, for what waits and what is under way then."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A command in the queue or under way."""

    append: Append
    weight: int
    deadline: float
    settled: anyio.Event = field(default_factory=anyio.Event)
    outcome: Receipt | EventStoreError | None = None
    taken: bool = False
    """The flusher has it and will settle it."""
    given_up: bool = False
    """The caller left before it was taken."""
    unknown: bool = False
    """An attempt may have been carried out without an answer."""

    def settle(self, outcome: Receipt | EventStoreError) -> None:
        self.outcome = outcome
        self.settled.set()

    def refuse(self, fault: EventStoreError) -> None:
        """Settle with a fault that says nothing about attempts before."""
        self.settle(OutcomeUnknown(fault.detail) if self.unknown else fault)


class GroupAppender:
    """Appends by the database's function. `run` must be running for `append` to answer in time."""

    def __init__(self, place: DatabasePlace, limits: GroupLimits) -> None:
        self._place = place
        self._limits = limits
        self._queue: deque[_Waiting] = deque()
        self._work = anyio.Event()
        self._idle = anyio.Event()
        self._closing = False
        self._ended = False
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._statement: asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record] | None = None

    async def append(self, append: Append) -> Receipt:
        """See EventWriter. Raises ValueError when something in the command cannot be stored."""
        size = weight(append)
        if self._closing:
            raise StoreUnavailable("the store is closing")
        if len(self._queue) >= self._limits.queue:
            raise StoreUnavailable(f"{len(self._queue)} commands are waiting already")
        waiting = _Waiting(append, size, anyio.current_time() + self._limits.patience_s)
        self._queue.append(waiting)
        self._work.set()
        try:
            with anyio.move_on_after(self._limits.patience_s):
                await waiting.settled.wait()
            if not waiting.taken:
                raise StoreUnavailable(f"other commands took longer than {self._limits.patience_s} s")
            await waiting.settled.wait()
        finally:
            waiting.given_up = not waiting.taken
        assert waiting.outcome is not None, "settled means that there is an outcome"
        if isinstance(waiting.outcome, EventStoreError):
            raise waiting.outcome
        return waiting.outcome

    async def run(self) -> None:
        """Write groups until cancelled."""
        group: list[_Waiting] = []
        try:
            while True:
                await self._work.wait()
                group = self._take()
                if group:
                    await self._write(group)
                else:
                    self._idle.set()
        finally:
            self._closing = self._ended = True
            self._idle.set()
            for waiting in (*group, *self._queue):
                if not waiting.settled.is_set():
                    waiting.taken = True
                    waiting.refuse(StoreUnavailable("the store was closed"))
            self._drop_connection()

    async def drain(self) -> None:
        """Take no more commands and wait until those that wait have been answered, or `run` has ended."""
        self._closing = True
        if self._ended:
            return
        self._idle = anyio.Event()
        self._work.set()
        await self._idle.wait()

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        payload = 0
        while self._queue and len(group) < self._limits.commands:
            waiting = self._queue[0]
            if group and payload + waiting.weight > self._limits.payload:
                break
            self._queue.popleft()
            if not waiting.given_up:
                waiting.taken = True
                group.append(waiting)
                payload += waiting.weight
        if not self._queue:
            self._work = anyio.Event()
            if group:
                self._work.set()
        return group

    async def _write(self, group: Sequence[_Waiting]) -> None:
        """Settle every command of the group."""
        pausing = Pausing(longest_s=0.5)
        fault: EventStoreError = StoreUnavailable("there was no time to ask")
        while group := self._in_time(group, fault):
            try:
                rows = await self._call(group)
            except SPOKEN as error:
                said = store_fault(error)
                assert said is not None, "SPOKEN is what store_fault knows"
                fault = said
                _log.warning("append failed", commands=len(group), fault=fault.detail)
                if type(fault) is not StoreUnavailable:
                    self._drop_connection()  # it may be the reason: a statement prepared before a migration
                    await self._write_apart(group, fault)
                    return
                await pausing.pause()
            else:
                for waiting, row in zip(group, rows, strict=True):
                    waiting.settle(append_call.outcome(waiting.append, row))
                return

    async def _write_apart(self, group: Sequence[_Waiting], fault: EventStoreError) -> None:
        """Let a fault that will not pass hit only the command that has it."""
        if len(group) == 1 or isinstance(fault, StoreReadOnly):
            for waiting in group:
                waiting.refuse(fault)
            return
        for waiting in group:
            await self._write([waiting])

    async def _call(self, group: Sequence[_Waiting]) -> "Sequence[asyncpg.Record]":
        deadline = max(waiting.deadline for waiting in group)
        with reaching(), anyio.fail_after(deadline - anyio.current_time()):
            statement = await self._prepared()
        patience = max(deadline - anyio.current_time(), _LEAST_PATIENCE_S)
        lock_patience = min(patience, self._limits.lock_patience_s)
        try:
            rows: list[asyncpg.Record] = await statement.fetch(
                round(lock_patience * 1000),
                *append_call.arguments([waiting.append for waiting in group]),
                timeout=patience + _GRACE_S,
            )
        except BaseException as error:
            # Cancelled is lost too: nobody waits for the answer of a call that was sent.
            if not isinstance(error, Exception) or leaves_unknown(error):
                for waiting in group:
                    waiting.unknown = True
                self._drop_connection()
            raise
        return rows

    async def _prepared(self) -> "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed() or self._statement is None:
            self._drop_connection()
            self._connection = await connect(
                self._place,
                Role.APP,
                application_name="warpdrive append",
                # Not to go on waiting for the lock when we are gone.
                client_connection_check_interval="1s",
            )
            await self._connection.execute(_DURABLE)
            self._statement = await self._connection.prepare(append_call.SQL)
        return self._statement

    def _in_time(self, group: Sequence[_Waiting], fault: EventStoreError) -> Sequence[_Waiting]:
        """Refuse those whose time is over; return the others."""
        now = anyio.current_time()
        for waiting in group:
            if waiting.deadline <= now:
                waiting.refuse(fault)
        return [waiting for waiting in group if not waiting.settled.is_set()]

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
        self._statement = None
