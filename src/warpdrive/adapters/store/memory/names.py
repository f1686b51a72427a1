"""Names in use, in memory: one owner each, counted uses, free at none."""

from collections.abc import Mapping, Sequence

from warpdrive.application.ports.event_store import NameNotHeld, NameTaken, NameUse
from warpdrive.application.ports.name_register import RegisteredName


class MemoryNames:
    """Who owns which name now."""

    def __init__(self, used: Mapping[tuple[str, str], tuple[str, int]] | None = None) -> None:
        self._used = dict(used or {})
        """(kind, name) -> (owner, uses); uses > 0."""

    def owner(self, kind: str, name: str) -> str | None:
        """Tell who owns a name."""
        return self._used[kind, name][0] if (kind, name) in self._used else None

    def taken(self) -> list[RegisteredName]:
        """Give every name in use."""
        return [RegisteredName(kind, name, owner, uses) for (kind, name), (owner, uses) in self._used.items()]

    def after(self, uses: Sequence[NameUse]) -> "MemoryNames":
        """Return what these uses make of it. Raises NameTaken, and NameNotHeld for a name not held that often."""
        used = dict(self._used)
        for use in uses:
            owner, count = used.get((use.kind, use.name), (use.owner, 0))
            if owner != use.owner:
                raise NameTaken(use.kind, use.name, owner)
            if count + use.uses < 0:
                raise NameNotHeld(f"{owner} gives up the {use.kind} name {use.name!r} more than it holds it")
            used[use.kind, use.name] = (owner, count + use.uses)
            if count + use.uses == 0:
                del used[use.kind, use.name]
        return MemoryNames(used)
