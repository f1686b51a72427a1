"""Attributing: objects follow what namespaces and teams decide, in the background and under a position of their own.

Called by whoever holds the storage index, between its other steps: so nothing else changes objects meanwhile. What is
about to be moved is doubted first, in the index itself; whoever comes after a crash goes over all that is doubted.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.storage_index import Attributed, OwnerIndex
from warpdrive.domain.governance.attribution import Attribution, attribution, changed_prefixes, topmost

log = logging.getLogger(__name__)

MOVED_AT_ONCE: Final = 10_000
"""Objects that are looked at in one transaction."""


class Attributing:
    """Keeps the index's owners and homes in line, on behalf of one holder of it."""

    def __init__(self, owners: OwnerIndex, clock: Clock) -> None:
        self._owners = owners
        self._clock = clock
        self._held: dict[str, Attributed] | None = None
        """What the index says; nobody else changes it while we hold it. None: not asked yet."""

    def of(self, place: str) -> Attribution:
        """Return how objects of a place are attributed; ask after `catch_up`."""
        held = (self._held or {}).get(place)
        return Attribution({}) if held is None else held.attribution

    async def catch_up(self) -> None:
        """Bring objects to the decisions' present position. Cheap when nothing was decided. Raises StoreUnavailable."""
        decided, followed = await self._owners.positions()
        if self._held is None:
            self._held = dict(await self._owners.attributed())
        elif decided <= followed:
            return
        decisions = await self._owners.decided()
        changed: dict[str, Attribution] = {}
        for place, showings in sorted(decisions.showings.items()):
            after = attribution(showings, decisions.claims)
            if await self._follow(place, after):
                changed[place] = after
        await self._owners.settle(changed, position=decisions.position, at=self._now())
        self._held |= {place: Attributed(each) for place, each in changed.items()}

    async def _follow(self, place: str, after: Attribution) -> bool:
        """Move a place's objects; False when there was nothing to do."""
        held = self._known().get(place, Attributed(Attribution({})))
        prefixes = topmost([*changed_prefixes(held.attribution, after), *held.doubted])
        if not prefixes:
            # Prefixes may have come or gone all the same, without a change to any key.
            return held.attribution.assignments != after.assignments
        await self._owners.doubt(place, prefixes)
        log.info("objects of %s below %d prefixes may have other owners or homes now", place, len(prefixes))
        for prefix in prefixes:
            last: str | None = ""
            while last is not None:
                last = await self._owners.move(place, prefix, after, after=last, limit=MOVED_AT_ONCE, at=self._now())
        return True

    def _known(self) -> Mapping[str, Attributed]:
        return self._held or {}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)
