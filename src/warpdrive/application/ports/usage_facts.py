"""What is known of storage and its use, as rows that are kept with every change: sums, days, and how much is missing.

Nothing here decides anything: owners are sets of team ids, who shares how is the domain's. Days are UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from warpdrive.domain.governance.growth import Flow


@dataclass(frozen=True, slots=True)
class BackendMark:
    """A backend of some namespace and the newest complete crawl of its place; generation 0: there was none."""

    name: str
    type: str
    place: str
    prefix: str
    generation: int
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FactMarks:
    """As of when facts hold. `readers_counted_at` None: never yet."""

    attributed_position: int
    backends: tuple[BackendMark, ...]
    readers_counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class NodeDay:
    """How long a node was there on a day, and how much of it telemetry told, in milliseconds.

    `nodes` above 1: the sums of so many nodes whose day is complete, and `node` is "".
    """

    node: str
    day: date
    present_ms: int
    covered_ms: int
    lost: int
    nodes: int = 1


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """Objects that are there. `owners`: sorted ids of the teams that own them together; empty: nobody does."""

    backend: str
    owners: tuple[str, ...]
    storage_class: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What a day brought; see the table storage.ledger."""

    day: date
    backend: str
    owners: tuple[str, ...]
    added_objects: int
    added_bytes: int
    removed_objects: int
    removed_bytes: int
    changed_bytes: int
    moved_objects: int
    moved_bytes: int


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """What a day brought to objects of the same owners; see LedgerRow."""

    day: date
    backend: str
    owners: tuple[str, ...]
    flow: Flow


@dataclass(frozen=True, slots=True)
class HistorySum:
    """What is there now of objects of the same owners."""

    backend: str
    owners: tuple[str, ...]
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class History:
    """Sums as of one moment and the days that led to them, from one reading. `first_day`: of all; None: no day ever."""

    first_day: date | None
    days: tuple[HistoryDay, ...]
    sums: tuple[HistorySum, ...]


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """What agents served of a backend on a day."""

    day: date
    backend: str
    records: int
    opens: int
    bytes_read: int
    hits: int
    misses: int


class UsageFacts(Protocol):
    """Every method raises StoreUnavailable."""

    async def marks(self) -> FactMarks:
        """Return as of when the facts hold; backends in the order of their names."""

    async def coverage(self, from_day: date, to_day: date) -> Sequence[NodeDay]:
        """Return every day of every node that was there or told something; both days are included.

        Those of a day that are complete (see domain.governance.coverage) may come as one.
        """

    async def capacity(self) -> Sequence[CapacityRow]:
        """Return sums over all objects that are there. Backends that are in no namespace any more count too."""

    async def ledger(self, from_day: date | None = None) -> Sequence[LedgerRow]:
        """Return the ledger from a day on (None: all of it), in the order of days."""

    async def history(self, from_day: date, *, backend: str, team: str) -> History:
        """Return what is there and what came and went since a day, of a backend and a team's id ("": of all).

        A team's rows come by backend and owners, among whom it is; others come as one sum without either.
        """

    async def backend_names(self) -> Sequence[str]:
        """Return the names of all backends that a namespace has or had, in order."""

    async def activity(self, from_day: date, to_day: date) -> Sequence[ActivityRow]:
        """Return what was served, both days included."""
