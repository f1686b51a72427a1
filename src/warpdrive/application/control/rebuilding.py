"""Rebuild: the read models made anew beside the live ones, and put in their place in one transaction.

The live ones serve and move on meanwhile. A rebuild that does not come to its end leaves them as they are.
"""

import logging
from dataclasses import dataclass
from typing import Final

from warpdrive.application.ports.event_store import EventReader
from warpdrive.application.ports.read_models import ProjectionTarget, ReadModelWriter
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.projecting import Projecting

log = logging.getLogger(__name__)

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: up to which position, from how many events, and how many it left out."""

    position: int
    projected: int
    unknown: int
    unreadable: int


class Rebuilding:
    """Makes the read models anew."""

    def __init__(self, reader: EventReader, models: ReadModelWriter, codec: EventCodec) -> None:
        self._reader = reader
        self._models = models
        self._codec = codec

    async def run(self) -> Rebuilt:
        """Rebuild and swap. Raises RebuildUnderWay, StoreUnavailable, and RowMissing when the events do not fit."""
        projecting = Projecting(self._codec)
        reached = 0
        async with self._models.rebuilding() as target:

            async def catch_up() -> None:
                nonlocal reached
                reached = await self._catch_up(target, projecting)

            # Once while the live ones go on, however long it takes, and once while they stand still.
            await catch_up()
            await self._models.swap_in(target, catch_up)
        log.info("the read models were rebuilt up to position %d from %d events", reached, projecting.projected)
        return Rebuilt(reached, projecting.projected, projecting.unknown, projecting.unreadable)

    async def _catch_up(self, target: ProjectionTarget, projecting: Projecting) -> int:
        """Apply what there is, up to a page that is not full: who writes goes on, and would keep this from ending."""
        reached = await target.position()
        while True:
            batch = await self._reader.read(reached, _BATCH)
            if batch:
                changes = [change for recorded in batch for change in projecting.changes(recorded)]
                reached = batch[-1].position
                await target.apply(changes, position=reached)
            if len(batch) < _BATCH:
                return reached
