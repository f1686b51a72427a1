"""A shipping log over a control plane in memory, with the time in the test's hands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tests.support.manual_clock import ManualClock
from warpdrive.adapters.sinks.batch import request_in
from warpdrive.adapters.sinks.sender import MemorySender
from warpdrive.adapters.sinks.shipping import ShippingLog, ShippingSettings
from warpdrive.adapters.sinks.spool import DEFAULT_LIMIT, Spool
from warpdrive.adapters.wire.access_columns import Columns, decode_columns


@dataclass(frozen=True, slots=True)
class Shipment:
    """A request as the control plane reads it."""

    id: str
    covers: tuple[int, int]
    lost: int
    sent_at_ms: int
    columns: Columns
    message: Any

    @property
    def numbers(self) -> list[int]:
        """What tells test records apart."""
        return self.columns.bytes_read


def shipment(data: bytes) -> Shipment:
    """Read a request."""
    message: Any = request_in(data)
    covers = message.covers_from_ms, message.covers_to_ms
    columns = decode_columns(message.columns)
    return Shipment(message.batch_id, covers, message.lost, message.sent_at_ms, columns, message)


class Shipping:
    """A log, its control plane, its clock, and the waits that it asked for, which end at once."""

    def __init__(
        self, folder: Path, *, clock: ManualClock | None = None, limit: int = DEFAULT_LIMIT, **settings: Any
    ) -> None:
        self.folder = folder
        self.clock = clock or ManualClock()
        self.sender = MemorySender()
        self.waits: list[float] = []
        self.retry = anyio.Event()
        """Set it to end the waits."""
        chosen = {"node": "node-7", "metadata_sample_rate": 0.1, "random": lambda: 1.0, "away": 0.0, **settings}
        self.log = ShippingLog(
            ShippingSettings(**chosen), self.sender, Spool(folder, limit=limit), self.clock, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await self.retry.wait()
        self.retry = anyio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Cut and send during the block."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.log.run)
            yield
            tasks.cancel_scope.cancel()

    def cover(self, *, lost: int = 0) -> None:
        """Say that all up to now was recorded."""
        self.log.covered(self.clock.wall(), lost=lost)

    @property
    def shipments(self) -> list[Shipment]:
        """What arrived, in order."""
        return [shipment(each) for each in self.sender.requests]
