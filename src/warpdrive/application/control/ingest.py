"""Batches of access records on their way to the intake: prepared by our clock, gathered into groups, answered.

`Ingest` is the API's use case, and hands bytes on. `IngestDesk` is the other end of its line, in a process of its own:
batches that wait at the same time are counted together, and nobody is answered before they are.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NoReturn

import anyio
import anyio.to_thread

from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.retention import Retention
from warpdrive.application.ports.batch_intake import (
    AccessBatch,
    BatchIntake,
    BatchRefused,
    CoveredDay,
    Ingested,
    IngestLine,
    IntakeUnavailable,
)
from warpdrive.domain.governance.batch_times import DAY_MS, corrected, correction_ms, days_between, too_old_rows

log = logging.getLogger(__name__)

MOST_RECORDS: Final = 65_536
"""Records of one batch."""

_LOOK_S: Final = 0.005
_LONGEST_COVER_MS: Final = 40 * DAY_MS
"""A batch that claims to cover more was made by a clock that jumped."""
_FIRST_DAY: Final = 3_653
"""1980-01-01, since 1970: nothing that counts happened before."""


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch as its sender wrote it, by the sender's clock. Moments are Unix time in milliseconds."""

    batch: AccessBatch
    sent_at_ms: int
    covers_from_ms: int
    covers_to_ms: int


def received(sent: SentBatch, retention: Retention) -> tuple[AccessBatch, Ingested]:
    """Return a batch by our clock, without what is kept no more, and its answer if it is new.

    Raises Malformed for a window that is none.
    """
    batch = sent.batch
    now = batch.received_ms
    begin, end = sent.covers_from_ms, sent.covers_to_ms
    if not 0 <= end - begin <= _LONGEST_COVER_MS:
        raise Malformed("covers_to_ms", "must be at covers_from_ms or up to 40 days behind it")
    correction = correction_ms(sent.sent_at_ms, now)
    # What is covered has happened: a window never ends in the future, and one by a wrong clock is moved as it is.
    begin, end = (min(max(each + correction, 0), now) if end else 0 for each in (begin, end))
    kept_from = retention.kept_from(datetime.fromtimestamp(now / 1000, UTC).date())
    records = replace(batch.records, ts_ms=corrected(batch.records.ts_ms, correction, now))
    first_day = max((kept_from - datetime(1970, 1, 1, tzinfo=UTC).date()).days, 0)
    rows, old = too_old_rows(records.ts_ms, first_day)
    if old:
        records = records.only(rows)
    prepared = replace(
        batch,
        records=records,
        covered=tuple(CoveredDay(day, length) for day, length in days_between(begin, end) if day >= _FIRST_DAY),
        last_day=(end or now) // DAY_MS,
        too_old=tuple((max(day, _FIRST_DAY), count) for day, count in sorted(old.items())),
    )
    if correction:
        log.warning("the clock of node %s is wrong by %.1f s; its batch is corrected", batch.node, correction / 1000)
    return prepared, Ingested(len(records), repeated=False, too_old=sum(old.values()), correction_ms=correction)


class Ingest:
    """The use case of the API."""

    def __init__(self, line: IngestLine) -> None:
        self._line = line

    async def record(self, call: Call, batch: bytes, *, records: int) -> Done[Ingested]:
        """Have a batch counted for good. Raises Malformed, TooBusy, IntakeUnavailable."""
        if records > MOST_RECORDS:
            raise Malformed("columns", f"has {records} records, more than {MOST_RECORDS}")
        done = await self._line.send(batch, records=records, received_at=call.at.timestamp())
        # Counting is no event, so the answer has no position.
        return Done(done, 0, repeated=done.repeated)


class NoLine:
    """`IngestLine` of a plane that has nobody to count."""

    async def send(self, batch: bytes, *, records: int, received_at: float) -> Ingested:
        """Refuse."""
        del batch, records, received_at
        raise IntakeUnavailable("nobody takes batches here")


Decode = Callable[[bytes, float], SentBatch]
"""Reads a batch's bytes, received at a moment (Unix time in seconds). Raises Malformed."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A batch before its end."""

    data: bytes
    records: int
    received_at: float
    ended: anyio.Event
    came: float
    answer: Ingested | Exception | None = None


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """How much is counted in one transaction: records, bytes as they came, and seconds to gather while one is busy."""

    records: int = 65_536
    bytes: int = 8 * 1024 * 1024
    gather_s: float = 0.1


