"""One reader: a process of its own, as a DataLoader's worker is."""

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import xxhash

from warpdrive.entrypoints.bench.figures import Figures
from warpdrive.entrypoints.bench.plan import Pattern, Piece, Share, pieces

MAX_ERRORS: Final = 10
"""After so many a reader gives up: a dead mount answers every read with one."""

_TELL_EVERY: Final = 0.1
"""Seconds between two updates of the shared counters."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a reader does. `duration` in seconds; 0 means one pass."""

    reader: int
    shares: Sequence[Share]
    pattern: Pattern
    chunk: int
    duration: float
    checksum: bool
    drop_cache: bool
    seed: int


class _Reading:
    """The state of a reader between two reads."""

    def __init__(self, task: Task, shared: Any, stop: Any) -> None:
        self._task = task
        self._shared = shared
        """Two numbers a reader, for the progress bar: bytes and reads."""
        self._stop = stop
        self._buffer = memoryview(bytearray(task.chunk))
        self._path: str | None = None
        self._descriptor = -1
        self.figures = Figures()

    def run(self) -> None:
        """Read until the time is over, one pass is done, or somebody says stop."""
        task, parent = self._task, os.getppid()
        dice = random.Random(task.seed + task.reader)  # noqa: S311 - an order of reads, not a secret
        started = time.monotonic()
        told = started
        while True:
            for piece in pieces(task.shares, task.pattern, task.chunk, dice):
                self._read(piece)
                now = time.monotonic()
                self.figures.seconds = now - started
                if now - told >= _TELL_EVERY:
                    told = now
                    self._tell()
                    if self._stop.value or os.getppid() != parent:
                        return
                if (task.duration and now - started >= task.duration) or len(self.figures.errors) >= MAX_ERRORS:
                    return
            self.figures.passes += 1
            if not task.duration:
                return

    def close(self) -> None:
        """Close the file at hand and tell the last numbers."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._path = None
        self._tell()

    def _read(self, piece: Piece) -> None:
        figures = self.figures
        try:
            if piece.path != self._path:
                self._open(piece.path)
            view = self._buffer[: piece.length]
            began = time.perf_counter_ns()
            count = os.preadv(self._descriptor, [view], piece.offset)
            figures.latencies.add(time.perf_counter_ns() - began)
        except OSError as error:
            figures.errors.append(f"{piece.path} at {piece.offset}: {error.strerror}")
            return
        figures.reads += 1
        figures.bytes += count
        if count < piece.length:
            figures.errors.append(f"{piece.path} at {piece.offset}: {count} bytes instead of {piece.length}")
        elif self._task.checksum:
            figures.digest(piece.path, piece.offset, piece.length, xxhash.xxh3_64_intdigest(view))

    def _open(self, path: str) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self._path = -1, None
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._path = path
        self.figures.opens += 1
        if self._task.drop_cache:
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def _tell(self) -> None:
        self._shared[2 * self._task.reader] = self.figures.bytes
        self._shared[2 * self._task.reader + 1] = self.figures.reads


def read(task: Task, shared: Any, stop: Any, go: Any, home: Connection) -> None:
    """Work as one process: wait for `go`, read, send the figures home."""
    reading = _Reading(task, shared, stop)
    home.send(None)  # ready: imports are over, the clock may start
    go.wait()
    try:
        reading.run()
    finally:
        reading.close()
        home.send(reading.figures)
        home.close()
