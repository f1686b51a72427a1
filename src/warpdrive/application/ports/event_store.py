"""The streams of decisions: append, read, follow. Owned by control (which writes) and audit (which only reads).

Positions are places in the global order of all streams. They grow but are not contiguous: a command that loses a
race burns some. What a reader has seen up to a position is complete: nothing smaller appears later.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append. `version` is its count in its stream, from 1, and so also what the writer expects."""

    stream: UUID
    version: int
    topic: str
    state: bytes


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as it is stored. `hash` is SHA-256 over its fields and the previous event's hash (32 bytes)."""

    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    recorded_at: datetime
    actor: str
    command_id: UUID | None
    correlation_id: str
    causation_id: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class NameUse:
    """A name taken (`uses` > 0) or given up (`uses` < 0) in the same transaction as the events.

    `kind` is namespace, team, price_book or backend. A name has one owner (a stream's id as text, or a backend's
    fingerprint) and is free when its uses are back at 0.
    """

    kind: str
    name: str
    owner: str
    uses: int = 1


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """Who asked for what, stored with every event that the command causes.

    `command_id` makes a repetition recognisable, `request_hash` (32 bytes) tells a repetition from another request
    under the same id.
    """

    command_id: UUID
    request_hash: bytes
    actor: str
    correlation_id: str = ""
    causation_id: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an append did: the stream and its version after it, and the position of its last event.

    A command that changed nothing has a receipt too: `position` is then the head at that time. `repeated`: this is
    the stored answer to an earlier append of the same command.
    """

    command_id: UUID
    stream: UUID
    version: int
    position: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """One command's outcome: its events, which may be of several streams, and the names they take or give up.

    `stream` and `version` are what the receipt will say.
    """

    facts: CommandFacts
    stream: UUID
    version: int
    events: Sequence[NewEvent]
    names: Sequence[NameUse] = ()


class EventStoreError(Exception):
    """Base of what a store can answer other than success. `detail` is for the operator."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConcurrentWrite(EventStoreError):
    """Raised when a stream already has an event of that version: load again and decide again. Nothing was written."""


class NameNotHeld(ConcurrentWrite):
    """Raised when a name is given up by who does not hold it (so often): somebody else has given it up meanwhile."""


class NameTaken(EventStoreError):
    """Raised when a name belongs to another owner. Nothing was written.

    Names are looked at before versions, so this is also how a writer hears that its stream has moved on.
    """

    def __init__(self, kind: str, name: str, owner: str) -> None:
        super().__init__(f"{kind} name {name!r} belongs to {owner}")
        self.kind = kind
        self.name = name
        self.owner = owner


class CommandIdReused(EventStoreError):
    """Raised when another request has been recorded under the same command id. Nothing was written."""


class StoreUnavailable(EventStoreError):
    """Raised when the store cannot be reached, or a lock was not had in time. Nothing was written; try again later."""


class OutcomeUnknown(StoreUnavailable):
    """Raised when the store was lost in mid-append beyond the deadline: repeat the same command id to learn."""


class StoreReadOnly(StoreUnavailable):
    """Raised when the store refuses every write: read-only, or its disk is full. Nothing was written."""


class EventWriter(Protocol):
    """The only way to change anything."""

    async def append(self, append: Append) -> Receipt:
        """Write all or nothing, and return once it is durable.

        A command that was recorded before has its first receipt (`repeated`), and nothing is written. Commands that
        wait at the same time are written in one transaction, each on its own. Raises ConcurrentWrite, NameTaken,
        CommandIdReused, StoreUnavailable, OutcomeUnknown, StoreReadOnly.
        """

    async def receipt(self, facts: CommandFacts) -> Receipt | None:
        """Look up whether a command has been recorded. Raises CommandIdReused, StoreUnavailable."""

    async def owner_of(self, kind: str, name: str) -> str | None:
        """Tell who owns a name now. Raises StoreUnavailable."""


class EventReader(Protocol):
    """The streams, read. Every method raises StoreUnavailable."""

    async def stream(
        self, stream: UUID, *, after_version: int = 0, to_version: int | None = None, to_position: int | None = None
    ) -> Sequence[RecordedEvent]:
        """Read one stream's events in the order of their versions, within the bounds (`to_...` are inclusive)."""

    async def read(self, after: int, limit: int, *, to: int | None = None) -> Sequence[RecordedEvent]:
        """Read up to `limit` events of all streams that come after a position, in order."""

    async def head(self) -> int:
        """Return the position of the last event; 0 when there is none."""

    async def position_at(self, moment: datetime) -> int:
        """Return the position of the last event recorded at or before the moment; 0 when there is none."""

    def subscribe(self, after: int) -> AbstractAsyncContextManager[AsyncIterator[Sequence[RecordedEvent]]]:
        """Follow all streams while the block runs: non-empty batches in order, complete, without end.

        A lost connection is made again inside, with back-off; nothing is skipped or repeated by that.
        """


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A fold of a stream up to a version, as the library's mapper writes it."""

    stream: UUID
    version: int
    topic: str
    state: bytes


class SnapshotShelf(Protocol):
    """Snapshots: a shortcut for loading, never a truth. Every method raises StoreUnavailable."""

    async def latest(self, stream: UUID, *, to_version: int | None = None) -> StoredSnapshot | None:
        """Return the newest snapshot of the stream, not newer than `to_version`."""

    async def keep(self, snapshot: StoredSnapshot) -> None:
        """Keep one; keeping the same version again does nothing."""
