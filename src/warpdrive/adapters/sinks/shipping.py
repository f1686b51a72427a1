"""The log behind the sinks `grpc` and `http`: access records in batches, brought to a control plane in the end.

`record` appends and returns. One task cuts batches whenever a stretch of time is complete or there are enough records,
another sends them, the oldest first; what cannot be sent waits on disk. A batch has its id for ever, so that sending
it again after a lost answer counts once. Losses of any kind are told by the next batch of their day.
"""

import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import anyio
from anyio import to_thread

from warpdrive.adapters.sinks.backlog import Backlog
from warpdrive.adapters.sinks.batch import NO_CLAIM, Batch, BatchMark, Span, cut, origin_of, stamped
from warpdrive.adapters.sinks.claims import Claims
from warpdrive.adapters.sinks.losses import Losses
from warpdrive.adapters.sinks.sender import BatchSender, Denied, NotTaken, Refused, Unreachable, Unwelcome
from warpdrive.adapters.sinks.spool import Spool
from warpdrive.application.ports.access_log import AccessRecord
from warpdrive.application.ports.clock import Clock

log = logging.getLogger(__name__)

_RECORD_BYTES: Final = 500
"""What a record takes in memory besides its key and path: a tuple of 18, its numbers, shared names."""


@dataclass(frozen=True, slots=True)
class ShippingSettings:
    """What batches say and how they are sent. Sizes in bytes, times in seconds, `random` even from [0, 1)."""

    node: str
    metadata_sample_rate: float
    batch_size: int = 10_000
    """Records; a batch that would be larger than `largest` is cut in two."""
    largest: int = 2 * 1024 * 1024
    capacity: int = 100_000
    """Records that may wait to be cut, and `memory` what they may take."""
    memory: int = 64 * 1024 * 1024
    idle: float = 60.0
    """How long nothing may be said: then an empty batch tells that nothing happened."""
    away: float = 10.0
    """How long records wait for company while nobody takes batches: a file each second would be many in a week."""
    backoff: float = 0.5
    backoff_ceiling: float = 30.0
    """The wait before attempt n is even from the upper half of min(ceiling, backoff * 2^n), or longer when asked."""
    longest_asked: float = 300.0
    """What a server may ask for; records are lost in the end to one that asks for more."""
    unwelcome: float = 30.0
    """The wait until a person may have mended a token, likewise."""
    random: Callable[[], float] = random.random

    def wait(self, attempt: int, reason: NotTaken) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (0, 1, ...)."""
        longest = min(self.backoff_ceiling, self.backoff * 2.0 ** min(attempt, 32))
        if isinstance(reason, Unwelcome):
            longest = self.unwelcome
        asked = (reason.retry_after or 0.0) if isinstance(reason, Unreachable) else 0.0
        return max(min(asked, self.longest_asked), longest * (0.5 + self.random() / 2))


class ShippingLog:
    """An `AccessLog` whose records arrive. `run` is its tasks; `aclose` sends or spools what is left."""

    def __init__(
        self,
        settings: ShippingSettings,
        sender: BatchSender,
        spool: Spool,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self._settings = settings
        self._sender = sender
        self._clock = clock
        self._sleep = sleep
        self._new_id = new_id
        self._losses = Losses()
        self._claims = Claims(clock)
        self._origin = origin_of(settings.node)
        self._backlog = Backlog(spool, self._losses, self._wall_ms, origin=self._origin)
        self._strangers_from: float | None = None
        """When batches of a name that the node had before are tried again; None: none was denied."""
        self._pending: deque[AccessRecord] = deque()
        self._pending_bytes = 0
        self._gone = 0
        """Records that left `_pending`, cut or lost; with its length: all that were ever taken."""
        self._sequence = 0
        self._said = clock.monotonic()
        """When the last claim was cut."""
        self._wake_cutter = anyio.Event()
        self._wake_sender = anyio.Event()
        self._cutting = anyio.Lock()
        self._running: anyio.CancelScope | None = None
        self._stopped = anyio.Event()
        self._opened = False
        self._closing = False
        self._attempt = 0
        self._fault = ""
        self.recorded = 0
        """Records taken."""
        self.sent = 0
        """Records that the control plane has, by this process."""

    @property
    def lost(self) -> int:
        """Records that were taken and will never arrive."""
        return self._losses.total

    @property
    def spooled(self) -> int:
        """Records that went to disk."""
        return self._backlog.spooled

    @property
    def waiting(self) -> int:
        """Records that are here, in memory or on disk."""
        return len(self._pending) + self._backlog.waiting

    @property
    def spool_bytes(self) -> int:
        """Bytes of the batches on disk."""
        return self._backlog.waiting_bytes

    @property
    def fault(self) -> str:
        """Why nothing is sent; "" while all is well."""
        return self._fault

    def record(self, record: AccessRecord) -> None:
        """Keep the record; a full buffer loses its oldest, counted."""
        if self._closing:
            self._losses.add(1, self._wall_ms())
            return
        self.recorded += 1
        self._pending.append(record)
        self._pending_bytes += _RECORD_BYTES + len(record.key) + len(record.path)
        while len(self._pending) > self._settings.capacity or self._pending_bytes > self._settings.memory:
            self._take(1)
            self._losses.add(1, self._wall_ms())
        if len(self._pending) == self._settings.batch_size:
            self._wake_cutter.set()

    def covered(self, until: float, *, lost: int) -> None:
        """Let the next batches claim the time up to `until`."""
        if self._closing:
            return
        if lost:
            self._losses.tell_again(lost, self._wall_ms())  # counted where they were lost
        self._claims.reach(until, self._gone + len(self._pending))
        self._wake_cutter.set()

    async def run(self) -> None:
        """Cut and send until cancelled, or until `aclose`."""
        try:
            with anyio.CancelScope() as self._running:
                await self._open()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._keep_cutting)
                    tasks.start_soon(self._keep_sending)
        finally:
            self._stopped.set()

    async def aclose(self, *, patience: float = 2.0) -> None:
        """Send what is left for at most `patience` seconds; the rest waits on disk for the next process."""
        if self._closing:
            return
        self._closing = True
        with anyio.CancelScope(shield=True):
            if self._running is not None:
                self._running.cancel()
                await self._stopped.wait()
            await self._open()
            await self._cut(last=True)
            with anyio.move_on_after(patience):
                while await self._send_one() is None:
                    pass
            await self._backlog.aclose()
            await self._sender.aclose()

    async def _open(self) -> None:
        if not self._opened:
            with anyio.CancelScope(shield=True):
                self._sequence = await self._backlog.open()
                self._opened = True

    async def _keep_cutting(self) -> None:
        while True:
            await self._wake_cutter.wait()
            self._wake_cutter = anyio.Event()
            await self._cut()

    async def _cut(self, *, last: bool = False) -> None:
        """Cut every batch that is due. Records that left `_pending` are in no other hands meanwhile: shielded."""
        with anyio.CancelScope(shield=True):
            async with self._cutting:
                while (count := self._due_count(last=last)) is not None:
                    due = self._claims.due
                    claims = due is not None and self._gone + count >= due.taken
                    span = self._claims.taken() if claims else NO_CLAIM
                    await self._cut_one(self._take(count), span)
                    if claims:
                        self._said = self._clock.monotonic()
                        await self._tell_other_days()
                    self._wake_sender.set()

    def _due_count(self, *, last: bool) -> int | None:
        """Return how many records the next batch takes, or None when none is due."""
        due = self._claims.due
        complete = 0 if due is None else due.taken - self._gone
        quiet = self._clock.monotonic() - self._said
        if complete > 0 and (last or quiet >= self._settings.away or not self._backlog.away):
            return min(complete, self._settings.batch_size)
        if len(self._pending) >= self._settings.batch_size or (last and due is None and self._pending):
            return min(len(self._pending), self._settings.batch_size)
        told = due is not None and complete <= 0
        return 0 if told and (last or quiet >= self._settings.idle) else None

    def _take(self, count: int) -> list[AccessRecord]:
        taken = [self._pending.popleft() for _ in range(count)]
        self._gone += count
        self._pending_bytes -= sum(_RECORD_BYTES + len(record.key) + len(record.path) for record in taken)
        return taken

    async def _cut_one(self, records: list[AccessRecord], covers: Span) -> None:
        """Write records as one batch, or as halves where one is too large; the last makes the claim."""
        told = self._losses.take(max(covers.from_ms, covers.to_ms - 1)) if covers != NO_CLAIM else 0
        batch = await self._written(records, covers, told)
        if len(batch.body) > self._settings.largest and len(records) > 1:
            self._losses.tell_again(told, batch.mark.at_ms)
            self._sequence -= 1
            half = len(records) // 2
            await self._cut_one(records[:half], NO_CLAIM)
            await self._cut_one(records[half:], covers)
            return
        await self._backlog.put(batch)

    async def _tell_other_days(self) -> None:
        """Tell of losses of days that no batch covers any more, each by an empty batch of that day."""
        while (other := self._losses.take_other(self._wall_ms())) is not None:
            day, records = other
            # Of no length, so that nothing is claimed but the day is named.
            await self._backlog.put(await self._written([], Span(day, day), records))

    async def _written(self, records: list[AccessRecord], covers: Span, lost: int) -> Batch:
        self._sequence += 1
        mark = BatchMark(self._sequence, self._new_id(), self._wall_ms(), len(records), lost, covers, self._origin)
        settings = self._settings

        def write() -> Batch:
            return cut(mark, records, node=settings.node, metadata_sample_rate=settings.metadata_sample_rate)

        return await to_thread.run_sync(write)

    async def _keep_sending(self) -> None:
        while True:
            reason = await self._send_one()
            if reason is None:
                continue
            if isinstance(reason, _Idle):
                await self._wake_sender.wait()
                self._wake_sender = anyio.Event()
            else:
                await self._sleep(self._settings.wait(self._attempt - 1, reason))

    async def _send_one(self) -> "NotTaken | _Idle | None":
        """Try to send the oldest batch once; returns why there is nothing more to do now, None to go on."""
        with anyio.CancelScope(shield=True):
            denied = self._strangers_from
            batch = await self._backlog.first(strangers=denied is None or self._clock.monotonic() >= denied)
        if batch is None:
            return _Idle()
        reason: NotTaken | None = None
        try:
            await self._sender.send(stamped(batch, self._wall_ms()))
        except NotTaken as error:
            reason = error
        with anyio.CancelScope(shield=True):
            await self._settle(batch, reason)
        return None if isinstance(reason, Refused) or self._is_strange(batch, reason) else reason

    def _is_strange(self, batch: Batch, reason: NotTaken | None) -> bool:
        """Say whether a batch was denied that this node made under another name: its own may well be welcome."""
        return isinstance(reason, Denied) and batch.mark.origin != self._origin

    async def _settle(self, batch: Batch, reason: NotTaken | None) -> None:
        """Note what became of a batch."""
        if reason is not None and self._is_strange(batch, reason):
            if self._strangers_from is None:
                words = "access records that this node made under another name wait for a token that may send them"
                log.warning(words, extra={"reason": reason.detail})
            self._strangers_from = self._clock.monotonic() + self._settings.unwelcome
            await self._backlog.postponed()
            return
        if reason is not None and not isinstance(reason, Refused):
            if not self._attempt:
                log.warning("access records wait for the control plane", extra={"reason": reason.detail})
            self._attempt += 1
            self._fault = reason.detail
            await self._backlog.back()
            return
        if reason is not None:
            log.warning(
                "the control plane refuses a batch of access records for good; it is lost",
                extra={"batch": str(batch.mark.id), "records": batch.mark.records, "reason": reason.detail},
            )
            await self._backlog.refused(batch)
        else:
            self.sent += batch.mark.records
            await self._backlog.done(batch)
            if self._attempt:
                log.warning("access records reach the control plane again", extra={"lost": self.lost})
        self._attempt = 0
        self._fault = ""

    def _wall_ms(self) -> int:
        return round(self._clock.wall() * 1000)


class _Idle:
    """Everything is sent."""
