"""The way of a wish: load, decide, append; again when somebody else was faster; the first answer when repeated."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import AlreadyThere
from warpdrive.application.control.streams import Streams
from warpdrive.application.ports.event_store import (
    Append,
    CommandFacts,
    ConcurrentWrite,
    EventStoreError,
    EventWriter,
    NameTaken,
    NameUse,
    Receipt,
    SnapshotShelf,
)
from warpdrive.application.projections.codec import EventCodec

Kind = TypeVar("Kind", bound=Aggregate)
View = TypeVar("View")

_ATTEMPTS: Final = 8
"""Times a command is decided anew when others write to its stream; then the caller hears of it (ABORTED)."""

SNAPSHOT_EVERY: Final = 100
"""Events between snapshots: folding 100 events takes a millisecond or two."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[Kind]):
    """The aggregate with its new events pending, and the names that they take or give up."""

    aggregate: Kind
    names: Sequence[NameUse] = field(default=())


class Commands:
    """Runs commands on aggregates."""

    def __init__(self, writer: EventWriter, streams: Streams, shelf: SnapshotShelf, codec: EventCodec) -> None:
        self._writer = writer
        self._streams = streams
        self._shelf = shelf
        self._codec = codec

    async def change(
        self,
        kind: type[Kind],
        call: Call,
        locate: Callable[[], Awaitable[UUID | None]],
        decide: Callable[[Kind | None], Decision[Kind]],
        view: Callable[[Kind], View],
    ) -> Done[View]:
        """Find the stream, decide on its newest state, append, and show what came of it.

        `locate` gives None for a stream that is to be made. `decide` may be called several times, each time with a
        state of its own, None when there is none yet.
        What it or `locate` raises is raised here, unless the command has been carried out before: a repetition has
        its first answer, even if what it asks for would be refused by now. Raises also AlreadyThere (a name is
        taken), ConcurrentWrite, CommandIdReused, StoreUnavailable.
        """
        facts = facts_of(call)
        lost: ConcurrentWrite
        for _ in range(_ATTEMPTS):
            try:
                stream = await locate()
                decision = decide(None if stream is None else await self._streams.take(kind, stream))
            except EventStoreError:
                raise
            except Exception:
                receipt = await self._writer.receipt(facts)
                if receipt is None:
                    raise
                return await self._remembered(kind, receipt, view)
            aggregate = decision.aggregate
            events = [self._codec.encode(event) for event in aggregate.collect_events()]
            append = Append(facts, aggregate.id, aggregate.version, events, tuple(decision.names))
            try:
                receipt = await self._writer.append(append)
            except ConcurrentWrite as error:
                lost = error
                continue
            except NameTaken as taken:
                if not await self._moved_on(locate, stream, aggregate.version - len(events)):
                    raise name_taken(taken, call) from taken
                lost = ConcurrentWrite(taken.detail)
                continue
            if receipt.repeated:
                return await self._remembered(kind, receipt, view)
            await self._shelve(aggregate, len(events), call.at)
            answer = Done(view(aggregate), receipt.position)
            # Last of all: from here on somebody else may change it.
            self._streams.put_back(aggregate)
            return answer
        raise lost

    async def _moved_on(self, locate: Callable[[], Awaitable[UUID | None]], stream: UUID | None, version: int) -> bool:
        """Tell whether a decision on that version of that stream was made on an old state."""
        try:
            found = await locate()
        except EventStoreError:
            raise
        except Exception:  # noqa: BLE001 - the next attempt meets it too, and tells
            return True
        return found != stream or (stream is not None and await self._streams.has_after(stream, version))

    async def _remembered(self, kind: type[Kind], receipt: Receipt, view: Callable[[Kind], View]) -> Done[View]:
        aggregate = await self._streams.load(kind, receipt.stream, to_version=receipt.version)
        assert aggregate is not None, "a receipt names a stream that was written"
        return Done(view(aggregate), receipt.position, repeated=True)

    async def _shelve(self, aggregate: Aggregate, added: int, at: datetime) -> None:
        """Keep a snapshot each time another hundred events is complete."""
        if aggregate.version // SNAPSHOT_EVERY == (aggregate.version - added) // SNAPSHOT_EVERY:
            return
        try:
            await self._shelf.keep(self._codec.snapshot(aggregate, at=at))
        except EventStoreError:
            # The command is done and durable; loading merely folds more until the next hundred.
            return


def facts_of(call: Call) -> CommandFacts:
    """Say who asked for what, as the store keeps it."""
    return CommandFacts(
        command_id=call.command_id,
        request_hash=call.request_hash,
        actor=call.principal.name,
        correlation_id=call.correlation_id,
    )


def name_taken(taken: NameTaken, call: Call) -> AlreadyThere:
    """Tell a caller that a name is taken; where a backend's name leads only if it may see every namespace."""
    detail = ""
    if taken.kind == "backend":
        place = "" if call.principal.namespaces else f" ({taken.owner})"
        detail = f"it names another place{place}; give this one another name"
    return AlreadyThere(taken.kind.replace("_", " "), taken.name, detail)
