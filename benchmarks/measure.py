"""Ways of reading, as a DataLoader does them, and what a process holds while they run."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

CHUNK = 1 << 20
RECORD = 64 * 1024


def read_sequentially(path: Path, chunk: int = CHUNK) -> int:
    """Open, read to the end into one buffer, close; returns the bytes read."""
    buffer = memoryview(bytearray(chunk))
    total = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            total += count
    return total


def megabytes_per_second(path: Path, expected: int) -> float:
    """Time one sequential read from open to close; MB (10^6) per second. Raises OSError on a short file."""
    return rate_of(lambda: read_sequentially(path), expected)


def rate_of(read: Callable[[], int], expected: int) -> float:
    """Time something that returns how many bytes it read; MB/s. Raises OSError when that is not `expected`."""
    started = time.perf_counter()
    count = read()
    seconds = time.perf_counter() - started
    if count != expected:
        raise OSError(f"{count} bytes read where {expected} were expected")
    return count / seconds / 1e6


def drop_pages(path: Path) -> None:
    """Drop what the kernel's page cache holds of the file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def offsets(size: int, count: int, seed: int, grain: int) -> list[int]:
    """Return distinct random offsets of whole records, multiples of `grain`, in random order."""
    return [slot * grain for slot in random.Random(seed).sample(range((size - RECORD) // grain), count)]


def read_records(path: Path, places: Iterable[int]) -> int:
    """Read 64 KiB at each place; returns the bytes read."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return sum(len(os.pread(descriptor, RECORD, place)) for place in places)
    finally:
        os.close(descriptor)


def files_per_second(paths: Sequence[Path], size: int, threads: int = 1) -> float:
    """Open, read and close each file of `size` bytes; files per second. Raises OSError on a short one."""

    def read_all(part: Sequence[Path]) -> int:
        return sum(read_sequentially(path, size) for path in part)

    started = time.perf_counter()
    if threads == 1:
        total = read_all(paths)
    else:
        with ThreadPoolExecutor(threads) as pool:
            total = sum(pool.map(read_all, [paths[number::threads] for number in range(threads)]))
    seconds = time.perf_counter() - started
    if total != size * len(paths):
        raise OSError(f"{total} bytes read where {size * len(paths)} were expected")
    return len(paths) / seconds


class AnonymousMemory:
    """Samples RssAnon of a process every 50 ms while the block runs; `peak` in bytes."""

    PERIOD = 0.05

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory")
        self.peak = 0
        self.first = self._now()

    def _now(self) -> int:
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) * 1024

    def _sample(self) -> None:
        while not self._done.wait(self.PERIOD):
            self.peak = max(self.peak, self._now())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.peak = max(self.peak, self._now())
