"""Aggregates out of streams: the newest state at the cost of one question, an older one when asked for."""

from collections import OrderedDict
from typing import Final, TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.ports.event_store import EventReader, SnapshotShelf
from warpdrive.application.projections.codec import EventCodec

Kind = TypeVar("Kind", bound=Aggregate)

_AT_HAND: Final = 1024
"""Aggregates kept in memory between commands."""


class Streams:
    """Loads aggregates, and keeps some at hand.

    An aggregate is handed out to one holder at a time (`take` removes it from those at hand), because holders change
    it; who has appended its events successfully puts it back. So a hit is never a half-changed one, and since
    `take` always reads what the stream got since, it is never an old one.
    """

    def __init__(self, reader: EventReader, shelf: SnapshotShelf, codec: EventCodec) -> None:
        self._reader = reader
        self._shelf = shelf
        self._codec = codec
        self._at_hand: OrderedDict[UUID, Aggregate] = OrderedDict()

    async def take(self, kind: type[Kind], stream: UUID) -> Kind | None:
        """Give the newest state of a stream, None when there is none of this kind. Raises StoreUnavailable."""
        start = self._at_hand.pop(stream, None) or await self._from_shelf(stream, None)
        recorded = await self._reader.stream(stream, after_version=0 if start is None else start.version)
        return _as(kind, self._codec.fold(recorded, start))

    async def load(
        self, kind: type[Kind], stream: UUID, *, to_version: int | None = None, to_position: int | None = None
    ) -> Kind | None:
        """Give the state as of a version or position, to look at. Raises StoreUnavailable."""
        start = None if to_position is not None else await self._from_shelf(stream, to_version)
        recorded = await self._reader.stream(
            stream, after_version=0 if start is None else start.version, to_version=to_version, to_position=to_position
        )
        return _as(kind, self._codec.fold(recorded, start))

    async def has_after(self, stream: UUID, version: int) -> bool:
        """Tell whether a stream has events after a version. Raises StoreUnavailable."""
        return bool(await self._reader.stream(stream, after_version=version))

    def put_back(self, aggregate: Aggregate) -> None:
        """Keep an aggregate at hand whose every event is stored; its holder lets go of it."""
        assert not aggregate.pending_events, "what is not stored yet is nobody's state"
        self._at_hand[aggregate.id] = aggregate
        self._at_hand.move_to_end(aggregate.id)
        while len(self._at_hand) > _AT_HAND:
            self._at_hand.popitem(last=False)

    async def _from_shelf(self, stream: UUID, to_version: int | None) -> Aggregate | None:
        kept = await self._shelf.latest(stream, to_version=to_version)
        return None if kept is None else self._codec.restore(kept)


def _as(kind: type[Kind], aggregate: Aggregate | None) -> Kind | None:
    # Ids also come from outside, in secrets and requests: another kind's is nothing of this one.
    return aggregate if isinstance(aggregate, kind) else None
