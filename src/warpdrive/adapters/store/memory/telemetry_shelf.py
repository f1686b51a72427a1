"""`TelemetryShelf` in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.ports.telemetry_shelf import TelemetryKeeper


class MemoryTelemetryShelf:
    """See the port. `archived`: days that are in the archive."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.archived: set[date] = set()
        self._kept = False

    @asynccontextmanager
    async def sole(self) -> AsyncIterator[TelemetryKeeper | None]:
        """See the port."""
        if self._kept:
            yield None
            return
        self._kept = True
        try:
            yield _Keeper(self._warehouse, self.archived)
        finally:
            self._kept = False


class _Keeper:
    """See `TelemetryKeeper`."""

    def __init__(self, warehouse: Warehouse, archived: set[date]) -> None:
        self._warehouse = warehouse
        self._archived = archived

    async def make_room(self, day: date) -> None:
        """Dictionaries have room."""

    async def days(self, *, before: date, archived_only: bool) -> Sequence[date]:
        found = {row.at.astimezone(UTC).date() for row in self._warehouse.records}
        return sorted(day for day in found if day < before and (not archived_only or day in self._archived))

    async def drop_day(self, day: date) -> bool:
        rows = self._warehouse.records
        kept = [row for row in rows if row.at.astimezone(UTC).date() != day]
        dropped = len(kept) < len(rows)
        rows[:] = kept
        return dropped

    async def drop_sums(self, *, before: date) -> int:
        first = before.replace(day=1)
        old = [key for key in self._warehouse.rollups if key[1] < first]
        for key in old:
            del self._warehouse.rollups[key]
        for day in [key for key in self._warehouse.activity if key[0] < before]:
            del self._warehouse.activity[day]
        for table in (self._warehouse.coverage, self._warehouse.presence):
            for told in [key for key in table if key[1] < before]:
                table.pop(told, None)
        return len({(key[1].year, key[1].month) for key in old})

    async def forget_batches(self, *, before: datetime) -> None:
        batches = self._warehouse.batches
        for batch in [each for each, at in batches.items() if at < before]:
            del batches[batch]
