"""How storage grew: sizes at the ends of days, worked out backwards from what is there now and what came and went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final

from warpdrive.domain.governance.splitting import split


@dataclass(frozen=True, slots=True)
class Flow:
    """What a day brought. `changed`: by objects that became larger or smaller; `moved`: from or to other owners."""

    added_objects: int = 0
    added_bytes: int = 0
    removed_objects: int = 0
    removed_bytes: int = 0
    changed_bytes: int = 0
    moved_objects: int = 0
    moved_bytes: int = 0

    @property
    def objects(self) -> int:
        """By how many objects there were more at the day's end than at its beginning."""
        return self.added_objects - self.removed_objects + self.moved_objects

    @property
    def bytes(self) -> int:
        """By how much more."""
        return self.added_bytes - self.removed_bytes + self.changed_bytes + self.moved_bytes

    def __add__(self, other: "Flow") -> "Flow":
        """Return what both brought."""
        return Flow(*(getattr(self, name) + getattr(other, name) for name in _COUNTS))

    def share(self, team: str, owners: Sequence[str]) -> "Flow":
        """Return a team's part of what belongs to several."""
        return Flow(*(split(getattr(self, name), owners)[team] for name in _COUNTS))


_COUNTS: Final = tuple(field.name for field in fields(Flow))
NOTHING: Final = Flow()


@dataclass(frozen=True, slots=True)
class DaySize:
    """What was there at a day's end (UTC), and what the day brought."""

    day: date
    objects: int
    bytes: int
    flow: Flow = NOTHING

    def share(self, team: str, owners: Sequence[str]) -> "DaySize":
        """Return a team's part of what belongs to several; bytes and objects are split each by themselves."""
        objects, size = split(self.objects, owners)[team], split(self.bytes, owners)[team]
        return DaySize(self.day, objects, size, self.flow.share(team, owners))


def sizes(objects: int, size: int, flows: Mapping[date, Flow], from_day: date, to_day: date) -> list[DaySize]:
    """Return the size at the end of each day, both included, from what is there now and all flows since `from_day`.

    Days without a flow are as the day before. Flows after `to_day` are taken off, so that its end is right.
    """
    for day, flow in flows.items():
        if day > to_day:
            objects, size = objects - flow.objects, size - flow.bytes
    found: list[DaySize] = []
    day = to_day
    while day >= from_day:
        flow = flows.get(day, NOTHING)
        found.append(DaySize(day, objects, size, flow))
        objects, size = objects - flow.objects, size - flow.bytes
        day -= timedelta(days=1)
    return found[::-1]


def together(series: Iterable[Sequence[DaySize]], from_day: date, to_day: date) -> list[DaySize]:
    """Add up series of the same days; without any, nothing was there on any day."""
    days = [from_day + timedelta(days=count) for count in range((to_day - from_day).days + 1)]
    total = {day: DaySize(day, 0, 0) for day in days}
    for one in series:
        for each in one:
            so_far = total[each.day]
            total[each.day] = DaySize(
                each.day, so_far.objects + each.objects, so_far.bytes + each.bytes, so_far.flow + each.flow
            )
    return list(total.values())
