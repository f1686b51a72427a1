"""Batches between their cut and their arrival: the young in memory, the rest on disk, one queue.

While all goes well, batches only pass through memory. When the sender says that the control plane is away, or memory
has enough of them, they move to the spool; whatever has to go for lack of room is the oldest, and is counted.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import anyio
from anyio import to_thread

from warpdrive.adapters.sinks.batch import DAY_MS, Batch, BatchMark
from warpdrive.adapters.sinks.losses import Losses
from warpdrive.adapters.sinks.spool import SpoiltBatch, Spool

log = logging.getLogger(__name__)

OLDEST_MS: Final = 7 * DAY_MS
"""The control plane remembers batch ids for eight days; an older batch could count twice."""

_IN_MEMORY: Final = 8 * 1024 * 1024


class Backlog:
    """A queue of batches. Its methods may be called from several tasks; disks are asked in worker threads.

    `wall_ms`: milliseconds since the epoch. `in_memory`: bytes of batches that may wait there. `origin`: of this
    node's batches; those of another come last.
    """

    def __init__(
        self,
        spool: Spool,
        losses: Losses,
        wall_ms: Callable[[], int],
        *,
        in_memory: int = _IN_MEMORY,
        origin: int = 0,
    ) -> None:
        self._spool = spool
        self._losses = losses
        self._wall_ms = wall_ms
        self._in_memory = in_memory
        self._origin = origin
        self._lock = anyio.Lock()
        """Held over every change, disk included: an order of batches is kept by nothing else."""
        self._young: deque[Batch] = deque()
        """All younger than what the spool has."""
        self._young_bytes = 0
        self._sending: int | None = None
        """The sequence of the batch that is on its way: it is never given up, since it may have arrived."""
        self._away = False
        self._failing = False
        self.spooled = 0
        """Records written to disk since the process began."""
        self.spoilt = 0
        """Files that had to be set aside."""

    @property
    def waiting(self) -> int:
        """Records that are neither sent nor lost."""
        return self._spool.records + sum(batch.mark.records for batch in self._young)

    @property
    def waiting_bytes(self) -> int:
        """Their bytes on disk."""
        return self._spool.bytes

    @property
    def away(self) -> bool:
        """Whether batches go to disk, since nobody takes them."""
        return self._away

    async def open(self) -> int:
        """Take over what an earlier process left; returns the last sequence that was given. Never raises."""
        async with self._lock:
            try:
                noted = await to_thread.run_sync(self._spool.open)
            except OSError as error:
                self._complain(error)
                return self._spool.last_sequence
            for day, records in noted.items():
                self._losses.tell_again(records, day)
            return self._spool.last_sequence

    async def put(self, batch: Batch) -> None:
        """Add a batch at the young end."""
        async with self._lock:
            self._young.append(batch)
            self._young_bytes += len(batch.body)
            if self._away or self._young_bytes > self._in_memory:
                await self._spill()

    async def first(self, *, strangers: bool = True) -> Batch | None:
        """Return the oldest batch, which stays until it is `done` or given `back`; None when there is none.

        Batches of another origin come when there are no others, and not without `strangers`.
        """
        async with self._lock:
            while (mark := self._next(strangers=strangers)) is not None:
                if mark.cut_ms < self._wall_ms() - OLDEST_MS:
                    await self._give_up([mark])
                    continue
                try:
                    batch = await to_thread.run_sync(self._spool.read, mark)
                except SpoiltBatch as error:
                    self.spoilt += 1
                    log.warning("a batch of access records is spoilt and lost", extra={"error": str(error)})
                    await self._lose([mark])
                    continue
                except OSError as error:
                    self._complain(error)
                    return None
                self._sending = mark.sequence
                return batch
            if not self._young:
                return None
            self._sending = self._young[0].mark.sequence
            return self._young[0]

    def _next(self, *, strangers: bool) -> BatchMark | None:
        """Say which batch on disk is next; None: the young are, if there are any."""
        own = self._spool.oldest(self._origin)
        return own if own is not None or self._young or not strangers else self._spool.oldest()

    async def done(self, batch: Batch) -> None:
        """Forget a batch: it has arrived. The control plane is there."""
        async with self._lock:
            self._away = False
            self._sending = None
            await self._forget(batch.mark)
            if batch.mark.lost:
                await self._note()  # what it told is told

    async def refused(self, batch: Batch) -> None:
        """Give a batch up: nobody will ever take it. What only told of losses is not told again and again."""
        async with self._lock:
            self._sending = None
            await self._give_up([batch.mark if batch.mark.records else replace(batch.mark, lost=0)])

    async def postponed(self) -> None:
        """Say that the batch that was sent has to wait, but others may arrive."""
        async with self._lock:
            self._sending = None

    async def back(self) -> None:
        """Say that the batch that was sent has not arrived, nor will others: they go to disk from now on."""
        async with self._lock:
            self._away = True
            self._sending = None
            await self._spill()

    async def aclose(self) -> None:
        """Bring everything to disk, for the next process."""
        async with self._lock:
            self._sending = None
            await self._spill()
            for batch in self._young:
                self._losses.add(batch.mark.records, batch.mark.at_ms)
                self._losses.tell_again(batch.mark.lost, batch.mark.at_ms)
            self._young.clear()
            self._young_bytes = 0
            await self._note()
            self._spool.close()

    async def _spill(self) -> None:
        """Move the young to disk; when the disk refuses, keep in memory what there is room for."""
        while self._young:
            batch = self._young[0]
            try:
                victims = self._spool.excess(len(batch.body), keep=self._sending)
                if victims:
                    await self._give_up(victims)
                await to_thread.run_sync(self._spool.put, batch)
            except OSError as error:
                self._complain(error)
                await self._shed()
                return
            self._failing = False
            self.spooled += batch.mark.records
            self._young.popleft()
            self._young_bytes -= len(batch.body)
            if batch.mark.lost:
                await self._note()

    async def _shed(self) -> None:
        while self._young_bytes > self._in_memory and len(self._young) > 1:
            batch = self._young[1] if self._young[0].mark.sequence == self._sending else self._young[0]
            await self._give_up([batch.mark])

    async def _give_up(self, marks: list[BatchMark]) -> None:
        """Count, note, and only then forget: an end in between counts twice rather than never."""
        await self._lose(marks)
        for mark in marks:
            await self._forget(mark)

    async def _lose(self, marks: list[BatchMark]) -> None:
        for mark in marks:
            self._losses.add(mark.records, mark.at_ms)
            self._losses.tell_again(mark.lost, mark.at_ms)
        await self._note()

    async def _forget(self, mark: BatchMark) -> None:
        for batch in self._young:
            if batch.mark.sequence == mark.sequence:
                self._young.remove(batch)
                self._young_bytes -= len(batch.body)
                return
        try:
            await to_thread.run_sync(self._spool.remove, mark)
        except OSError as error:
            self._complain(error)

    async def _note(self) -> None:
        try:
            await to_thread.run_sync(self._spool.note, self._losses.untold)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._failing:
            log.warning(
                "the telemetry spool fails; batches stay in memory, as far as they fit", extra={"error": str(error)}
            )
        self._failing = True
