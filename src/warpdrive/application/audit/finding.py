"""From what an auditor types to one stream, as of a position.

A name means whoever is called so at the position. If nobody is, it means the one who was before; if several were,
they are listed, and none is chosen.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from warpdrive.application.audit.errors import AmbiguousName, BadReference, NoSuchStream
from warpdrive.application.audit.names import Holding, name_history
from warpdrive.application.ports.event_store import EventReader
from warpdrive.application.projections.codec import EventCodec, kind_of
from warpdrive.domain.content.texts import is_tenant_id
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.tenant_access.aggregate import TenantAccess

_KINDS: Final = MappingProxyType({"namespace": "namespace", "team": "team", "price-book": "price_book"})


@dataclass(frozen=True, slots=True)
class Found:
    """A stream that has at least one event. `notes`: what the auditor should know about how it was found."""

    stream: UUID
    kind: str
    notes: tuple[str, ...] = ()


class Finder:
    """Looks streams up as of one position."""

    def __init__(self, reader: EventReader, codec: EventCodec, position: int) -> None:
        self._reader = reader
        self._codec = codec
        self._position = position

    async def find(self, text: str) -> Found:
        """Find the stream that a text names. Raises BadReference, NoSuchStream, AmbiguousName, StoreUnavailable."""
        room, slash, rest = text.partition("/")
        if not slash:
            return await self._checked(_id(text, text), text, ())
        if not rest:
            raise BadReference(text, "names nothing")
        if room in _KINDS:
            stream, notes = await self._named(_KINDS[room], rest, text)
            return await self._checked(stream, text, notes)
        if room == "quota":
            return await self._quota(rest, text)
        if room == "tenant":
            return await self._checked(_tenant_stream(rest, text), text, ())
        if room in {"token", "recommendation"}:
            return await self._checked(_id(rest, text), text, ())
        raise BadReference(text, f"begins with {room!r}, which is no kind of stream")

    async def _quota(self, rest: str, text: str) -> Found:
        team, slash, backend = rest.partition("/")
        if not slash or not backend:
            raise BadReference(text, "names a team and no backend")
        owner, notes = await self._named("team", team, f"team/{team}")
        return await self._checked(Quota.id_of(owner, backend), text, notes)

    async def _named(self, kind: str, name: str, text: str) -> tuple[UUID, tuple[str, ...]]:
        """Return the stream, and what to say about others of that name. An id may stand for a name."""
        history = await name_history(self._reader, self._codec, kind, to=self._position)
        holdings = history.of(name)
        present = [each for each in holdings if each.until is None]
        if len(present) == 1:
            before = [each for each in holdings if each.until is not None]
            return present[0].stream, tuple(f"{text} was before: {_holding_words(each)}" for each in before)
        streams = {each.stream for each in holdings}
        if len(streams) == 1:
            last = holdings[-1]
            return last.stream, (f"nobody is {text} at position {self._position}; the last was {_holding_words(last)}",)
        if not streams:
            try:
                return UUID(name), ()
            except ValueError:
                raise NoSuchStream(text, self._position) from None
        raise AmbiguousName(text, self._position, [_holding_words(each) for each in holdings])

    async def _checked(self, stream: UUID, text: str, notes: tuple[str, ...]) -> Found:
        first = await self._reader.stream(stream, to_version=1, to_position=self._position)
        if not first:
            raise NoSuchStream(text, self._position)
        return Found(stream, kind_of(first[0].topic) or "unknown", notes)


def _holding_words(holding: Holding) -> str:
    until = "still" if holding.until is None else f"until position {holding.until}"
    return f"{holding.stream}, from position {holding.since}, {until}"


def _id(text: str, whole: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadReference(whole, "is neither an id nor a name with its kind") from None


def _tenant_stream(tenant_id: str, whole: str) -> UUID:
    lowered = tenant_id.lower()
    if not is_tenant_id(lowered):
        raise BadReference(whole, "names no Entra tenant id, which is a UUID")
    return TenantAccess.id_of(lowered)
