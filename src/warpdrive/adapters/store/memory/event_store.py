"""The event store in memory. Nothing in it awaits between looking and writing, so no lock is needed."""

from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import anyio
import anyio.lowlevel

from warpdrive.adapters.store.memory.names import MemoryNames
from warpdrive.adapters.store.weighing import weight
from warpdrive.application.ports.event_store import (
    Append,
    CommandFacts,
    CommandIdReused,
    ConcurrentWrite,
    EventStoreError,
    NewEvent,
    Receipt,
    RecordedEvent,
    StoredSnapshot,
)
from warpdrive.application.ports.name_register import RegisteredName
from warpdrive.application.projections.chain import BEGINNING, chain_hash

BATCH: Final = 500
"""A subscriber's batch has at most so many events."""


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryEventStore:
    """EventWriter, EventReader, SnapshotShelf, SnapshotPages and NameRegister at once.

    `now` gives the time that events are recorded at. `fault`, when set, is raised by every method that asks or writes,
    as by a database that is away. Subscriptions go on.
    """

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.fault: EventStoreError | None = None
        self._now = now
        self._events: list[RecordedEvent] = []
        self._streams: dict[UUID, dict[int, RecordedEvent]] = {}
        self._receipts: dict[UUID, tuple[bytes, Receipt]] = {}
        self._names = MemoryNames()
        self._snapshots: dict[UUID, dict[int, StoredSnapshot]] = {}
        self._position = 0
        self._grown = anyio.Event()

    async def append(self, append: Append) -> Receipt:
        """Write all or nothing; see EventWriter. Raises ValueError for what PostgreSQL could not store."""
        weight(append)
        await self._asked()
        if (receipt := self._receipt(append.facts)) is not None:
            return receipt
        fresh = {(event.stream, event.version) for event in append.events}
        taken = [key for key in fresh if key[1] in self._streams.get(key[0], {})]
        names = self._names.after(append.names)  # names first, as in PostgreSQL's function
        if taken or len(fresh) < len(append.events):
            self._position += len(append.events)  # a conflict burns positions
            raise ConcurrentWrite(f"stream {append.stream} has moved on from version {append.version}")
        self._names = names
        now = self._now()  # one time for all of a command's events
        for event in append.events:
            self._record(event, append.facts, now)
        receipt = Receipt(append.facts.command_id, append.stream, append.version, self._head())
        self._receipts[append.facts.command_id] = (append.facts.request_hash, receipt)
        if append.events:
            self._grown.set()
            self._grown = anyio.Event()
        return receipt

    async def receipt(self, facts: CommandFacts) -> Receipt | None:
        """Look up whether a command has been recorded. Raises CommandIdReused."""
        await self._asked()
        return self._receipt(facts)

    async def owner_of(self, kind: str, name: str) -> str | None:
        """Tell who owns a name now."""
        await self._asked()
        return self._names.owner(kind, name)

    async def names(self) -> Sequence[RegisteredName]:
        """Return every name that is taken, in no order."""
        await self._asked()
        return self._names.taken()

    async def stream(
        self, stream: UUID, *, after_version: int = 0, to_version: int | None = None, to_position: int | None = None
    ) -> Sequence[RecordedEvent]:
        """Read one stream's events in the order of their versions, within the bounds (`to_...` are inclusive)."""
        await self._asked()
        return [
            event
            for version, event in sorted(self._streams.get(stream, {}).items())
            if version > after_version
            and (to_version is None or version <= to_version)
            and (to_position is None or event.position <= to_position)
        ]

    async def read(self, after: int, limit: int, *, to: int | None = None) -> Sequence[RecordedEvent]:
        """Read up to `limit` events of all streams that come after a position, in order."""
        await self._asked()
        first = bisect_right(self._events, after, key=lambda event: event.position)
        return [event for event in self._events[first : first + limit] if to is None or event.position <= to]

    async def head(self) -> int:
        """Return the position of the last event; 0 when there is none."""
        await self._asked()
        return self._head()

    async def position_at(self, moment: datetime) -> int:
        """Return the position of the last event recorded at or before the moment; 0 when there is none."""
        await self._asked()
        count = bisect_right(self._events, moment, key=lambda event: event.recorded_at)
        return self._events[count - 1].position if count else 0

    @asynccontextmanager
    async def subscribe(self, after: int) -> AsyncIterator[AsyncIterator[Sequence[RecordedEvent]]]:
        """Follow all streams from a position on; see EventReader."""
        async with aclosing(self._follow(after)) as batches:
            yield batches

    async def latest(self, stream: UUID, *, to_version: int | None = None) -> StoredSnapshot | None:
        """Return the newest snapshot of the stream, not newer than `to_version`."""
        await self._asked()
        kept = self._snapshots.get(stream, {})
        fitting = [version for version in kept if to_version is None or version <= to_version]
        return kept[max(fitting)] if fitting else None

    async def keep(self, snapshot: StoredSnapshot) -> None:
        """Keep one; keeping the same version again does nothing."""
        await self._asked()
        self._snapshots.setdefault(snapshot.stream, {}).setdefault(snapshot.version, snapshot)

    async def snapshots(self, after: tuple[UUID, int] | None, limit: int) -> Sequence[StoredSnapshot]:
        """Return up to `limit` snapshots after a stream and version, in order; see SnapshotPages."""
        await self._asked()
        found = sorted((stream, version) for stream, kept in self._snapshots.items() for version in kept)
        return [
            self._snapshots[stream][version] for stream, version in found if not after or (stream, version) > after
        ][:limit]

    async def _asked(self) -> None:
        await anyio.lowlevel.checkpoint()
        if self.fault is not None:
            raise self.fault

    def _head(self) -> int:
        return self._events[-1].position if self._events else 0

    def _receipt(self, facts: CommandFacts) -> Receipt | None:
        if facts.command_id not in self._receipts:
            return None
        request_hash, receipt = self._receipts[facts.command_id]
        if request_hash != facts.request_hash:
            raise CommandIdReused(f"command {facts.command_id} was recorded with another request")
        return replace(receipt, repeated=True)

    def _record(self, event: NewEvent, facts: CommandFacts, now: datetime) -> None:
        previous = self._events[-1] if self._events else None
        self._position += 1
        recorded = RecordedEvent(
            self._position,
            event.stream,
            event.version,
            event.topic,
            event.state,
            max(now, previous.recorded_at) if previous else now,
            facts.actor,
            facts.command_id,
            facts.correlation_id,
            facts.causation_id,
            b"",
        )
        recorded = replace(recorded, hash=chain_hash(previous.hash if previous else BEGINNING, recorded))
        self._events.append(recorded)
        self._streams.setdefault(event.stream, {})[event.version] = recorded

    async def _follow(self, after: int) -> AsyncGenerator[Sequence[RecordedEvent], None]:
        while True:
            grown = self._grown
            first = bisect_right(self._events, after, key=lambda event: event.position)
            if batch := self._events[first : first + BATCH]:
                after = batch[-1].position
                yield batch
            else:
                await grown.wait()
