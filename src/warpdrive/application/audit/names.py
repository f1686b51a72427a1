"""Who was called what, and when: the history of names, folded from events and from nothing else.

Namespaces, teams and price books have names that can be given up and taken by another; their streams have random ids.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.folding import all_events
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.team.aggregate import Team

NAMED: Final = MappingProxyType({"namespace": Namespace, "team": Team, "price_book": PriceBook})
"""Kinds of streams that have names."""

_NAMING: Final = (Namespace.Created, Team.Created, Team.Renamed, PriceBook.Created)
_ENDING: Final = (Namespace.Retired, Team.Disbanded, PriceBook.Retired)

NAMING_TOPICS: Final = frozenset(each.TOPIC for each in _NAMING)
ENDING_TOPICS: Final = frozenset(each.TOPIC for each in _ENDING)


@dataclass(slots=True)
class Holding:
    """A stream was called `name` from position `since` on; `until`: where it gave the name up, None if it has it."""

    stream: UUID
    name: str
    since: int
    until: int | None = None


@dataclass(slots=True)
class NameHistory:
    """Every name of one kind. Feed events in order."""

    holdings: dict[str, list[Holding]] = field(default_factory=dict)
    # The one holding of each stream that has not ended; a stream has at most one name.
    _open: dict[UUID, Holding] = field(default_factory=dict)

    def feed(self, position: int, event: Aggregate.Event) -> None:
        """Take notice of an event; most say nothing about names."""
        stream = event.originator_id
        if isinstance(event, _NAMING):
            self._end(stream, position)
            holding = Holding(stream, event.name, position)
            self.holdings.setdefault(event.name, []).append(holding)
            self._open[stream] = holding
        elif isinstance(event, _ENDING):
            self._end(stream, position)

    def _end(self, stream: UUID, position: int) -> None:
        ended = self._open.pop(stream, None)
        if ended is not None:
            ended.until = position

    def present(self) -> Iterable[Holding]:
        """Give the holdings that have not ended."""
        return self._open.values()

    def of(self, name: str) -> list[Holding]:
        """Return who was ever called so, oldest first."""
        return self.holdings.get(name, [])


async def name_history(reader: EventReader, codec: EventCodec, kind: str, *, to: int) -> NameHistory:
    """Fold the names of one kind up to a position: one pass over the record, a page of it in memory at a time.

    Raises UnreadableEvent when an event that gives or ends a name cannot be read, StoreUnavailable.
    """
    history = NameHistory()
    topics = naming_topics(kind)
    async for recorded in all_events(reader, after=0, to=to):
        if recorded.topic in topics:
            history.feed(recorded.position, codec.decode(recorded))
    return history


def naming_topics(kind: str) -> frozenset[str]:
    """Name the topics that give names to, or take them from, streams of a kind."""
    return frozenset(topic for topic in NAMING_TOPICS | ENDING_TOPICS if topic.startswith(f"warpdrive.{kind}:"))


def names_a_stream(recorded: RecordedEvent) -> bool:
    """Tell whether the event gives its stream a name."""
    return recorded.topic in NAMING_TOPICS
