"""What streams are called in sentences, as of each event: "namespace training", "the quota of team vision for s3".

Names are looked up in the streams themselves and kept for the streams seen last, so a trail of any length needs
bounded memory, and a trail that begins late need not begin at the first event.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncIterator
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import UUID

from warpdrive.application.audit.folding import events_of
from warpdrive.application.audit.names import names_a_stream
from warpdrive.application.audit.wording import plain
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.codec import EventCodec, UnknownTopic, UnreadableEvent, kind_of
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.tenant_access.aggregate import TenantAccess

Value = TypeVar("Value")

KEPT: Final = 10_000
"""Streams whose names are kept; about 4 MiB."""

_WORDS: Final = MappingProxyType(
    {"namespace": "namespace", "price_book": "price book", "tenant_access": "tenant", "token": "token"}
)

_First = str | tuple[UUID, str] | Dismissal.Dismissed
"""The name in a stream's first event; a quota's team and backend; what a dismissal is about."""

_NAMES = list[tuple[int, str]]
"""From which position on which name, in order."""


class Subjects:
    """Calls streams by their names. `to`: the last position that matters; later renames are not looked at."""

    def __init__(self, reader: EventReader, codec: EventCodec, *, to: int) -> None:
        self._reader = reader
        self._codec = codec
        self._to = to
        self._names: OrderedDict[UUID, _NAMES] = OrderedDict()
        self._firsts: OrderedDict[UUID, _First] = OrderedDict()

    async def about(self, recorded: RecordedEvent) -> str:
        """Say what the event's stream is called right after the event. Raises StoreUnavailable."""
        stream = recorded.stream
        kind = kind_of(recorded.topic)
        if kind == "team":
            return await self._team(stream, recorded.position)
        if kind == "quota":
            return await self._quota(stream, recorded.position)
        if kind == "dismissal":
            return await self._recommendation(stream, recorded.position)
        if kind in {"namespace", "price_book", "tenant_access"}:
            name = await self._first(stream)
            return f"{_WORDS[kind]} {plain(name) if isinstance(name, str) and name else stream}"
        return f"{_WORDS.get(kind or '', 'stream')} {stream}"

    async def _quota(self, stream: UUID, position: int) -> str:
        owned = await self._first(stream)
        if not isinstance(owned, tuple):
            return f"quota {stream}"
        team, backend = owned
        where = "all backends" if backend == "*" else f"backend {plain(backend)}"
        return f"the quota of {await self._team(team, position)} for {where}"

    async def _recommendation(self, stream: UUID, position: int) -> str:
        first = await self._first(stream)
        if not isinstance(first, Dismissal.Dismissed):
            return f"recommendation {stream}"
        whose = "nobody"
        if first.team_id:
            try:
                whose = await self._team(UUID(first.team_id), position)
            except ValueError:  # an id of a team is one; what is written is told all the same
                whose = f"team {plain(first.team_id)}"
        return f"recommendation {plain(first.kind)} for what {whose} owns in backend {plain(first.backend)}"

    async def _first(self, stream: UUID) -> _First:
        """Read what the stream's first event says of it; "" when it cannot be read."""
        known = self._firsts.get(stream)
        if known is None:
            known = await self._read_first(stream)
            _keep(self._firsts, stream, known)
        else:
            self._firsts.move_to_end(stream)
        return known

    async def _read_first(self, stream: UUID) -> _First:
        found = await self._reader.stream(stream, to_version=1)
        try:
            event = self._codec.decode(found[0]) if found else None
        except (UnknownTopic, UnreadableEvent):
            return ""
        match event:
            case Namespace.Created() | PriceBook.Created():
                return str(event.name)
            case Quota.Defined():
                return UUID(event.team_id), event.backend
            case TenantAccess.Created():
                return str(event.tenant_id)
            case Dismissal.Dismissed():
                return event
            case _:
                return ""

    async def _team(self, stream: UUID, position: int) -> str:
        names = self._names.get(stream)
        if names is None:
            names = [each async for each in self._team_names(stream)]
            _keep(self._names, stream, names)
        else:
            self._names.move_to_end(stream)
        place = bisect_right(names, position, key=lambda each: each[0])
        return f"team {plain(names[place - 1][1])}" if place else f"team {stream}"

    async def _team_names(self, stream: UUID) -> AsyncIterator[tuple[int, str]]:
        async for recorded in events_of(self._reader, stream, to=self._to):
            if names_a_stream(recorded):
                try:
                    event = self._codec.decode(recorded)
                except (UnknownTopic, UnreadableEvent):
                    continue  # the trail says so where it comes to this event
                if isinstance(event, Team.Created | Team.Renamed):
                    yield recorded.position, event.name


def _keep(shelf: OrderedDict[UUID, Value], stream: UUID, value: Value) -> None:
    shelf[stream] = value
    if len(shelf) > KEPT:
        shelf.popitem(last=False)
