"""Aggregates' pending events as a store would give them back, with positions that have gaps, and as appends."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from eventsourcing.domain import Aggregate

from tests.support.appends import REQUEST
from warpdrive.application.ports.event_store import Append, CommandFacts, EventReader, RecordedEvent
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.expected import Difference, ExpectedRows, differences, keyed
from warpdrive.application.projections.projecting import Projecting
from warpdrive.application.projections.tables import TABLES

ACTOR = "token:recorder"
RECORDED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def recorded(events: Iterable[Aggregate.Event], *, after: int = 0, step: int = 3) -> list[RecordedEvent]:
    """Record events one after another, through their bytes; every `step`th position is used."""
    codec = EventCodec()
    records = []
    for number, event in enumerate(events, 1):
        new = codec.encode(event)
        records.append(
            RecordedEvent(
                after + number * step,
                new.stream,
                new.version,
                new.topic,
                new.state,
                RECORDED_AT + timedelta(seconds=number),
                ACTOR,
                uuid4(),
                "correlation",
                "",
                bytes(32),
            )
        )
    return records


def pending(aggregate: Aggregate) -> list[Aggregate.Event]:
    """Look at the pending events without collecting them."""
    return [event for event in aggregate.pending_events if isinstance(event, Aggregate.Event)]


def append_of(events: Sequence[Aggregate.Event], *, stream: UUID | None = None, actor: str = ACTOR) -> Append:
    """Make the append of events of one stream, or of the same events in another stream."""
    codec = EventCodec()
    new = [codec.encode(event) for event in events]
    if stream is not None:
        new = [replace(event, stream=stream) for event in new]
    return Append(CommandFacts(uuid4(), REQUEST, actor), new[-1].stream, new[-1].version, new)


async def wrong_rows(reader: EventReader, models: ReadModels) -> Sequence[Difference]:
    """Compare all live rows with all events; nobody writes meanwhile."""
    projecting, expected, after = Projecting(EventCodec()), ExpectedRows(), 0
    while page := await reader.read(after, 1000):
        expected.apply(change for event in page for change in projecting.changes(event))
        after = page[-1].position
    live = [(name, row) for name, table in TABLES.items() for row in await models.rows(name, order=table.key)]
    return differences(expected.by_key(), keyed(live))
