"""What recommendations and the list of duplicates are made of: objects of equal checksums, and what lies idle.

Asked over all objects that are there; objects that were deleted are in no answer. Objects of no bytes are duplicates
of nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DuplicateQuestion:
    """Which groups: objects of at least `min_size` bytes, one of them at least in this backend ("": in any)."""

    min_size: int = 0
    backend: str = ""


@dataclass(frozen=True, slots=True)
class GroupMark:
    """What tells a group from all others, in the order of groups: most waste first, then by size and checksum."""

    wasted_bytes: int
    size: int
    kind: str
    """md5 or crc32c."""
    digest: bytes


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One of a group. The key is below its home backend's prefix."""

    backend: str
    key: str
    storage_class: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Objects of equal size and checksum; `copies`: the first by backend, then in the order they became known."""

    mark: GroupMark
    count: int
    copies: tuple[CopyRow, ...]


@dataclass(frozen=True, slots=True)
class DuplicateSums:
    """Of all that the question asks for. `unchecked_objects`: not empty and without a checksum."""

    groups: int
    wasted_bytes: int
    unchecked_objects: int


@dataclass(frozen=True, slots=True)
class SurplusRow:
    """Objects of which another copy stays: in each group the one that was used last is left, then the oldest known."""

    backend: str
    owners: tuple[str, ...]
    storage_class: str
    kind: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class IdleRow:
    """Objects that were used last before the day of the question with this number in its order."""

    question: int
    backend: str
    owners: tuple[str, ...]
    storage_class: str
    objects: int
    bytes: int


class DuplicateFacts(Protocol):
    """Every method raises StoreUnavailable."""

    async def sums(self, question: DuplicateQuestion) -> DuplicateSums:
        """Count groups, waste and what cannot be compared."""

    async def groups(
        self, question: DuplicateQuestion, *, after: GroupMark | None, limit: int, copies: int
    ) -> Sequence[GroupRow]:
        """Return groups after a mark (None: from the first on), each with so many copies at most."""

    async def surplus(self) -> Sequence[SurplusRow]:
        """Return what could go, over all backends, by backend, owners, class and kind of checksum."""

    async def idle(self, before: Sequence[date]) -> Sequence[IdleRow]:
        """Return sums over what was used last (accessed, modified or first seen) before each of some days (UTC)."""
