"""How far the read models are behind the events, measured again and again, for the metrics."""

import logging
from typing import Final, NoReturn

import anyio

from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import EventReader, EventStoreError
from warpdrive.application.ports.read_models import ReadModels

log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0


class Lag:
    """The last measurement. Any process can measure, whoever runs the projector."""

    def __init__(self, reader: EventReader, models: ReadModels, clock: Clock) -> None:
        self._reader = reader
        self._models = models
        self._clock = clock
        self.head = 0
        """Position of the last event."""
        self.position = 0
        """Position of the read models."""
        self.seconds = 0.0
        """Age of the oldest event that is not in the read models yet; 0 when all are."""
        self.known = False
        """False while the store cannot be asked: the figures are old ones then."""

    @property
    def positions(self) -> int:
        """How many positions there are between the events and the read models; not all of them have events."""
        return max(0, self.head - self.position)

    async def measure(self) -> None:
        """Measure once. Raises StoreUnavailable."""
        self.head = await self._reader.head()
        self.position = await self._models.position()
        waiting = await self._reader.read(self.position, 1) if self.position < self.head else ()
        self.seconds = max(0.0, self._clock.wall() - waiting[0].recorded_at.timestamp()) if waiting else 0.0
        self.known = True

    async def run(self) -> NoReturn:
        """Measure every second until cancelled."""
        while True:
            try:
                await self.measure()
            except EventStoreError as fault:
                if self.known:
                    log.warning("how far the read models are is not known: %s", fault)
                self.known = False
            await anyio.sleep(_EVERY_S)
