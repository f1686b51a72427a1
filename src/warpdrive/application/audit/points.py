"""Places in the record, as people name them: by position, or by a moment, which is only an index to a position."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from warpdrive.application.audit.errors import BeforeRecord, BeyondHead
from warpdrive.application.ports.event_store import EventReader, RecordedEvent

_TICK: Final = datetime.resolution
_WINDOW: Final = 64
"""Positions looked at first for the event before a gap; lost races burn a few at a time."""

Point = int | datetime
"""A position, or a moment with a zone."""


@dataclass(frozen=True, slots=True)
class Place:
    """As of when: after the event at `position`. `moment`: what rules about time are judged by."""

    position: int
    moment: datetime


async def place_of(reader: EventReader, point: Point | None, *, now: datetime) -> Place:
    """Find a place; None is the end of the record at this moment.

    A position without an event of its own (they are not contiguous) means after the event before it; its moment is
    when that event was recorded. Raises BeyondHead, BeforeRecord, StoreUnavailable.
    """
    if point is None:
        return Place(await reader.head(), now)
    if isinstance(point, datetime):
        position = await reader.position_at(point)
        if position == 0:
            raise BeforeRecord(point)
        return Place(position, point)
    head = await reader.head()
    if point > head:
        raise BeyondHead(point, head)
    last = await last_event(reader, point)
    return Place(point, now if last is None else last.recorded_at)


async def position_before(reader: EventReader, point: Point) -> int:
    """Return the position after which events are `point` or later: what reading "since" it begins after."""
    if isinstance(point, int):
        return max(point - 1, 0)
    # `position_at` includes the moment itself; moments have whole microseconds, so one less leaves it out.
    return await reader.position_at(point - _TICK)


async def position_until(reader: EventReader, point: Point) -> int:
    """Return the last position that is `point` or earlier, which may lie beyond the head."""
    return point if isinstance(point, int) else await reader.position_at(point)


async def last_event(reader: EventReader, position: int) -> RecordedEvent | None:
    """Return the last event that is not beyond the position; None before the first."""
    window = _WINDOW
    while True:
        begin = max(position - window, 0)
        found = await reader.read(begin, window, to=position)
        if found:
            return found[-1]
        if begin == 0:
            return None
        window *= 2
