"""Stored bytes to domain events and back, by the library's own mapper, so that its own tools read what we write."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from eventsourcing.domain import Aggregate, CanMutateAggregate
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent
from eventsourcing.utils import TopicError, get_topic

from warpdrive.application.ports.event_store import NewEvent, RecordedEvent, StoredSnapshot
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.token.aggregate import Token

AGGREGATES: Final[Mapping[str, type[Aggregate]]] = MappingProxyType(
    {
        "namespace": Namespace,
        "team": Team,
        "quota": Quota,
        "price_book": PriceBook,
        "tenant_access": TenantAccess,
        "token": Token,
        "dismissal": Dismissal,
    }
)
"""Every kind of stream, by the room that its topics name ("warpdrive.<room>:<Event>.v1")."""


class UnknownTopic(Exception):
    """Raised when an event's topic is none of ours: newer software's, or somebody else's."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"unknown topic {topic!r}")
        self.topic = topic


class UnreadableEvent(Exception):
    """Raised when an event's topic is ours and its bytes are not what we write."""

    def __init__(self, position: int, topic: str, why: str) -> None:
        super().__init__(f"event at position {position} ({topic}) cannot be read: {why}")
        self.position = position
        self.topic = topic


def kind_of(topic: str) -> str | None:
    """Name the kind of stream that an event's or aggregate's topic belongs to; None when it is none of ours."""
    room, colon, _ = topic.partition(":")
    kind = room.removeprefix("warpdrive.")
    return kind if colon and room != kind and kind in AGGREGATES else None


class EventCodec:
    """Reads and writes events and snapshots. Holds nothing but the mapper, so one serves a whole process."""

    def __init__(self) -> None:
        transcoder = JSONTranscoder()
        transcoder.register(DatetimeAsISO())
        self._mapper: Mapper[UUID] = Mapper(transcoder)

    def encode(self, event: CanMutateAggregate[UUID]) -> NewEvent:
        """Write an event as it is stored."""
        stored = self._mapper.to_stored_event(event)
        return NewEvent(_uuid(stored.originator_id), stored.originator_version, stored.topic, stored.state)

    def decode(self, recorded: RecordedEvent) -> Aggregate.Event:
        """Read an event back, upcast to its present shape. Raises UnknownTopic, UnreadableEvent."""
        if kind_of(recorded.topic) is None:
            raise UnknownTopic(recorded.topic)
        stored = StoredEvent(recorded.stream, recorded.version, recorded.topic, recorded.state)
        try:
            event: Any = self._mapper.to_domain_event(stored)
        except TopicError:
            raise UnknownTopic(recorded.topic) from None
        except (MapperDeserialisationError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableEvent(recorded.position, recorded.topic, str(error)) from error
        assert isinstance(event, Aggregate.Event), "our topics name events"
        return event

    def fold(self, events: Iterable[RecordedEvent], start: Aggregate | None = None) -> Aggregate | None:
        """Make the aggregate that the events of one stream describe, beginning with `start`; None without any.

        Raises UnknownTopic, UnreadableEvent.
        """
        aggregate = start
        for recorded in events:
            aggregate = self.decode(recorded).mutate(aggregate)
        return aggregate

    def snapshot(self, aggregate: Aggregate, *, at: datetime) -> StoredSnapshot:
        """Write the aggregate's present state. `at` is when it is taken."""
        state = {key: value for key, value in vars(aggregate).items() if key not in _BOOKKEEPING}
        class_version = getattr(type(aggregate), "class_version", 1)
        if class_version > 1:
            state["class_version"] = class_version
        taken = Aggregate.Snapshot(
            originator_id=aggregate.id,
            originator_version=aggregate.version,
            timestamp=at,
            topic=get_topic(type(aggregate)),
            state=state,
        )
        stored = self._mapper.to_stored_event(taken)
        return StoredSnapshot(_uuid(stored.originator_id), stored.originator_version, stored.topic, stored.state)

    def restore(self, snapshot: StoredSnapshot) -> Aggregate:
        """Make the aggregate that a snapshot describes, upcast to its present shape."""
        stored = StoredEvent(snapshot.stream, snapshot.version, snapshot.topic, snapshot.state)
        taken: Any = self._mapper.to_domain_event(stored)
        aggregate: Aggregate = taken.mutate(None)
        return aggregate


_BOOKKEEPING: Final = ("_id", "_version", "_pending_events")
"""What a snapshot carries outside its state. (The library's own `Snapshot.take` would take the clock's time.)"""


def _uuid(stream: UUID | str) -> UUID:
    assert isinstance(stream, UUID), "our streams' ids are UUIDs; the library allows texts too"
    return stream
