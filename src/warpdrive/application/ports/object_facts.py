"""What is known of single objects, asked over all of them: which are idle, and what lies below which prefix.

Keys in answers are below their home backend's prefix. Objects that were deleted are in no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class IdleQuestion:
    """Which objects: "" and 0 let all of them through. `before`: used last before that day (UTC)."""

    before: date
    backend: str = ""
    team: str = ""
    """Id of a team that owns them, alone or with others."""
    min_size: int = 0
    there_by: datetime | None = None
    """Given, only accesses have to lie before the day: idle is what was there, as it is, at this moment."""


@dataclass(frozen=True, slots=True)
class IdleSums:
    """Of what the question lets through: what is idle, and all of it."""

    idle_objects: int
    idle_bytes: int
    total_objects: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class IdleObject:
    """One that is idle. `number` tells it from all others and never changes."""

    number: int
    backend: str
    key: str
    bytes: int
    owners: tuple[str, ...]
    storage_class: str
    last_access: date | None
    modified_at: datetime
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class PrefixRow:
    """Objects whose keys have the same beginning, owners and class."""

    group: str
    """The first parts of their keys, with the slash; "" when nothing was to be grouped by, or keys have no parts."""
    backend: str
    owners: tuple[str, ...]
    storage_class: str
    objects: int
    bytes: int


class ObjectFacts(Protocol):
    """Every method raises StoreUnavailable."""

    async def idle_sums(self, question: IdleQuestion) -> IdleSums:
        """Count them."""

    async def largest_idle(
        self, question: IdleQuestion, *, after: tuple[int, int] | None, limit: int
    ) -> Sequence[IdleObject]:
        """Return idle objects, largest first; those of one size by number. `after`: size and number of the last one."""

    async def below(self, prefix: str, *, backend: str, parts: int, limit: int) -> Sequence[PrefixRow]:
        """Return sums over objects whose keys start with a prefix, in one backend ("": in every one).

        Grouped by at most `parts` directories of their keys; 0: not by keys. More than `limit` rows are cut off.
        """
