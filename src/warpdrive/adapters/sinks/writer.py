"""A bounded buffer and the thread that empties it: what keeps a slow sink away from the readers.

`record` appends and returns; the thread takes batches when enough have come or enough time has passed. A
full buffer loses its oldest record, a batch that could not be written is lost whole, and both are
counted. The first fault of a row is logged, the rest of the row is silent until a batch succeeds.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import anyio.to_thread

from warpdrive.application.ports.access_log import AccessRecord

log = logging.getLogger(__name__)


class BatchTarget(Protocol):
    """What is done with a batch, in the writer's thread."""

    def write(self, batch: Sequence[AccessRecord]) -> None:
        """Write the batch, blocking as it must. Raises OSError."""

    def close(self) -> None:
        """Give back what is open. Called once, in the writer's thread, when it ends in good order."""


class WritingLog:
    """An `AccessLog` over a target. Threads: `record` from one, the target's methods from its own.

    `flush_interval` in seconds: how long a record waits for company. The collector makes batches already, so short.
    """

    def __init__(
        self,
        target: BatchTarget,
        *,
        name: str,
        batch_size: int = 100,
        flush_interval: float = 1.0,
        capacity: int = 100_000,
    ) -> None:
        self._target = target
        self._name = name
        self._batch_size = min(batch_size, capacity)
        self._flush_interval = flush_interval
        self._capacity = capacity
        # Guards all below; held for moments only, never while the target writes.
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._records: deque[AccessRecord] = deque()
        self._writing = 0
        self._closing = False
        self._lost = 0
        self._failing = False
        # A daemon, because a thread that is stuck in write(2) on a full pipe cannot be ended.
        self._thread = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Records that were taken and will never be written."""
        return self._lost

    def record(self, record: AccessRecord) -> None:
        """Keep the record, or drop the oldest one and count the loss."""
        with self._lock:
            if self._closing:
                self._lost += 1
                return
            if len(self._records) >= self._capacity:
                self._records.popleft()
                self._lost += 1
            self._records.append(record)
            if len(self._records) == self._batch_size:
                self._ready.notify()

    def covered(self, until: float, *, lost: int) -> None:
        """Lines claim nothing; what was lost before the log is counted by who lost it."""

    async def aclose(self, *, patience: float = 2.0) -> None:
        """Write what is left, for at most `patience` seconds; the rest is counted as lost."""
        with self._lock:
            self._closing = True
            self._ready.notify()
        await anyio.to_thread.run_sync(self._thread.join, patience)
        if self._thread.is_alive():
            with self._lock:
                self._lost += len(self._records) + self._writing
                self._records.clear()
                self._writing = 0
            log.warning("telemetry sink did not take its records", extra={"sink": self._name, "lost": self._lost})

    def _run(self) -> None:
        while True:
            with self._lock:
                deadline = time.monotonic() + self._flush_interval
                while len(self._records) < self._batch_size and not self._closing:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    self._ready.wait(left)
                batch = list(self._records)
                self._records.clear()
                self._writing = len(batch)
                last = self._closing
            if batch:
                self._write(batch)
            if last:
                self._target.close()
                return

    def _write(self, batch: Sequence[AccessRecord]) -> None:
        try:
            self._target.write(batch)
        except OSError as error:
            with self._lock:
                self._lost += len(batch)
                self._writing = 0
            if not self._failing:
                log.warning(
                    "telemetry sink fails; its records are dropped and counted until it works again",
                    extra={"sink": self._name, "error": str(error)},
                )
            self._failing = True
        else:
            with self._lock:
                self._writing = 0
            if self._failing:
                log.warning("telemetry sink works again", extra={"sink": self._name, "lost": self._lost})
            self._failing = False
