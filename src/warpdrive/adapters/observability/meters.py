"""The numbers that hot paths bump: plain Python, one dictionary look-up and one bisection per observation.

prometheus_client's own histogram takes a lock per bucket and label; these belong to one event loop and
need none. `metrics` reads them when somebody scrapes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

OPERATION_BOUNDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
)  # fmt: skip
"""Seconds: a hit takes tenths of a millisecond, a cold read as long as a backend."""

REQUEST_BOUNDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Seconds: from a local directory to a throttled bucket."""


class LatencyHistogram:
    """Counts of durations between bounds, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        """One more than there are bounds: the last counts what is above all."""
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration; a bound belongs to the bucket below it."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many were observed."""
        return sum(self.counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return (upper bound, how many at most that long) for each bound; the whole is `count`."""
        seen = 0
        rows = []
        for bound, count in zip(self.bounds, self.counts, strict=False):
            seen += count
            rows.append((bound, seen))
        return rows


class OperationMeter:
    """Durations of kernel requests, by operation."""

    def __init__(self) -> None:
        self.operations: dict[str, LatencyHistogram] = {}

    def observe(self, operation: str, seconds: float) -> None:
        """Count one request that took so long, well or not."""
        histogram = self.operations.get(operation)
        if histogram is None:
            histogram = self.operations[operation] = LatencyHistogram(OPERATION_BOUNDS)
        histogram.observe(seconds)


class BackendMeter:
    """One backend's requests, faults and bytes."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.requests: dict[str, LatencyHistogram] = {}
        self.errors: dict[str, int] = {}
        self.read_bytes = 0

    def observe(self, operation: str, seconds: float) -> None:
        """Count one attempt that took so long, well or not."""
        histogram = self.requests.get(operation)
        if histogram is None:
            histogram = self.requests[operation] = LatencyHistogram(REQUEST_BOUNDS)
        histogram.observe(seconds)

    def error(self, kind: str) -> None:
        """Count one failed attempt by `BackendError.kind`."""
        self.errors[kind] = self.errors.get(kind, 0) + 1

    def bytes_read(self, count: int) -> None:
        """Count bytes that arrived."""
        self.read_bytes += count


class AuthMeter:
    """Refreshes of credentials, by provider and outcome."""

    def __init__(self) -> None:
        self.refreshes: dict[tuple[str, str], int] = {}

    def refreshed(self, provider: str, status: str) -> None:
        """Count one refresh; `status` is ok or error."""
        self.refreshes[provider, status] = self.refreshes.get((provider, status), 0) + 1
