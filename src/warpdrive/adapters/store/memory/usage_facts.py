"""`UsageFacts` in memory, computed from the warehouse's plain tables each time: also what the real ones must equal."""

from collections.abc import Sequence
from datetime import date

from warpdrive.adapters.store.memory.warehouse import Counts, LedgerCounts, Warehouse
from warpdrive.application.ports.usage_facts import (
    ActivityRow,
    BackendMark,
    CapacityRow,
    FactMarks,
    History,
    HistoryDay,
    HistorySum,
    LedgerRow,
    NodeDay,
)
from warpdrive.domain.governance.growth import Flow


class MemoryUsageFacts:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def marks(self) -> FactMarks:
        """See the port."""
        marks = []
        for backend in sorted(self._warehouse.backends, key=lambda row: row.name):
            if backend.present:
                done = [
                    crawl
                    for crawl in self._warehouse.crawls.values()
                    if crawl.place == backend.place and crawl.state == "completed"
                ]
                last = max(done, key=lambda crawl: crawl.generation, default=None)
                generation, at = (0, None) if last is None else (last.generation, last.ended_at)
                marks.append(BackendMark(backend.name, backend.type, backend.place, backend.prefix, generation, at))
        counted = self._warehouse.refreshes.get("reader_shares")
        return FactMarks(self._warehouse.attributed_position, tuple(marks), counted)

    async def coverage(self, from_day: date, to_day: date) -> Sequence[NodeDay]:
        """See the port."""
        days = sorted({*self._warehouse.coverage, *self._warehouse.presence}, key=lambda key: (key[1], key[0]))
        return [
            NodeDay(
                node,
                day,
                self._warehouse.presence.get((node, day), 0),
                *self._warehouse.coverage.get((node, day), (0, 0)),
            )
            for node, day in days
            if from_day <= day <= to_day
        ]

    async def capacity(self) -> Sequence[CapacityRow]:
        """See the port."""
        sums: dict[tuple[str, tuple[str, ...], str], list[int]] = {}
        for row in self._warehouse.objects.values():
            if row.deleted_at is None:
                counted = sums.setdefault((row.backend, row.owners, row.storage_class), [0, 0])
                counted[0] += 1
                counted[1] += row.size
        return [CapacityRow(*key, objects, size) for key, (objects, size) in sorted(sums.items())]

    async def ledger(self, from_day: date | None = None) -> Sequence[LedgerRow]:
        """See the port."""
        return [
            LedgerRow(
                *key,
                added_objects=counts.added_objects,
                added_bytes=counts.added_bytes,
                removed_objects=counts.removed_objects,
                removed_bytes=counts.removed_bytes,
                changed_bytes=counts.changed_bytes,
                moved_objects=counts.moved_objects,
                moved_bytes=counts.moved_bytes,
            )
            for key, counts in sorted(self._warehouse.ledger.items())
            if from_day is None or key[0] >= from_day
        ]

    async def history(self, from_day: date, *, backend: str, team: str) -> History:
        """See the port."""
        first: date | None = None
        days: dict[tuple[date, str, tuple[str, ...]], Flow] = {}
        for (day, name, owners), counts in sorted(self._warehouse.ledger.items()):
            if _asked(name, owners, backend, team):
                first = first or day
                if day >= from_day:
                    key = (day, name, owners) if team else (day, "", ())
                    days[key] = days.get(key, Flow()) + _flow(counts)
        sums: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = {}
        for row in await self.capacity():
            if _asked(row.backend, row.owners, backend, team):
                kept = (row.backend, row.owners) if team else ("", ())
                objects, size = sums.get(kept, (0, 0))
                sums[kept] = (objects + row.objects, size + row.bytes)
        return History(
            first,
            tuple(HistoryDay(*key, flow) for key, flow in sorted(days.items(), key=lambda item: item[0])),
            tuple(HistorySum(*key, *counted) for key, counted in sorted(sums.items())),
        )

    async def backend_names(self) -> Sequence[str]:
        """See the port."""
        return sorted({each.name for each in self._warehouse.backends})

    async def activity(self, from_day: date, to_day: date) -> Sequence[ActivityRow]:
        """See the port."""
        sums: dict[tuple[date, str], Counts] = {}
        for (day, backend, _, _), counts in sorted(self._warehouse.activity.items()):
            if from_day <= day <= to_day:
                total = sums.setdefault((day, backend), Counts())
                total.records += counts.records
                total.opens += counts.opens
                total.bytes_read += counts.bytes_read
                total.hits += counts.hits
                total.misses += counts.misses
        return [
            ActivityRow(*key, each.records, each.opens, each.bytes_read, each.hits, each.misses)
            for key, each in sums.items()
        ]


def _asked(name: str, owners: tuple[str, ...], backend: str, team: str) -> bool:
    return backend in {"", name} and (not team or team in owners)


def _flow(counts: LedgerCounts) -> Flow:
    return Flow(
        counts.added_objects,
        counts.added_bytes,
        counts.removed_objects,
        counts.removed_bytes,
        counts.changed_bytes,
        counts.moved_objects,
        counts.moved_bytes,
    )
