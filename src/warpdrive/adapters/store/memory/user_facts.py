"""`UserFacts` in memory."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from warpdrive.adapters.store.memory.warehouse import Counts, Warehouse
from warpdrive.application.ports.user_facts import UserBackendRow, UserJobRow, UserObjectRow

Key = TypeVar("Key")


class MemoryUserFacts:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def known(self, user: str) -> bool:
        """See the port."""
        return any(each == user for _, _, each, _ in self._warehouse.activity)

    async def backends(self, user: str, from_day: date, to_day: date) -> Sequence[UserBackendRow]:
        """See the port."""
        found: dict[str, tuple[Counts, date]] = {}
        for (day, backend, each, _), counts in self._warehouse.activity.items():
            if each == user and from_day <= day <= to_day:
                _add(found, backend, counts, day)
        return [
            UserBackendRow(backend, counts.opens, counts.bytes_read, counts.hits, counts.misses, last)
            for backend, (counts, last) in sorted(found.items())
        ]

    async def objects(self, user: str, from_day: date, to_day: date, *, limit: int) -> Sequence[UserObjectRow]:
        """See the port."""
        found: dict[tuple[str, str], tuple[Counts, date]] = {}
        used: dict[tuple[str, str], str] = {}
        for (each, day, *where), counts in self._warehouse.rollups.items():
            if each == user and from_day <= day <= to_day:
                place, key = where
                backend = self._warehouse.rollup_backends[each, day, place, key]
                used[place, key] = min(backend, used.get((place, key), backend))
                _add(found, (place, key), counts, day)
        rows = [self._object(where, used[where], *sums) for where, sums in found.items()]
        rows.sort(key=lambda row: (-row.bytes_read, -row.opens, row.backend, row.key))
        return rows[:limit]

    async def jobs(self, user: str, from_day: date, to_day: date, *, limit: int) -> Sequence[UserJobRow]:
        """See the port."""
        found: dict[str, tuple[Counts, date]] = {}
        for (day, _, each, job), counts in self._warehouse.activity.items():
            if each == user and job and from_day <= day <= to_day:
                _add(found, job, counts, day)
        rows = [UserJobRow(job, counts.opens, counts.bytes_read, last) for job, (counts, last) in found.items()]
        rows.sort(key=lambda row: (-row.last_day.toordinal(), -row.bytes_read, row.job))
        return rows[:limit]

    def _object(self, where: tuple[str, str], used: str, counts: Counts, last: date) -> UserObjectRow:
        place, key = where
        indexed = self._warehouse.objects.get(where)
        backend = used if indexed is None else indexed.backend
        prefixes = {(each.name, each.place): each.prefix for each in self._warehouse.backends}
        size = None if indexed is None or indexed.deleted_at is not None else indexed.size
        below = key.removeprefix(prefixes.get((backend, place), ""))
        return UserObjectRow(backend, below, size, counts.opens, counts.bytes_read, last)


def _add(found: dict[Key, tuple[Counts, date]], key: Key, counts: Counts, day: date) -> None:
    total, last = found.get(key, (Counts(), day))
    total.opens += counts.opens
    total.bytes_read += counts.bytes_read
    total.hits += counts.hits
    total.misses += counts.misses
    found[key] = (total, max(last, day))
