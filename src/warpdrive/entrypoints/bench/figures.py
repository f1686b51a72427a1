"""What a reader measured, small enough to send home, and sums of it."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_GROWTH: Final = math.log(1.01)
"""A latency is kept to 1 %: an hour of reads fits in a few thousand numbers."""


class Latencies:
    """A distribution of durations in nanoseconds."""

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.longest = 0

    def add(self, nanoseconds: int) -> None:
        """Count one duration of at least 1 ns."""
        self.buckets[int(math.log(max(1, nanoseconds)) / _GROWTH)] += 1
        self.longest = max(self.longest, nanoseconds)

    def merge(self, other: "Latencies") -> None:
        """Add another distribution to this one."""
        self.buckets.update(other.buckets)
        self.longest = max(self.longest, other.longest)

    @property
    def count(self) -> int:
        """How many were counted."""
        return self.buckets.total()

    def percentile(self, percent: float) -> float:
        """Return the duration in seconds that `percent` of all did not exceed, to 1 %; 0 when there are none."""
        rank = math.ceil(self.count * percent / 100)
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                # The bucket's middle, but never more than was seen.
                return min(math.exp((bucket + 0.5) * _GROWTH), self.longest) / 1e9
        return 0.0


@dataclass(slots=True)
class Figures:
    """One reader's, or everybody's. Times in seconds, sizes in bytes."""

    bytes: int = 0
    reads: int = 0
    opens: int = 0
    passes: int = 0
    """How often a share of the files was read to its end."""
    seconds: float = 0.0
    """From the first read's start to the last one's end."""
    latencies: Latencies = field(default_factory=Latencies)
    digests: dict[tuple[str, int, int], int] = field(default_factory=dict)
    """xxh3 of each piece (path, offset, length) that was read with `--checksum`."""
    mismatches: list[str] = field(default_factory=list)
    """Pieces that were read twice with different bytes."""
    errors: list[str] = field(default_factory=list)

    def digest(self, path: str, offset: int, length: int, value: int) -> None:
        """Remember a piece's digest, or compare it with an earlier one."""
        known = self.digests.setdefault((path, offset, length), value)
        if known != value:
            self.mismatches.append(f"{path} at {offset}: {known:016x}, then {value:016x}")

    def merge(self, other: "Figures") -> None:
        """Add a reader's figures, comparing what both have read."""
        self.bytes += other.bytes
        self.reads += other.reads
        self.opens += other.opens
        self.passes += other.passes
        self.seconds = max(self.seconds, other.seconds)
        self.latencies.merge(other.latencies)
        self.mismatches += other.mismatches
        self.errors += other.errors
        for (path, offset, length), value in other.digests.items():
            self.digest(path, offset, length, value)
