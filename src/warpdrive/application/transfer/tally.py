"""How far a move is: counts that whoever shows progress looks at while it runs."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from warpdrive.application.ports.objects import ObjectKey

NAMED: Final = 1000
"""Failures kept by name; the rest is a count."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that stays at the source, and why."""

    key: ObjectKey
    why: str


@dataclass(slots=True)
class Tally:
    """Counts of objects and bytes; all of them only grow, but `copied_bytes`, which a failed copy gives back."""

    found: int = 0
    """Objects at the source so far; all of them once `listed`."""
    found_bytes: int = 0
    listed: bool = False
    moved: int = 0
    """Objects that are at the destination and no longer at the source."""
    moved_bytes: int = 0
    resumed: int = 0
    """Of them, those that an earlier run had copied."""
    copied_bytes: int = 0
    """Bytes that went over, those of copies under way included."""
    failed: int = 0
    failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=NAMED))
    """The latest."""

    def fail(self, key: ObjectKey, why: str) -> None:
        """Count an object that stays."""
        self.failed += 1
        self.failures.append(Failure(key, why))

    @property
    def complete(self) -> bool:
        """Whether everything that was found is moved."""
        return self.listed and not self.failed and self.moved == self.found
