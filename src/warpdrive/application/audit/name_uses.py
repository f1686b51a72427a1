"""The register of names as events alone make it: who took a name, who gave it up, how many entries use a backend's."""

from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.findings import Check, Finding
from warpdrive.application.audit.names import NAMED, NameHistory
from warpdrive.application.ports.name_register import RegisteredName
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.payloads import entry_value

_Place = tuple[str, str]
"""A backend's name and the fingerprint of its place."""


class NameUses:
    """Feed every event in order."""

    def __init__(self) -> None:
        self._histories = {kind: NameHistory() for kind in NAMED}
        self._mounts: dict[UUID, dict[str, _Place]] = {}

    def feed(self, kind: str, position: int, event: Aggregate.Event) -> None:
        """Take notice of an event of a kind of stream."""
        if kind in self._histories:
            self._histories[kind].feed(position, event)
        match event:
            case Namespace.MountEntryAdded() | Namespace.MountEntryReconfigured():
                entry = entry_value(event.entry)
                mounts = self._mounts.setdefault(event.originator_id, {})
                mounts[entry.path] = (entry.backend.name, entry.backend.fingerprint)
            case Namespace.MountEntryRemoved():
                self._mounts.get(event.originator_id, {}).pop(event.path, None)
            case Namespace.Retired():
                self._mounts.pop(event.originator_id, None)
            case _:
                pass

    def register(self) -> set[RegisteredName]:
        """Give the names that are taken now."""
        names = {
            RegisteredName(kind, holding.name, str(holding.stream), 1)
            for kind, history in self._histories.items()
            for holding in history.present()
        }
        uses = Counter(place for mounts in self._mounts.values() for place in mounts.values())
        return names | {RegisteredName("backend", name, owner, count) for (name, owner), count in uses.items()}

    def compare(self, registered: Iterable[RegisteredName]) -> Iterator[Finding]:
        """Say where the register is not what the events make it."""
        made, kept = self.register(), set(registered)
        for name in sorted(made - kept):
            yield Finding(Check.NAMES, None, f"events say, and the register does not, that {_words(name)}")
        for name in sorted(kept - made):
            yield Finding(Check.NAMES, None, f"the register says, and no event does, that {_words(name)}")


def _words(name: RegisteredName) -> str:
    times = "" if name.uses == 1 else f", used {name.uses} times"
    return f"the {name.kind.replace('_', ' ')} name {name.name!r} belongs to {name.owner}{times}"
