"""Days of access records on their way into the archive. Owned by control's archiving."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

COLUMNS: Final = (
    "ts",
    "window_ms",
    "node",
    "user",
    "uid",
    "job",
    "backend",
    "place",
    "key",
    "path",
    "version",
    "op",
    "opens",
    "bytes_read",
    "hits",
    "misses",
    "latency_ms",
    "latency_max_ms",
    "error",
)
"""What is archived of a record, in this order: the fields of an access record, and the place where the key is.

`ts` is a datetime in UTC; `key` is below the backend's prefix, `op` a word; "" where there is nothing.
"""


@dataclass(frozen=True, slots=True)
class ArchivedDay:
    """What the archive has of a day: files 0 to `parts` - 1 under `key`, of so many records and bytes."""

    day: date
    backend: str
    key: str
    parts: int
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ArchiveOwner:
    """The database whose records are archived: no two that exist at once have the same `identity`.

    It stays what it is over restarts, and when the server's files are restored; a dump makes another database.
    `words` say which it is to people.
    """

    identity: str
    words: str


class ArchiveUnclear(Exception):
    """Raised when what the archive has of a day and what is here do not add up to what was ever counted of it."""

    def __init__(self, day: date, archived: int, here: int, ever: int) -> None:
        super().__init__(
            f"of {day} {archived} records are archived and {here} are here, where {ever} were counted in all: if the "
            "archive is right, correct its row in telemetry.archives; else delete the row and the files"
        )
        self.day = day
        self.archived = archived
        self.here = here
        self.ever = ever


class DayReading(Protocol):
    """A day's records as of one moment, all that there are or only what came late."""

    @property
    def records(self) -> int:
        """How many there are."""

    @property
    def whole(self) -> bool:
        """Whether it is all that there is of the day; False: what the archive does not have yet."""

    @property
    def seen(self) -> str:
        """As of when, in the store's own words: what is late next time came after it."""

    def rows(self) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        """Yield the records by the thousands, in the order of `COLUMNS`. Raises StoreUnavailable."""


class Archivist(Protocol):
    """The one who archives. Every method raises StoreUnavailable."""

    async def owner(self) -> ArchiveOwner:
        """Say which database this is."""

    async def days(self, *, before: date) -> Sequence[tuple[date, ArchivedDay | None]]:
        """Return the days before one that may have records that are not archived, with what is; oldest first."""

    def reading(self, day: date, archived: ArchivedDay | None) -> AbstractAsyncContextManager[DayReading]:
        """Read what the archive lacks of a day; all of it, when what it has does not fit and everything is here.

        Raises ArchiveUnclear when not even that would be right.
        """

    async def note(self, archived: ArchivedDay, reading: DayReading, at: datetime) -> None:
        """Note what the archive has of the day now."""


class ArchiveSource(Protocol):
    """Access records, for one archivist at a time among all control planes."""

    def sole(self) -> AbstractAsyncContextManager[Archivist | None]:
        """Be the one archivist for the block; None when somebody else is. Raises StoreUnavailable."""


class RecordFile(Protocol):
    """A file that is being written, in memory a row group at most. Both calls may take long: not for the event loop."""

    def add(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        """Add records in the order of `COLUMNS`; returns the bytes of the file that are finished."""

    def end(self) -> bytes:
        """Return the rest of the file."""


class RecordFiles(Protocol):
    """The format of the archive."""

    @property
    def suffix(self) -> str:
        """What the names of its files end in, with the dot."""

    def begin(self) -> RecordFile:
        """Begin a file."""
