"""What the read path counts: plain integers, because the hot path can afford nothing more."""

from dataclasses import dataclass


@dataclass(slots=True)
class ReadCounters:
    """Totals since start. A read is a hit when all its bytes were in the cache, a miss when it waited for a backend."""

    hits: int = 0
    misses: int = 0
    bytes_served: int = 0
    readahead_hits: int = 0
    """Prefetched blocks that a reader then entered."""
    readahead_wasted: int = 0
    """Prefetched blocks that nobody had entered when their object was closed for the last time."""
    fetches: int = 0
    fetched_bytes: int = 0
    """Bytes asked of backends by the read path."""
    uncached_reads: int = 0
    """Reads served without being recorded, because the cache disk refused."""
