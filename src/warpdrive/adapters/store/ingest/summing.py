"""What a group adds to rollups, activity and coverage, summed before it meets the tables.

An access is an open, a read or a write that reached the object. Listings and looks at metadata say nothing about
whether somebody uses it, nor does an attempt that failed before its first byte; they are activity all the same.
"""

from collections.abc import Iterable, Iterator
from itertools import compress, repeat
from typing import Final

from warpdrive.adapters.store.ingest.group import BatchNumbers, Rows
from warpdrive.application.ports.batch_intake import LIST, STAT, AccessBatch

_OBJECT_BITS: Final = 44
"""Numbers of objects are below 2**44: a key's row has 50 bytes, and no disk has more than 2**49."""
_ALL: Final = repeat(object=True)
_OBJECT: Final = (1 << _OBJECT_BITS) - 1


class Sums:
    """Sums over one group."""

    def __init__(self) -> None:
        self._rollups: dict[int, _DayRollups] = {}
        self._activity: dict[tuple[int, int, int, int], list[int]] = {}
        self._coverage: dict[tuple[int, int], list[int]] = {}

    def add(self, batch: AccessBatch, numbers: BatchNumbers) -> None:
        """Count a batch."""
        self._add_coverage(batch, numbers)
        days = set(numbers.days)
        if len(days) == 1:
            day = next(iter(days))
            self._add_activity(day, batch, numbers, _ALL)
            self._add_accesses(day, batch, numbers, _ALL)
        for day in days if len(days) > 1 else ():
            chosen = [each == day for each in numbers.days]
            self._add_activity(day, batch, numbers, chosen)
            self._add_accesses(day, batch, numbers, chosen)

    def _add_accesses(self, day: int, batch: AccessBatch, numbers: BatchNumbers, chosen: Iterable[bool]) -> None:
        records = batch.records
        rows: Iterable[tuple[int, ...]] = zip(
            numbers.users,
            numbers.objects,
            numbers.backends,
            records.opens,
            records.bytes_read,
            records.hits,
            records.misses,
            strict=True,
        )
        if any(numbers.errors) or LIST in records.op or STAT in records.op:
            used = (
                op not in (LIST, STAT) and (not error or size > 0)
                for op, error, size in zip(records.op, numbers.errors, records.bytes_read, strict=True)
            )
            rows = compress(rows, [both and one for both, one in zip(used, chosen, strict=False)])
        elif not isinstance(chosen, repeat):
            rows = compress(rows, chosen)
        self._rollups.setdefault(day, _DayRollups()).add(rows)

    def _add_activity(self, day: int, batch: AccessBatch, numbers: BatchNumbers, chosen: Iterable[bool]) -> None:
        records = batch.records
        sums = self._activity
        find = sums.get
        for backend, user, job, opens, size, hits, misses, error in compress(
            zip(
                numbers.backends,
                numbers.users,
                numbers.jobs,
                records.opens,
                records.bytes_read,
                records.hits,
                records.misses,
                numbers.errors,
                strict=True,
            ),
            chosen,
        ):
            key = (day, backend, user, job)
            row = find(key)
            if row is None:
                sums[key] = [1, opens, size, hits, misses, 1 if error else 0]
            else:
                row[0] += 1
                row[1] += opens
                row[2] += size
                row[3] += hits
                row[4] += misses
                if error:
                    row[5] += 1

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

    def rollups(self) -> Rows:
        """Return columns: user, day, object, backend, opens, bytes, hits, misses."""
        days = [(day, rows.columns()) for day, rows in sorted(self._rollups.items())]
        if len(days) == 1:
            day, (users, objects, *others) = days[0]
            return [users, [day] * len(users), objects, *others]
        # By user, then day, then object, as the key of the table.
        rows = sorted(
            (user, day, item, *others) for day, columns in days for user, item, *others in zip(*columns, strict=True)
        )
        return _columns(rows, 8)

    def activity(self) -> Rows:
        """Return columns: day, backend, user, job, records, opens, bytes, hits, misses, errors."""
        return _columns(((*key, *row) for key, row in sorted(self._activity.items())), 10)

    def coverage(self) -> Rows:
        """Return columns: node, day, covered, records, lost, too old."""
        return _columns(((*key, *row) for key, row in sorted(self._coverage.items())), 6)

    def touches(self) -> Iterator[tuple[int, int]]:
        """Yield the (object, day) of every access, days in order; an object may come several times."""
        for day, rows in sorted(self._rollups.items()):
            for item in rows.objects():
                yield item, day


class _DayRollups:
    """Sums by user and object. Flat lists: as many small ones would keep the garbage collector busy for nothing."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        """User and object in one number -> place in the lists."""
        self._sums: tuple[list[int], ...] = ([], [], [], [], [])

    def add(self, rows: Iterable[tuple[int, ...]]) -> None:
        """Count records: user, object, backend, opens, bytes, hits, misses."""
        slots = self._slots
        find = slots.get
        backends, all_opens, sizes, all_hits, all_misses = self._sums
        for user, item, backend, opens, size, hits, misses in rows:
            key = user << _OBJECT_BITS | item
            slot = find(key)
            if slot is None:
                slots[key] = len(sizes)
                backends.append(backend)
                all_opens.append(opens)
                sizes.append(size)
                all_hits.append(hits)
                all_misses.append(misses)
            else:
                all_opens[slot] += opens
                sizes[slot] += size
                all_hits[slot] += hits
                all_misses[slot] += misses

    def columns(self) -> Rows:
        """Return columns in the order of users and objects: user, object, backend, opens, bytes, hits, misses."""
        keys = sorted(self._slots)
        order = [self._slots[key] for key in keys]
        return [
            [key >> _OBJECT_BITS for key in keys],
            [key & _OBJECT for key in keys],
            *([column[slot] for slot in order] for column in self._sums),
        ]

    def objects(self) -> set[int]:
        """Return the objects."""
        return {key & _OBJECT for key in self._slots}


def _columns(rows: Iterable[tuple[int, ...]], count: int) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
