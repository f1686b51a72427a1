"""`BatchIntake` in memory: a loop over records and plain dictionaries, which the real one must equal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from warpdrive.adapters.store.memory.warehouse import Counts, RecordRow, Warehouse
from warpdrive.application.ports.batch_intake import LIST, STAT, AccessBatch
from warpdrive.domain.governance.recorded_texts import recorded_key, recorded_word


@dataclass(frozen=True, slots=True)
class MemoryRecord(RecordRow):
    """All columns of telemetry.records. `op` as in the port."""

    day: date
    node: str
    uid: int
    place: str
    key: str
    path: str
    version: str
    op: int
    window_ms: int
    latency_ms: float
    latency_max_ms: float
    error: str


class MemoryBatchIntake:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def take(self, batches: Sequence[AccessBatch]) -> Sequence[bool]:
        """See the port."""
        return [self._take(batch) for batch in batches]

    def _take(self, batch: AccessBatch) -> bool:
        warehouse = self._warehouse
        if batch.batch_id in warehouse.batches:
            return False
        warehouse.batches[batch.batch_id] = datetime.fromtimestamp(batch.received_ms / 1000, UTC)
        for row in range(len(batch.records)):
            self._count(self._record(batch, row))
        node = recorded_word(batch.node)
        for each in batch.covered:
            covered, lost = warehouse.coverage.get((node, _date(each.day)), (0, 0))
            warehouse.coverage[node, _date(each.day)] = (covered + each.covered_ms, lost)
        if batch.lost:
            day = _date(batch.last_day)
            covered, lost = warehouse.coverage.get((node, day), (0, 0))
            warehouse.coverage[node, day] = (covered, lost + batch.lost)
        for told in (
            *{_date(ts // 86_400_000) for ts in batch.records.ts_ms},
            *(_date(day) for day, _ in batch.too_old),
        ):
            warehouse.coverage.setdefault((node, told), (0, 0))
        return True

    def _record(self, batch: AccessBatch, row: int) -> MemoryRecord:
        records = batch.records
        strings = records.strings
        key, path = strings[records.key[row]], records.path[row]
        name = recorded_word(strings[records.backend[row]])
        place, prefix = self._place(name)
        return MemoryRecord(
            day=_date(records.ts_ms[row] // 86_400_000),
            at=datetime.fromtimestamp(records.ts_ms[row] / 1000, UTC),
            node=recorded_word(batch.node),
            user=recorded_word(strings[records.user[row]]),
            uid=records.uid[row],
            job=recorded_word(strings[records.job[row]]),
            backend=name,
            place=place,
            key=recorded_key(prefix, key),
            path=strings[path] if path < len(strings) else strings[path - len(strings)] + key,
            version=strings[records.version[row]],
            op=records.op[row],
            opens=records.opens[row],
            bytes_read=records.bytes_read[row],
            hits=records.hits[row],
            misses=records.misses[row],
            window_ms=records.window_ms[row],
            latency_ms=records.latency_ms[row],
            latency_max_ms=records.latency_max_ms[row],
            error=recorded_word(strings[records.error[row]]),
        )

    def _place(self, name: str) -> tuple[str, str]:
        for backend in self._warehouse.backends:
            if backend.name == name and backend.present:
                return backend.place, backend.prefix
        return f"unknown|name={name}", ""

    def _count(self, record: MemoryRecord) -> None:
        warehouse = self._warehouse
        warehouse.records.append(record)
        activity = warehouse.activity.setdefault((record.day, record.backend, record.user, record.job), Counts())
        activity.records += 1
        activity.errors += 1 if record.error else 0
        _add(activity, record)
        if record.op in (LIST, STAT) or (record.error and not record.bytes_read):
            return
        seen = (record.user, record.day, record.place, record.key)
        rollup = warehouse.rollups.setdefault(seen, Counts())
        _add(rollup, record)
        warehouse.rollup_backends.setdefault(seen, record.backend)
        item = (record.place, record.key)
        known = warehouse.objects.get(item)
        if known is None:
            warehouse.early_accesses[item] = max(record.day, warehouse.early_accesses.get(item, record.day))
        else:
            known.last_access = max(record.day, known.last_access or record.day)


def _add(counts: Counts, record: MemoryRecord) -> None:
    counts.opens += record.opens
    counts.bytes_read += record.bytes_read
    counts.hits += record.hits
    counts.misses += record.misses


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
