"""What a group adds to coverage and to last accesses. Rollups and activity are summed by the server: see `staging`.

An access is an open, a read or a write that reached the object. Listings and looks at metadata say nothing about
whether somebody uses it, nor does an attempt that failed before its first byte; they are activity all the same.
"""

from collections.abc import Iterable, Iterator
from itertools import compress

from warpdrive.adapters.store.ingest.group import BatchNumbers, Rows
from warpdrive.application.ports.batch_intake import LIST, STAT, AccessBatch


def accesses(batch: AccessBatch, numbers: BatchNumbers) -> list[bool] | None:
    """Return of each record whether it is an access; None when all are."""
    records = batch.records
    if not (any(numbers.errors) or LIST in records.op or STAT in records.op):
        return None
    return [
        op not in (LIST, STAT) and (not error or size > 0)
        for op, error, size in zip(records.op, numbers.errors, records.bytes_read, strict=True)
    ]


class Sums:
    """Sums over one group."""

    def __init__(self) -> None:
        self._coverage: dict[tuple[int, int], list[int]] = {}
        self._touched: dict[int, set[int]] = {}
        """Objects that were accessed, by day."""

    def add(self, batch: AccessBatch, numbers: BatchNumbers, used: list[bool] | None) -> None:
        """Count a batch, of whose records those that `used` says (None: all) are accesses."""
        self._add_coverage(batch, numbers)
        days = set(numbers.days)
        if len(days) == 1:
            self._touch(numbers.days[0], numbers.objects if used is None else compress(numbers.objects, used))
            return
        for day in days:
            chosen = [each == day for each in numbers.days]
            if used is not None:
                chosen = [both and one for both, one in zip(used, chosen, strict=True)]
            self._touch(day, compress(numbers.objects, chosen))

    def _touch(self, day: int, objects: Iterable[int]) -> None:
        self._touched.setdefault(day, set()).update(objects)

    def _add_coverage(self, batch: AccessBatch, numbers: BatchNumbers) -> None:
        """Count what is covered, recorded, lost and too old of each day."""

        def row(day: int) -> list[int]:
            return self._coverage.setdefault((numbers.node, day), [0, 0, 0, 0])

        for each in batch.covered:
            row(each.day)[0] += each.covered_ms
        for day in set(numbers.days):
            row(day)[1] += numbers.days.count(day)
        if batch.lost:
            row(batch.last_day)[2] += batch.lost
        for day, count in batch.too_old:
            row(day)[3] += count

    def coverage(self) -> Rows:
        """Return columns: node, day, covered, records, lost, too old."""
        return _columns(((*key, *row) for key, row in sorted(self._coverage.items())), 6)

    def touches(self) -> Iterator[tuple[int, int]]:
        """Yield the (object, day) of every access, days in order."""
        for day, objects in sorted(self._touched.items()):
            for item in objects:
                yield item, day


def _columns(rows: Iterable[tuple[int, ...]], count: int) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
