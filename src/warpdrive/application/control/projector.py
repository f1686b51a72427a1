"""The projector: brings the read models along with the events, each event exactly once.

A batch of events is one step: row changes and the new position in one transaction. Whoever holds the read models'
lock runs; the others ask for it every second, so a runner that ends or loses its connection is followed by another.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NoReturn

import anyio

from warpdrive.application.control.positions import Positions
from warpdrive.application.ports.event_store import EventReader, EventStoreError, RecordedEvent
from warpdrive.application.ports.read_models import (
    ProjectionConflict,
    ProjectionTarget,
    ReadModelWriter,
    RebuildUnderWay,
    RowMissing,
)
from warpdrive.application.projections.projecting import Projecting

log = logging.getLogger(__name__)

_ASK_S: Final = 1.0
"""Between questions for the lock while another process runs."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
"""Before trying again after a fault, doubling from the first to the longest."""


class Projector:
    """Runs the projection whenever no other process does."""

    def __init__(
        self,
        reader: EventReader,
        models: ReadModelWriter,
        positions: Positions,
        projecting: Projecting,
        *,
        rebuild: Callable[[], Awaitable[object]],
    ) -> None:
        self._reader = reader
        self._models = models
        self._positions = positions
        self._rebuild = rebuild
        """Makes the read models anew when events and rows do not fit."""
        self.projecting = projecting
        """Counts events, those left out too."""
        self.running = False
        """Whether this process is the runner."""
        self.steps = 0
        """Transactions made."""
        self.faults = 0
        """Times it had to begin again: the store was away, or rows did not fit."""

    async def run(self) -> NoReturn:
        """Run until cancelled, which takes effect within a second."""
        pause = _FIRST_PAUSE_S
        while True:
            began, steps = anyio.current_time(), self.steps
            try:
                await self._hold()
                pause = _FIRST_PAUSE_S
                await anyio.sleep(_ASK_S)
                continue
            except EventStoreError as fault:
                log.warning("the projector begins again: %s", fault)
            except RowMissing as fault:
                log.error("the read models do not fit the events and are made anew: %s", fault)  # noqa: TRY400 - the fault says it all
                await self._mend()
            self.faults += 1
            went_well = self.steps > steps or anyio.current_time() - began > _LONGEST_PAUSE_S
            pause = _FIRST_PAUSE_S if went_well else min(2 * pause, _LONGEST_PAUSE_S)
            await anyio.sleep(pause)

    async def _hold(self) -> None:
        """Run for as long as the lock is ours; return when it is another's."""
        async with self._models.running() as target:
            if target is None:
                return
            log.info("this process keeps the read models")
            self.running = True
            try:
                await self._follow(target)
            finally:
                self.running = False
                self._positions.moved(self._positions.reached, told=False)

    async def _follow(self, target: ProjectionTarget) -> NoReturn:
        while True:
            position = await target.position()
            self._positions.moved(position)
            try:
                async with self._reader.subscribe(position) as batches:
                    async for batch in batches:
                        await self._step(target, batch)
            except ProjectionConflict:
                log.info("the read models were moved on from elsewhere after position %d", self._positions.reached)

    async def _step(self, target: ProjectionTarget, batch: Sequence[RecordedEvent]) -> None:
        changes = [change for recorded in batch for change in self.projecting.changes(recorded)]
        reached = batch[-1].position
        await target.apply(changes, position=reached)
        self.steps += 1
        self._positions.moved(reached)

    async def _mend(self) -> None:
        try:
            await self._rebuild()
        except (EventStoreError, RowMissing, RebuildUnderWay) as fault:
            log.error("the read models could not be made anew: %s", fault)  # noqa: TRY400 - as above
