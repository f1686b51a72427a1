"""Telemetry, storage index and governance tables in memory: what the twins of their ports share.

The fields are the tables' columns (see migrations/), with names in place of numbers. Plain dictionaries, so that a
twin is easily believed.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from warpdrive.application.ports.job_register import JobReport
from warpdrive.application.ports.lease_books import Lease
from warpdrive.domain.governance.counting import CountedPlace


@dataclass(slots=True)
class BackendRow:
    """One of storage.backends."""

    name: str
    place: str
    prefix: str
    type: str
    present: bool = True


@dataclass(slots=True)
class ObjectRow:
    """One of storage.objects, under its place and whole key."""

    size: int
    modified_at: datetime
    first_seen: datetime
    backend: str
    owners: tuple[str, ...] = ()
    storage_class: str = ""
    deleted_at: datetime | None = None
    last_access: date | None = None
    digest: tuple[str, bytes] | None = None
    version: str = ""


@dataclass(slots=True)
class Counts:
    """What rollups and activity count."""

    records: int = 0
    opens: int = 0
    bytes_read: int = 0
    hits: int = 0
    misses: int = 0
    errors: int = 0


@dataclass(slots=True)
class LedgerCounts:
    """What storage.ledger counts."""

    added_objects: int = 0
    added_bytes: int = 0
    removed_objects: int = 0
    removed_bytes: int = 0
    changed_bytes: int = 0
    moved_objects: int = 0
    moved_bytes: int = 0


@dataclass(slots=True)
class CrawlRow:
    """One of storage.crawls."""

    id: int
    place: str
    generation: int
    state: str
    requested_by: str
    requested_at: datetime
    source: str = "list"
    detail: str = ""
    confirmed: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    parts: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """By name: where to go on, and whether it is done."""
    seen: set[str] = field(default_factory=set)
    """Whole keys."""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One of telemetry.records, as far as anybody asks."""

    at: datetime
    user: str
    job: str
    backend: str
    opens: int
    bytes_read: int
    hits: int
    misses: int


@dataclass(slots=True)
class LeaseRow:
    """One of governance.leases; `shares` are its governance.lease_shares: bytes and team's id, by quota's id."""

    lease: Lease
    request_hash: bytes
    place: str
    owners: tuple[str, ...]
    shares: dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class SettledRow:
    """What one settlement adds to governance.settled, which has a row a minute."""

    quota: str
    backend: str
    place: str
    generation: int
    at: datetime
    bytes: int


@dataclass(slots=True)
class Warehouse:
    """All tables. Keys of the dictionaries are the tables' keys."""

    backends: list[BackendRow] = field(default_factory=list)
    objects: dict[tuple[str, str], ObjectRow] = field(default_factory=dict)
    """By place and whole key."""
    ledger: dict[tuple[date, str, tuple[str, ...]], LedgerCounts] = field(default_factory=dict)
    """By day, backend and owners."""
    attributed_position: int = 0
    attributed: dict[tuple[str, str], tuple[str, str, tuple[str, ...], bool]] = field(default_factory=dict)
    """By place and prefix: home backend and its prefix, owners, whether it is doubted."""
    crawls: dict[int, CrawlRow] = field(default_factory=dict)
    early_accesses: dict[tuple[str, str], date] = field(default_factory=dict)
    rollups: dict[tuple[str, date, str, str], Counts] = field(default_factory=dict)
    """By user, day, place and whole key."""
    rollup_backends: dict[tuple[str, date, str, str], str] = field(default_factory=dict)
    activity: dict[tuple[date, str, str, str], Counts] = field(default_factory=dict)
    """By day, backend, user and job."""
    records: list[RecordRow] = field(default_factory=list)
    batches: dict[UUID, datetime] = field(default_factory=dict)
    coverage: dict[tuple[str, date], tuple[int, int]] = field(default_factory=dict)
    """By node and day: milliseconds covered, records lost."""
    presence: dict[tuple[str, date], int] = field(default_factory=dict)
    """By node and day: milliseconds."""
    refreshes: dict[str, datetime] = field(default_factory=dict)
    reader_shares: dict[tuple[int, str, str, str, str], tuple[int, int]] = field(default_factory=dict)
    """By days, basis, subject, kind and backend: objects, bytes."""
    counts: dict[str, CountedPlace] = field(default_factory=dict)
    """By backend."""
    counted: dict[tuple[str, str], int] = field(default_factory=dict)
    """By team's id and backend: bytes."""
    leases: dict[UUID, LeaseRow] = field(default_factory=dict)
    settled: list[SettledRow] = field(default_factory=list)
    jobs: dict[tuple[str, str], JobReport] = field(default_factory=dict)
    """By job and user."""
