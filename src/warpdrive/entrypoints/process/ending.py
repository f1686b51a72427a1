"""Being told to end, at any time: a start is broken off, what serves is let finish in its own order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import Signals

import anyio
import structlog

from warpdrive.entrypoints.process.signals import ending_signals

_log = structlog.get_logger(__name__)


class Ending:
    """Whether somebody has told us to end."""

    def __init__(self, starting: anyio.CancelScope) -> None:
        self._starting = starting
        self._told = anyio.Event()
        self._started = False

    async def wait(self) -> None:
        """Return once we are told. From here on nothing is broken off any more."""
        self._started = True
        await self._told.wait()

    async def listen(self, signals: AsyncIterator[Signals]) -> None:
        """Hear the signals."""
        async for received in signals:
            _log.info("signal received", signal=received.name)
            self._told.set()
            if not self._started:
                self._starting.cancel()


@asynccontextmanager
async def ending() -> AsyncIterator[Ending]:
    """Listen for SIGTERM, SIGINT and SIGHUP during the block.

    Until the block waits for them it is starting, and one of them cancels it: a migration that waits for another
    process's would otherwise answer to nothing but SIGKILL.
    """
    with anyio.open_signal_receiver(*ending_signals()) as signals:
        async with anyio.create_task_group() as tasks:
            told = Ending(tasks.cancel_scope)
            tasks.start_soon(told.listen, signals)
            yield told
            tasks.cancel_scope.cancel()
