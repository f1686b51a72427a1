"""Where access records go. Recording never blocks a reader; what cannot be kept is counted as lost."""

from typing import NamedTuple, Protocol


class AccessRecord(NamedTuple):
    """One open handle (or one sampled metadata operation) over one flush interval.

    `ts` is the start of the window in seconds since the epoch, `window_ms` its length. `bytes_read` counts bytes
    served by the agent: reads answered by the kernel's page cache never reach it.
    """

    ts: float
    window_ms: int
    node: str
    user: str
    uid: int
    job: str
    backend: str
    key: str
    path: str
    version: str
    op: str
    """open, read, list, stat or write."""
    opens: int
    bytes_read: int
    hits: int
    misses: int
    latency_ms: float
    """Sum over the window."""
    latency_max_ms: float
    error: str


class AccessLog(Protocol):
    """Takes records without ever waiting."""

    def record(self, record: AccessRecord) -> None:
        """Keep the record, or drop the oldest one and count the loss. Never blocks, never raises."""

    def covered(self, until: float, *, lost: int) -> None:
        """Take note that everything before `until` (seconds since the epoch) has been recorded, but for `lost` records.

        `lost` counts since the last call. Never blocks, never raises; a log that claims nothing forgets it.
        """
