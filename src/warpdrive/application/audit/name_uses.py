"""The register of names as events alone make it: who took a name, who gave it up, how many entries use a backend's."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.findings import Check, Finding
from warpdrive.application.audit.names import NAMED, NameHistory
from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.name_register import RegisteredName
from warpdrive.application.projections.codec import kind_of
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.payloads import entry_value
from warpdrive.domain.token.aggregate import Token
from warpdrive.domain.token.values import Role

_BOOTSTRAP: Final = "bootstrap"
"""Kind of the one name that says that a first admin's token was made, and whose. It is never given up."""

_BOOTSTRAPPER: Final = "system:bootstrap"

_Place = tuple[str, str]
"""A backend's name and the fingerprint of its place."""


class NameUses:
    """Feed every event in order."""

    def __init__(self) -> None:
        self._histories = {kind: NameHistory() for kind in NAMED}
        self._mounts: dict[UUID, dict[str, _Place]] = {}
        # Tokens of admins, and those among them that were issued to begin with.
        self._admins: set[str] = set()
        self._bootstrapped: set[str] = set()

    def feed(self, recorded: RecordedEvent, event: Aggregate.Event) -> None:
        """Take notice of an event, which is what was recorded."""
        kind = kind_of(recorded.topic)
        if kind in self._histories:
            self._histories[kind].feed(recorded.position, event)
        match event:
            case Token.Issued() if event.grant["role"] == Role.ADMIN.value:
                self._admins.add(str(recorded.stream))
                if recorded.actor == _BOOTSTRAPPER:
                    self._bootstrapped.add(str(recorded.stream))
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
        everything = set(registered)
        begun = {name for name in everything if name.kind == _BOOTSTRAP}
        yield from self._compare_bootstrap(begun)
        made, kept = self.register(), everything - begun
        for name in sorted(made - kept):
            yield Finding(Check.NAMES, None, f"events say, and the register does not, that {_words(name)}")
        for name in sorted(kept - made):
            yield Finding(Check.NAMES, None, f"the register says, and no event does, that {_words(name)}")

    def _compare_bootstrap(self, begun: set[RegisteredName]) -> Iterator[Finding]:
        """Which admin's token was the first is said by the register alone; that it was one, events say too."""
        if self._bootstrapped and not begun:
            words = "a first admin's token was issued, and the register does not know: another could be made"
            yield Finding(Check.NAMES, None, words)
        for name in sorted(begun):
            if name.owner not in self._admins:
                yield Finding(Check.NAMES, None, f"the register says, and no event does, that {_words(name)}")


def _words(name: RegisteredName) -> str:
    times = "" if name.uses == 1 else f", used {name.uses} times"
    return f"the {name.kind.replace('_', ' ')} name {name.name!r} belongs to {name.owner}{times}"
