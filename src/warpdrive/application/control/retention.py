"""How long telemetry is kept, and who drops what is older."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NoReturn

import anyio

from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.telemetry_shelf import TelemetryShelf

log = logging.getLogger(__name__)

DAY_S: Final = 86_400
RAW_DAYS: Final = 30
"""Days that raw records are kept when nobody says otherwise."""
SUM_DAYS: Final = 400
"""Days that rollups and activity are kept: a year can be compared with the one before."""
BATCH_DAYS: Final = 8
"""Days that batches are known by their ids: longer than a node keeps one to send it again."""

_EVERY_S: Final = 600.0
_AHEAD_DAYS: Final = 2
"""Days whose partitions are made before anybody needs them."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long raw records are kept: whole UTC days, today not counted, at least one."""

    raw_days: int = RAW_DAYS

    @classmethod
    def of(cls, seconds: float | None) -> "Retention":
        """Read the setting; what is no whole day is rounded up, so that nothing goes too early."""
        return cls() if seconds is None else cls(max(1, -int(-seconds // DAY_S)))

    def kept_from(self, today: date) -> date:
        """Return the first day whose records are kept."""
        return today - timedelta(days=self.raw_days)


class RetentionTask:
    """Drops what is too old and makes room for the days to come, one runner at a time across control planes.

    `archived_only`: days leave only after they are in the archive.
    """

    def __init__(
        self, shelf: TelemetryShelf, retention: Retention, clock: Clock, *, archived_only: Callable[[], bool]
    ) -> None:
        self._shelf = shelf
        self._retention = retention
        self._clock = clock
        self._archived_only = archived_only

    async def once(self) -> int:
        """Do it once; returns how many days and months were dropped. Raises StoreUnavailable."""
        now = datetime.fromtimestamp(self._clock.wall(), UTC)
        today = now.date()
        async with self._shelf.sole() as keeper:
            if keeper is None:
                return 0
            for ahead in range(_AHEAD_DAYS):
                await keeper.make_room(today + timedelta(days=ahead))
            border = self._retention.kept_from(today)
            dropped = 0
            for day in await keeper.days(before=border, archived_only=self._archived_only()):
                dropped += await keeper.drop_day(day)
            dropped += await keeper.drop_sums(before=today - timedelta(days=SUM_DAYS))
            await keeper.forget_batches(before=now - timedelta(days=BATCH_DAYS))
        return dropped

    async def run(self) -> NoReturn:
        """Do it every ten minutes until cancelled."""
        while True:
            try:
                dropped = await self.once()
                if dropped:
                    log.info("partitions of old telemetry were dropped: %d", dropped)
            except StoreUnavailable as fault:
                log.warning("old telemetry stays for now: %s", fault)
            await anyio.sleep(_EVERY_S)
