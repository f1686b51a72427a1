"""Bytes by who read them: counted in the background, asked at any time.

An object is split evenly among those who opened, read or wrote it in a window of days: among teams (a user in two
counts for both; users in no team are one sharer together, whose id is "") or among users. What nobody read is a row of
its own, so that all rows of a backend add up to what was indexed of it when they were counted.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

WINDOWS: Final = (30, 90)
"""Days that are counted: today's (UTC) and so many before it."""

Basis = Literal["team", "user"]
Kind = Literal["team", "user", "unattributed", "unread"]


@dataclass(frozen=True, slots=True)
class ReaderShare:
    """A share in a backend. `subject`: a team's id, a user's name; "" where `kind` says why."""

    subject: str
    kind: Kind
    backend: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CountedShares:
    """Rows that were counted together. `counted_at` None: never yet, and there are none."""

    counted_at: datetime | None
    rows: tuple[ReaderShare, ...]


class ReaderShares(Protocol):
    """Every method raises StoreUnavailable."""

    async def shares(self, days: int, basis: Basis) -> CountedShares:
        """Return all shares of a window, one of WINDOWS, in the order of backend, kind and subject."""

    async def of_user(self, user: str, days: int) -> int:
        """Return a user's bytes."""


class ReaderCounter(Protocol):
    """Counts, for whoever is the one to do it. Every method raises StoreUnavailable."""

    async def state(self) -> str:
        """Return a text that changes when what there is to count may have: records, objects, teams (but no day)."""

    async def count(self, at: datetime) -> None:
        """Count all windows anew, as of one moment of the store; days are counted back from `at`."""


class ReaderCounting(Protocol):
    """Lets one process count at a time."""

    def running(self) -> AbstractAsyncContextManager[ReaderCounter | None]:
        """Be the one that counts while the block runs; gives None when another process is. Raises StoreUnavailable.

        Lost with the connection: the block is then cancelled and StoreUnavailable raised after it.
        """
