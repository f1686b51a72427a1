"""Events through the bytes that a store would keep: the library's own Mapper and JSONTranscoder, nothing of ours."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate, DomainEventProtocol
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper

AnAggregate = TypeVar("AnAggregate", bound=Aggregate)


def mapper() -> Mapper[UUID]:
    """Build the mapper that the event store uses."""
    transcoder = JSONTranscoder()
    transcoder.register(DatetimeAsISO())
    return Mapper(transcoder)


def stored_and_loaded(event: DomainEventProtocol[UUID]) -> DomainEventProtocol[UUID]:
    """Send one event, or a snapshot, to its bytes and back."""
    through = mapper()
    return through.to_domain_event(through.to_stored_event(event))


def replay(kind: type[AnAggregate], events: Iterable[DomainEventProtocol[UUID]]) -> AnAggregate:
    """Fold events, each after a trip through its stored bytes."""
    aggregate: AnAggregate | None = None
    for event in events:
        aggregate = stored_and_loaded(event).mutate(aggregate)  # type: ignore[attr-defined] # the protocol leaves it out
    assert isinstance(aggregate, kind)
    return aggregate


def replayed_state(aggregate: AnAggregate) -> dict[str, object]:
    """Replay the pending events; compare with `state_of` what became of them."""
    return state_of(replay(type(aggregate), aggregate.pending_events))


def state_of(aggregate: Aggregate) -> dict[str, object]:
    """Take everything that an aggregate is, but for what it has not yet saved."""
    return {name: value for name, value in vars(aggregate).items() if name != "_pending_events"}


def names_of(aggregate: Aggregate) -> list[str]:
    """Name the pending events in order; collecting nothing."""
    return [type(event).__name__ for event in aggregate.pending_events]


def assert_snapshot_is_the_same(aggregate: Aggregate) -> None:
    """Check that a snapshot, through its bytes, is what replaying every event gives."""
    snapshot = stored_and_loaded(aggregate.Snapshot.take(aggregate))
    again = snapshot.mutate(None)  # type: ignore[attr-defined] # the protocol leaves it out
    assert state_of(again) == state_of(aggregate) == replayed_state(aggregate)
