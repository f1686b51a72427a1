"""Where batches of access records are counted, and the way there. Owned by control's ingest."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol
from uuid import UUID

OPEN, READ, LIST, STAT, WRITE = range(5)
"""Values of the column `op`."""


class IntakeUnavailable(Exception):
    """Raised when batches cannot be counted now: the sender keeps its batch and sends it again later."""


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Access records, one value each in every list. All texts (`user`, `job`, ..., but `path`) index `strings`.

    `ts_ms`: Unix time in milliseconds. `path` indexes `strings` too, but where it is `len(strings)` or more, it is
    that much more than the index of what stands before the key.
    """

    strings: Sequence[str]
    ts_ms: list[int]
    window_ms: list[int]
    user: list[int]
    uid: list[int]
    job: list[int]
    backend: list[int]
    key: list[int]
    path: list[int]
    version: list[int]
    op: list[int]
    opens: list[int]
    bytes_read: list[int]
    hits: list[int]
    misses: list[int]
    latency_ms: list[float]
    latency_max_ms: list[float]
    error: list[int]

    def __len__(self) -> int:
        """Count the records."""
        return len(self.ts_ms)

    def only(self, rows: Sequence[int]) -> "RecordColumns":
        """Return some of the records."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return RecordColumns(self.strings, **{name: [column[row] for row in rows] for name, column in columns.items()})


COLUMNS = tuple(each.name for each in fields(RecordColumns) if each.name != "strings")
"""Names of the lists."""


@dataclass(frozen=True, slots=True)
class CoveredDay:
    """Milliseconds of a UTC day that a batch covers. `day` counts from 1970."""

    day: int
    covered_ms: int


@dataclass(frozen=True, slots=True)
class AccessBatch:
    """A batch that is ready to be counted: by the control plane's clock, nothing in it is too old.

    `batch_id` is the batch's for ever. `node` saw everything in it. `lost`: records that the node could not keep, of
    `last_day`. `too_old`: records left out, by day. Days count from 1970 in UTC; `received_ms` is Unix time.
    """

    batch_id: UUID
    node: str
    received_ms: int
    records: RecordColumns
    covered: tuple[CoveredDay, ...] = ()
    lost: int = 0
    last_day: int = 0
    too_old: tuple[tuple[int, int], ...] = ()


class BatchIntake(Protocol):
    """Counts batches."""

    async def take(self, batches: Sequence[AccessBatch]) -> Sequence[bool]:
        """Count the batches, all of them or none, for good; say of each, in order, whether it was new.

        One that was counted before, or that comes twice in one call, is not counted again. Raises IntakeUnavailable:
        nothing was counted, or what was will be known by its id when it comes again. Raises BatchRefused when a batch
        holds what cannot be stored, whoever tries.
        """


class BatchRefused(Exception):
    """Raised when the store will never take what a batch holds."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of a batch. `correction_ms`: by how much its sender's clock was corrected."""

    accepted: int
    repeated: bool
    too_old: int
    correction_ms: int


class IngestLine(Protocol):
    """The way from the API to whoever decodes and counts batches."""

    async def send(self, batch: bytes, *, records: int, received_at: float) -> Ingested:
        """Have a batch counted: an IngestEventsRequest's bytes, received at a moment (Unix time in seconds).

        Raises Malformed, TooBusy when too much is under way, IntakeUnavailable.
        """
