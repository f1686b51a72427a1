"""What one run of a move leaves to the next: which objects at the destination are its own work."""

from dataclasses import dataclass
from typing import Protocol

from warpdrive.application.ports.objects import ObjectKey, ObjectVersion


@dataclass(frozen=True, slots=True)
class Entry:
    """How far one object is. Written before its copy begins, and again once the copy is verified.

    `source`: the version that is moved, `target`: the key it gets. `copy`: the version of the verified copy, None
    before. `replaces`: the version at the destination that may be replaced; None: nothing was there.
    """

    source: ObjectVersion
    target: ObjectKey
    copy: ObjectVersion | None = None
    replaces: ObjectVersion | None = None


class MoveJournal(Protocol):
    """Keeps entries by the source's key. What it loses costs work or a refusal, never an object."""

    def entry(self, key: ObjectKey) -> Entry | None:
        """Return what is known of an object."""

    async def note(self, key: ObjectKey, entry: Entry | None) -> None:
        """Keep the entry before anything else happens; None: the object has been moved. Raises OSError."""


class MemoryJournal:
    """The twin: as long as this process."""

    def __init__(self) -> None:
        self.entries: dict[ObjectKey, Entry] = {}

    def entry(self, key: ObjectKey) -> Entry | None:
        """Return what is known of an object."""
        return self.entries.get(key)

    async def note(self, key: ObjectKey, entry: Entry | None) -> None:
        """Keep the entry, or forget it."""
        if entry is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = entry
