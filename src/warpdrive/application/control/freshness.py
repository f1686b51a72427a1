"""Read models that have caught up before they are asked, so that people see what was just decided, whoever decided it.

Two commands in a row at a shell are two clients: neither knows the other's position. The projector is usually a few
milliseconds behind, so waiting for it costs less than explaining why a list is old. When it is further behind than
that, answers come at once and say by their position how old they are.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.lag import Lag
from warpdrive.application.ports.event_store import EventReader
from warpdrive.application.ports.read_models import ReadModels

PATIENCE: Final = 1.0
"""Seconds that a question waits at most; also how far behind the projector may be for waiting to make sense."""


class FreshReadModels(ReadModels):
    """Asks for the position first, as every query does, and lets that wait."""

    def __init__(
        self, models: ReadModels, reader: EventReader, lag: Lag, wait: Callable[[int, float], Awaitable[None]]
    ) -> None:
        self._models = models
        self._reader = reader
        self._lag = lag
        self._wait = wait

    async def position(self) -> int:
        """Return the position once it is the head's, or what it is after a second."""
        if self._lag.seconds <= PATIENCE:
            head = await self._reader.head()
            try:
                await self._wait(head, PATIENCE)
            except NotCaughtUp as behind:
                return behind.reached
        return await self._models.position()

    async def row(self, table: str, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """See the port."""
        return await self._models.row(table, key)

    async def rows(
        self,
        table: str,
        *,
        where: Mapping[str, Any] | None = None,
        order: Sequence[str],
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """See the port."""
        return await self._models.rows(table, where=where, order=order, after=after, limit=limit)
