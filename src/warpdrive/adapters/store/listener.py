"""One connection that listens for all subscribers: it only says "look again", never what there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
import structlog

from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, hang_up
from warpdrive.adapters.store.errors import SPOKEN
from warpdrive.adapters.store.pausing import Pausing

CHANNEL: Final = "warpdrive_events"
"""The channel on which the `eventsourcing` library's recorders, too, tell of new rows in the table of that name."""

_PROBE_PERIOD_S: Final = 10.0
_PROBE_PATIENCE_S: Final = 5.0
_CLOSE_PATIENCE_S: Final = 1.0

_log = structlog.get_logger(__name__)


class Hearing:
    """One subscriber's ear: set by every notification, by every new connection, and until cleared."""

    def __init__(self) -> None:
        self._heard = anyio.Event()

    def set(self) -> None:
        """Say that there may be something new."""
        self._heard.set()

    def clear(self) -> None:
        """Forget what was heard; call it before looking, so that nothing said meanwhile is lost."""
        if self._heard.is_set():
            self._heard = anyio.Event()

    async def wait(self) -> None:
        """Wait until something was heard."""
        await self._heard.wait()


class Listener:
    """Keeps a listening connection while `run` runs; a lost one is made again with back-off."""

    def __init__(self, place: DatabasePlace, role: Role) -> None:
        self._place = place
        self._role = role
        self._hearings: set[Hearing] = set()
        self._listening = anyio.Event()

    @contextmanager
    def hearing(self) -> Iterator[Hearing]:
        """Give a subscriber its ear for the block."""
        hearing = Hearing()
        self._hearings.add(hearing)
        try:
            yield hearing
        finally:
            self._hearings.discard(hearing)

    async def listening(self, patience_s: float) -> None:
        """Wait until the connection listens; without a server for no longer than `patience_s`, then polling must do."""
        with anyio.move_on_after(patience_s):
            await self._listening.wait()

    async def run(self) -> None:
        """Listen until cancelled."""
        pausing = Pausing()
        while True:
            try:
                await self._listen(pausing)
            except SPOKEN as error:
                _log.warning("listening for events failed", reason=str(error) or type(error).__name__)
            self._listening = anyio.Event()
            await pausing.pause()

    async def _listen(self, pausing: Pausing) -> None:
        connection = await connect(self._place, self._role, application_name="warpdrive listen")
        lost = anyio.Event()
        try:
            connection.add_termination_listener(lambda *_: lost.set())
            await connection.add_listener(CHANNEL, self._notified)
            pausing.begin_again()
            self._listening.set()
            self._notified()  # of what came while nobody listened
            while not lost.is_set():
                with anyio.move_on_after(_PROBE_PERIOD_S):
                    await lost.wait()
                if not lost.is_set():
                    # A peer that vanished without a word is only found by asking.
                    await connection.execute("SELECT 1", timeout=_PROBE_PATIENCE_S)
            _log.warning("the listening connection was lost")
        finally:
            await hang_up(connection, patience_s=_CLOSE_PATIENCE_S)

    def _notified(self, *_: Any) -> None:
        for hearing in self._hearings:
            hearing.set()
