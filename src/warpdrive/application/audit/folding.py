"""Aggregates out of their events, as of a position; never out of snapshots or read models: audit trusts neither."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from eventsourcing.domain import Aggregate, OriginatorIDError, OriginatorVersionError

from warpdrive.application.audit.errors import Unfoldable
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.codec import EventCodec, UnknownTopic, UnreadableEvent

PAGE: Final = 1000
"""Events in memory at once; a stream may have millions (the denials of one tenant)."""


async def events_of(
    reader: EventReader, stream: UUID, *, to: int | None = None, after_version: int = 0
) -> AsyncIterator[RecordedEvent]:
    """Give a stream's events in order, a page in memory at a time; up to the position `to`, inclusive."""
    while True:
        page = await reader.stream(stream, after_version=after_version, to_version=after_version + PAGE, to_position=to)
        for event in page:
            yield event
        # A short page is the last one, unless somebody took events out of it: then look on.
        if not page or page[-1].version == after_version + len(page) < after_version + PAGE:
            return
        after_version = page[-1].version


async def all_events(reader: EventReader, *, after: int, to: int | None = None) -> AsyncIterator[RecordedEvent]:
    """Give the events of every stream after a position, in order, a page in memory at a time."""
    while True:
        page = await reader.read(after, PAGE, to=to)
        for event in page:
            yield event
        if len(page) < PAGE:
            return
        after = page[-1].position


async def aggregate_at(
    reader: EventReader, codec: EventCodec, stream: UUID, *, to: int | None = None, start: Aggregate | None = None
) -> Aggregate | None:
    """Fold a stream up to a position, going on from `start` if given; None when it has no event by then.

    Raises Unfoldable, StoreUnavailable.
    """
    aggregate = start
    after = 0 if start is None else int(start.version)
    async for event in events_of(reader, stream, to=to, after_version=after):
        aggregate = folded(codec, event, aggregate)
    return aggregate


def folded(codec: EventCodec, event: RecordedEvent, aggregate: Aggregate | None) -> Aggregate | None:
    """Apply one event. Raises Unfoldable: a record that was tampered with can hold anything."""
    try:
        return codec.fold((event,), aggregate)
    except (UnknownTopic, UnreadableEvent, OriginatorIDError, OriginatorVersionError) as fault:
        raise Unfoldable(event.position, event.topic, str(fault) or type(fault).__name__) from fault
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        why = f"it does not fit what came before it ({type(fault).__name__}: {fault})"
        raise Unfoldable(event.position, event.topic, why) from fault
