"""What users did, as far as the agent sees it: one access record per open handle and flush interval.

The read path bumps plain attributes of a `HandleTotals`. A finished record goes to the log at once when it is known who
opened and for which job; `AccessCollector.run`, one task, finds out (off the loop) what is not known yet. Nothing here
waits for a log, and the records that wait for `run` are bounded: the oldest is dropped and counted. After each
interval the log is told up to which moment it has everything.

"Bytes" are bytes served by the agent: what the kernel's page cache answers never gets here.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import anyio
import anyio.lowlevel

from warpdrive.application.mount.attributes import Caller
from warpdrive.application.mount.callers import Directory, job_of_process, login_name
from warpdrive.application.ports.access_log import AccessLog, AccessRecord
from warpdrive.application.ports.clock import Clock

_NAME_LIFETIME = 3600.0
_JOB_LIFETIME = 60.0
"""Seconds: process ids are used again, so a job is believed for a short time only."""

_STRIDE = 256
"""Records that are handed over in one go, before readers get their turn: about a millisecond."""


class HandleTotals:
    """One open handle. The read path adds to the counters; the collector takes them and starts over."""

    __slots__ = (
        "backend",
        "bytes_read",
        "caller",
        "error",
        "hits",
        "job",
        "key",
        "latency_max_ms",
        "latency_ms",
        "misses",
        "opens",
        "path",
        "reads",
        "since",
        "version",
    )

    def __init__(self, caller: Caller, backend: str, key: str, path: str, version: str) -> None:
        self.caller = caller
        self.backend = backend
        self.key = key
        self.path = path
        self.version = version
        self.job: str | None = None
        """None until resolved: while the process lives, which may be shorter than its handle."""
        self.since = 0.0
        self.opens = 1
        self.clear()

    def clear(self) -> None:
        """Start a window."""
        self.reads = 0
        self.bytes_read = 0
        self.hits = 0
        self.misses = 0
        self.latency_ms = 0.0
        self.latency_max_ms = 0.0
        self.error = ""

    def served(self, count: int, latency_ms: float, *, hit: bool) -> None:
        """Add one read of `count` bytes."""
        self.reads += 1
        self.bytes_read += count
        if hit:
            self.hits += 1
        else:
            self.misses += 1
        self.latency_ms += latency_ms
        self.latency_max_ms = max(self.latency_max_ms, latency_ms)

    def failed(self, error: str) -> None:
        """Note that a read failed; a record carries the window's last one."""
        self.reads += 1
        self.error = error

    @property
    def idle(self) -> bool:
        """Nothing happened in this window."""
        return not (self.opens or self.reads or self.bytes_read or self.error)


class _Window(NamedTuple):
    """A finished window, waiting for names. Only `user` and `job` of the record may still be open."""

    record: AccessRecord
    pid: int
    job: str | None


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """How often and how much. `flush_interval` in seconds; `capacity`: records that may wait for `run`."""

    node: str
    enabled: bool = True
    """False: handles are counted for their owner, and nothing is recorded."""
    flush_interval: float = 5.0
    batch_size: int = 100
    sample_metadata_ops: float = 0.1
    capacity: int = 100_000


@dataclass(frozen=True, slots=True)
class TelemetryState:
    """What became of the access records since the agent's start. Counts are records."""

    sink: str
    recorded: int
    lost: int
    """By the collector, the sink's buffer, and the spool."""
    sent: int = 0
    """The control plane has them; always 0 for sinks that write here."""
    spooled: int = 0
    """Went to disk because they could not be sent; sent later or lost."""
    waiting: int = 0
    """In memory or on disk now."""
    spool_bytes: int = 0
    fault: str = ""
    """Why nothing is sent; "" while all is well."""


