"""What changed between two places, aggregate by aggregate and fact by fact."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from warpdrive.application.audit.errors import Backwards
from warpdrive.application.audit.facts import FactChange, changes_between, facts_of
from warpdrive.application.audit.folding import aggregate_at, all_events
from warpdrive.application.audit.portraits import state_of
from warpdrive.application.audit.subjects import Subjects
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.codec import EventCodec, kind_of


@dataclass(frozen=True, slots=True)
class AggregateDifference:
    """How one aggregate became another. `before` 0: it did not exist. `events` touched it, even where nothing shows."""

    stream: UUID
    kind: str
    about: str
    before: int
    after: int
    events: int
    changes: tuple[FactChange, ...]


async def differences(
    reader: EventReader, codec: EventCodec, first: int, second: int, *, stream: UUID | None = None
) -> AsyncIterator[AggregateDifference]:
    """Compare what was so after position `first` with what was after `second`, in the order of first changes.

    One pass over the events between them; memory grows with the streams that they touch, not with the events.
    Raises Backwards, Unfoldable, StoreUnavailable.
    """
    if first > second:
        raise Backwards(first, second)
    touched: dict[UUID, tuple[RecordedEvent, int]] = {}
    async for recorded in all_events(reader, after=first, to=second):
        if stream is None or recorded.stream == stream:
            seen = touched.get(recorded.stream, (recorded, 0))[1]
            touched[recorded.stream] = (recorded, seen + 1)
    subjects = Subjects(reader, codec, to=second)
    for each, (last, events) in touched.items():
        before = await aggregate_at(reader, codec, each, to=first)
        facts = facts_of(state_of(before))
        version = 0 if before is None else int(before.version)
        # `before` is folded further in place, so what it was is taken down first.
        after = await aggregate_at(reader, codec, each, to=second, start=before)
        yield AggregateDifference(
            stream=each,
            kind=kind_of(last.topic) or "unknown",
            about=await subjects.about(last),
            before=version,
            after=0 if after is None else int(after.version),
            events=events,
            changes=tuple(changes_between(facts, facts_of(state_of(after)))),
        )
