"""`ArchiveSource` in memory."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final

from warpdrive.adapters.store.memory.batch_intake import MemoryRecord
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.ports.telemetry_archive import ArchivedDay, ArchiveOwner, ArchiveUnclear, DayReading

_OPS: Final = ("open", "read", "list", "stat", "write")


class MemoryArchiveSource:
    """See the port; whoever shares the lock shares the object."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._archivist = MemoryArchivist(warehouse)
        self._held = False

    @asynccontextmanager
    async def sole(self) -> "AsyncIterator[MemoryArchivist | None]":
        """See the port."""
        if self._held:
            yield None
            return
        self._held = True
        try:
            yield self._archivist
        finally:
            self._held = False


class MemoryArchivist:
    """See `Archivist`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._archives: dict[date, ArchivedDay] = {}
        self._seen: dict[date, list[MemoryRecord]] = {}
        """The records themselves, as they were when a day was archived: others are late."""

    async def owner(self) -> ArchiveOwner:
        """See the port."""
        return ArchiveOwner(f"memory-{id(self._warehouse):x}", "a database in memory")

    async def days(self, *, before: date) -> Sequence[tuple[date, ArchivedDay | None]]:
        """See the port."""
        days = {record.day for record in self._records() if record.day < before}
        return [
            (day, archived)
            for day, archived in ((day, self._archives.get(day)) for day in sorted(days))
            if archived is None or archived.records != self._ever(day)
        ]

    @asynccontextmanager
    async def reading(self, day: date, archived: ArchivedDay | None) -> "AsyncIterator[MemoryDayReading]":
        """See the port."""
        here = [record for record in self._records() if record.day == day]
        known = {id(record) for record in self._seen.get(day, ())}
        late = [record for record in here if id(record) not in known]
        prefixes = {backend.name: backend.prefix for backend in self._warehouse.backends if backend.present}
        ever = self._ever(day)
        if archived is None:
            yield MemoryDayReading(here, here, prefixes, whole=True)
        elif archived.records == len(here) - len(late) or (late == here and archived.records + len(late) == ever):
            yield MemoryDayReading(late, here, prefixes, whole=False)
        elif len(here) == ever:
            yield MemoryDayReading(here, here, prefixes, whole=True)
        else:
            raise ArchiveUnclear(day, archived.records, len(here), ever)

    async def note(self, archived: ArchivedDay, reading: DayReading, at: datetime) -> None:  # noqa: ARG002 - the twin has no such column
        """See the port."""
        assert isinstance(reading, MemoryDayReading), "its own"
        self._archives[archived.day] = archived
        self._seen[archived.day] = reading.here

    def _records(self) -> list[MemoryRecord]:
        return [record for record in self._warehouse.records if isinstance(record, MemoryRecord)]

    def _ever(self, day: date) -> int:
        return sum(counts.records for key, counts in self._warehouse.activity.items() if key[0] == day)


class MemoryDayReading:
    """See `DayReading`."""

    def __init__(
        self, chosen: list[MemoryRecord], here: list[MemoryRecord], prefixes: dict[str, str], *, whole: bool
    ) -> None:
        self._chosen = chosen
        self._prefixes = prefixes
        self.here = here
        self.records = len(chosen)
        self.whole = whole
        self.seen = ""

    async def rows(self) -> AsyncGenerator[Sequence[tuple[Any, ...]], None]:
        """See the port."""
        if self._chosen:
            yield [self._row(record) for record in self._chosen]

    def _row(self, record: MemoryRecord) -> tuple[Any, ...]:
        return (
            record.at,
            record.window_ms,
            record.node,
            record.user,
            record.uid,
            record.job,
            record.backend,
            record.place,
            record.key[len(self._prefixes.get(record.backend, "")) :],
            record.path,
            record.version,
            _OPS[record.op],
            record.opens,
            record.bytes_read,
            record.hits,
            record.misses,
            record.latency_ms,
            record.latency_max_ms,
            record.error,
        )
