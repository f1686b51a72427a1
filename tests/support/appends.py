"""Commands to append, and what all event stores can do together."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID, uuid4

from warpdrive.application.ports.event_store import (
    Append,
    CommandFacts,
    EventReader,
    EventWriter,
    NameUse,
    NewEvent,
    RecordedEvent,
    SnapshotShelf,
)
from warpdrive.application.projections.chain import BEGINNING, chain_hash

REQUEST = bytes(range(32))
OTHER_REQUEST = bytes(32)


class Store(EventWriter, EventReader, SnapshotShelf, Protocol):
    """A whole store."""


def an_append(
    events: int = 1,
    *,
    stream: UUID | None = None,
    after: int = 0,
    command_id: UUID | None = None,
    request: bytes = REQUEST,
    names: Sequence[NameUse] = (),
    actor: str = "alice",
) -> Append:
    """Make a command with so many events of one stream, which is at the version `after` before it."""
    of = stream or uuid4()
    return Append(
        CommandFacts(command_id or uuid4(), request, actor, "correlation", "causation"),
        of,
        after + events,
        [
            NewEvent(of, after + number, f"topic {number}", f"state {number}".encode())
            for number in range(1, events + 1)
        ],
        names,
    )


async def everything(reader: EventReader) -> list[RecordedEvent]:
    """Read all events, page by page."""
    events: list[RecordedEvent] = []
    while page := await reader.read(events[-1].position if events else 0, 1000):
        events += page
    return events


def first_break(events: Sequence[RecordedEvent]) -> int | None:
    """Return the position of the first event whose hash does not follow from the one before; None: the chain holds."""
    previous = BEGINNING
    for event in events:
        if event.hash != chain_hash(previous, event):
            return event.position
        previous = event.hash
    return None