class AccessCollector:
    """Makes access records. All but `run` is called from the loop, is cheap, never waits and never raises."""

    def __init__(
        self,
        settings: CollectorSettings,
        sink: AccessLog,
        clock: Clock,
        *,
        draw: Callable[[], float],
        name_of: Callable[[int], str] = login_name,
        job_of: Callable[[int], str] = job_of_process,
    ) -> None:
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._draw = draw
        """A number in [0, 1) each time; decides which metadata operations are recorded."""
        self._names = Directory(name_of, clock, lifetime=_NAME_LIFETIME)
        self._jobs = Directory(job_of, clock, lifetime=_JOB_LIFETIME)
        self._open: set[HandleTotals] = set()
        self._newborn: deque[HandleTotals] = deque(maxlen=settings.capacity)
        """Opened and without a job yet. A subset of `_open`, but for those closed at once."""
        self._waiting: deque[_Window] = deque(maxlen=settings.capacity)
        self._wake = anyio.Event()
        self.recorded = 0
        """Records handed to the sink."""
        self.lost = 0
        """Records dropped here because `run` fell behind. Sinks count their own losses."""
        self._lost_told = 0

    def opened(self, caller: Caller, backend: str, key: str, path: str, version: str) -> HandleTotals:
        """Begin a handle. Opens are never sampled."""
        totals = HandleTotals(caller, backend, key, path, version)
        if self._settings.enabled:
            totals.since = self._clock.wall()
            self._open.add(totals)
            totals.job = self._jobs.remembered(caller.pid)
            if totals.job is None:
                self._newborn.append(totals)
                self._wake.set()
        return totals

    def closed(self, totals: HandleTotals) -> None:
        """End a handle; what its last window holds is recorded. Harmless when done twice."""
        if totals in self._open:
            self._open.discard(totals)
            self._take(totals)

    def sampled(
        self,
        op: str,
        caller: Caller,
        *,
        backend: str,
        key: str,
        path: str,
        latency_ms: float,
        error: str = "",
    ) -> None:
        """Record a `stat` or `list`, or (mostly) do not."""
        if not self._settings.enabled or self._draw() >= self._settings.sample_metadata_ops:
            return
        user, job = self._names.remembered(caller.uid), self._jobs.remembered(caller.pid)
        record = AccessRecord(
            ts=self._clock.wall(),
            window_ms=0,
            node=self._settings.node,
            user=user or "",
            uid=caller.uid,
            job=job or "",
            backend=backend,
            key=key,
            path=path,
            version="",
            op=op,
            opens=0,
            bytes_read=0,
            hits=0,
            misses=0,
            latency_ms=latency_ms,
            latency_max_ms=latency_ms,
            error=error,
        )
        self._emit(record, caller.pid, user, job)

    async def run(self) -> None:
        """Resolve and flush until cancelled; then hand over what is left, with the names known by then."""
        try:
            due = self._clock.monotonic() + self._settings.flush_interval
            while True:
                with anyio.move_on_after(max(0.0, due - self._clock.monotonic())):
                    await self._wake.wait()
                self._wake = anyio.Event()
                await self._resolve_newborn()
                if self._clock.monotonic() >= due:
                    due = self._clock.monotonic() + self._settings.flush_interval
                    await self._complete()
                elif len(self._waiting) >= self._settings.batch_size:
                    await self._flush()
        finally:
            with anyio.move_on_after(2.0, shield=True):
                await self._complete()
            self.lost += len(self._waiting)
            self._waiting.clear()

    def harvest(self) -> None:
        """End the window of every open handle that did something."""
        for totals in self._open:
            self._take(totals)

    async def _complete(self) -> None:
        """Hand over everything up to now, and say so."""
        until = self._clock.wall()
        self.harvest()
        await self._flush()
        lost, self._lost_told = self.lost - self._lost_told, self.lost
        self._sink.covered(until, lost=lost)

    async def _resolve_newborn(self) -> None:
        while self._newborn:
            totals = self._newborn.popleft()
            totals.job = await self._jobs.resolve(totals.caller.pid)

    async def _flush(self) -> None:
        await self._resolve_newborn()
        while self._waiting:
            for _ in range(_STRIDE):
                if not self._waiting:
                    return
                await self._hand_over(self._waiting[0])
            await anyio.lowlevel.checkpoint()

    async def _hand_over(self, window: _Window) -> None:
        user = await self._names.resolve(window.record.uid)
        job = window.job if window.job is not None else await self._jobs.resolve(window.pid)
        # While names were asked for, a full queue may have dropped this very window.
        if self._waiting and self._waiting[0] is window:
            self._waiting.popleft()
            self.recorded += 1
            self._sink.record(window.record._replace(user=user, job=job))

    def _take(self, totals: HandleTotals) -> None:
        now = self._clock.wall()
        if not totals.idle:
            caller, job = totals.caller, totals.job
            user = self._names.remembered(caller.uid)
            # In the order of the fields: by name it takes twice as long, and this is done for every file.
            record = AccessRecord(
                totals.since,
                max(0, round((now - totals.since) * 1000)),
                self._settings.node,
                user or "",
                caller.uid,
                job or "",
                totals.backend,
                totals.key,
                totals.path,
                totals.version,
                "read" if totals.reads or totals.bytes_read else "open",
                totals.opens,
                totals.bytes_read,
                totals.hits,
                totals.misses,
                totals.latency_ms,
                totals.latency_max_ms,
                totals.error,
            )
            self._emit(record, caller.pid, user, job)
        totals.opens = 0
        totals.since = now
        totals.clear()

    def _emit(self, record: AccessRecord, pid: int, user: str | None, job: str | None) -> None:
        """Hand a record over at once when its names are known and none waits before it; let it wait for `run` else.

        Nearly all go the short way: the long one costs several times as much, and small files are many.
        """
        if user is not None and job is not None and not self._waiting:
            self.recorded += 1
            self._sink.record(record)
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.lost += 1
        self._waiting.append(_Window(record, pid, job))
        if len(self._waiting) >= self._settings.batch_size:
            self._wake.set()
