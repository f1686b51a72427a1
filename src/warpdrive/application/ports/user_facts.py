"""What one user did, by backend, object and job, in a window of days (UTC, both included)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UserBackendRow:
    """What a user read of a backend. `bytes_read`: served by agents."""

    backend: str
    opens: int
    bytes_read: int
    hits: int
    misses: int
    last_day: date


@dataclass(frozen=True, slots=True)
class UserObjectRow:
    """What a user read of an object, under its home backend if it was ever indexed. `bytes` None: it is not there."""

    backend: str
    key: str
    bytes: int | None
    opens: int
    bytes_read: int
    last_day: date


@dataclass(frozen=True, slots=True)
class UserJobRow:
    """What a user's job read."""

    job: str
    opens: int
    bytes_read: int
    last_day: date


class UserFacts(Protocol):
    """Every method raises StoreUnavailable."""

    async def known(self, user: str) -> bool:
        """Tell whether anything was ever recorded of a user."""

    async def backends(self, user: str, from_day: date, to_day: date) -> Sequence[UserBackendRow]:
        """Return the backends, in the order of their names."""

    async def objects(self, user: str, from_day: date, to_day: date, *, limit: int) -> Sequence[UserObjectRow]:
        """Return the objects of which most bytes were read, most first."""

    async def jobs(self, user: str, from_day: date, to_day: date, *, limit: int) -> Sequence[UserJobRow]:
        """Return the jobs, latest first."""
