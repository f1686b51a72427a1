"""Keeps the shares of readers: counts them anew when something came that may change them, and not all the time."""

import logging
from datetime import UTC, datetime
from typing import Final, NoReturn

import anyio

from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import EventStoreError
from warpdrive.application.ports.reader_shares import ReaderCounter, ReaderCounting

log = logging.getLogger(__name__)

LEAST_PAUSE_S: Final = 2.0
"""Between a count and the next look."""
PAUSES_PER_COUNT: Final = 20.0
"""A count that took long is not made again before so many times as long: it never takes more than 5 % of anything."""

_ASK_S: Final = 1.0
"""Between questions for the lock while another process counts."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
"""Before trying again after a fault, doubling from the first to the longest."""


class ReaderShareKeeping:
    """Counts whenever no other process does."""

    def __init__(self, counting: ReaderCounting, clock: Clock, *, least_pause_s: float = LEAST_PAUSE_S) -> None:
        self._counting = counting
        self._clock = clock
        self._least_pause_s = least_pause_s
        self.counts = 0
        """Times that all was counted."""
        self.faults = 0
        """Times it had to begin again, because the store was away."""

    async def run(self) -> NoReturn:
        """Run until cancelled, which takes effect within a second."""
        pause = _FIRST_PAUSE_S
        while True:
            counts = self.counts
            try:
                async with self._counting.running() as counter:
                    if counter is not None:
                        await self._keep(counter)
                pause = _FIRST_PAUSE_S
                await anyio.sleep(_ASK_S)
                continue
            except EventStoreError as fault:
                log.warning("the shares of readers are counted later: %s", fault)
            self.faults += 1
            pause = _FIRST_PAUSE_S if self.counts > counts else min(2 * pause, _LONGEST_PAUSE_S)
            await anyio.sleep(pause)

    async def _keep(self, counter: ReaderCounter) -> NoReturn:
        counted = ""
        while True:
            began = anyio.current_time()
            at = datetime.fromtimestamp(self._clock.wall(), UTC)
            # Before counting: what comes in between is counted or shows as another state the next time. The day is
            # that of the clock by which days are counted back, whatever the store's says.
            state = f"{at.date()} {await counter.state()}"
            if state != counted:
                await counter.count(at)
                counted = state
                self.counts += 1
            await anyio.sleep(max(self._least_pause_s, PAUSES_PER_COUNT * (anyio.current_time() - began)))