class IngestDesk:
    """Gathers batches into groups. `run` has to run; two groups are under way at once, one prepared, one written."""

    def __init__(
        self,
        intake: BatchIntake,
        decode: Decode,
        retention: Retention,
        *,
        busy: Callable[[], bool] = lambda: False,
        limits: GroupLimits | None = None,
    ) -> None:
        self._intake = intake
        self._decode = decode
        self._retention = retention
        self._busy = busy
        self._limits = limits or GroupLimits()
        self._queue: deque[_Waiting] = deque()
        """Bounded by whoever sends: an API has so many calls under way and no more."""
        self._waiting_records = 0
        self._came = anyio.Event()

    async def take(self, data: bytes, *, records: int, received_at: float) -> Ingested:
        """Have a batch counted. Raises Malformed, IntakeUnavailable, BatchRefused."""
        waiting = _Waiting(data, records, received_at, anyio.Event(), anyio.current_time())
        self._queue.append(waiting)
        self._waiting_records += records
        self._came.set()
        await waiting.ended.wait()
        assert waiting.answer is not None, "whoever ends a wait answers first"
        if isinstance(waiting.answer, Exception):
            raise waiting.answer
        return waiting.answer

    async def run(self) -> None:
        """Count until cancelled."""
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(self._lane)

    async def _lane(self) -> NoReturn:
        while True:
            group = await self._gather()
            try:
                await self._count(group)
            finally:
                for waiting in group:
                    waiting.answer = waiting.answer or IntakeUnavailable("the ingest is stopping")
                    waiting.ended.set()

    async def _gather(self) -> Sequence[_Waiting]:
        """Wait for batches. While another group is written, a small one may grow: it could not begin anyway."""
        while not self._queue:
            self._came = anyio.Event()
            await self._came.wait()
            with anyio.move_on_after(self._limits.gather_s):
                # Nobody tells when the other group is written; asking costs less than what asks.
                while self._busy() and self._waiting_records < self._limits.records:  # noqa: ASYNC110 - see above
                    await anyio.sleep(_LOOK_S)
        group: list[_Waiting] = []
        records = size = 0
        while self._queue:
            first = self._queue[0]
            if group and (
                records + first.records > self._limits.records or size + len(first.data) > self._limits.bytes
            ):
                break
            group.append(self._queue.popleft())
            records += first.records
            size += len(first.data)
        self._waiting_records -= records
        return group

    async def _count(self, group: Sequence[_Waiting]) -> None:
        # In a thread: the loop has the other group to feed to the database.
        ready = await anyio.to_thread.run_sync(self._read, group)
        try:
            await self._take(ready)
        except BatchRefused:
            # One that cannot be stored must not keep the others from it.
            for each in ready:
                try:
                    await self._take([each])
                except BatchRefused as fault:
                    log.error("a batch of node %s cannot be stored: %s", each[1].node, fault)  # noqa: TRY400 - said whole
                    each[0].answer = fault
                except IntakeUnavailable as fault:
                    each[0].answer = fault
        except IntakeUnavailable as fault:
            for waiting, _, _ in ready:
                waiting.answer = fault

    def _read(self, group: Sequence[_Waiting]) -> list[tuple[_Waiting, AccessBatch, Ingested]]:
        """Decode what can be decoded, and answer the others."""
        ready: list[tuple[_Waiting, AccessBatch, Ingested]] = []
        for waiting in group:
            try:
                sent = self._decode(waiting.data, waiting.received_at)
                ready.append((waiting, *received(sent, self._retention)))
            except Malformed as fault:
                waiting.answer = fault
        return ready

    async def _take(self, ready: Sequence[tuple[_Waiting, AccessBatch, Ingested]]) -> None:
        new = await self._intake.take([batch for _, batch, _ in ready]) if ready else ()
        for (waiting, _, answer), fresh in zip(ready, new, strict=True):
            waiting.answer = answer if fresh else replace(answer, accepted=0, repeated=True)
