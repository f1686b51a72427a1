"""Telemetry as it is kept and dropped. Owned by control's retention."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Protocol


class TelemetryKeeper(Protocol):
    """The one who may drop. Every method raises StoreUnavailable."""

    async def make_room(self, day: date) -> None:
        """Make a day's partitions, if they are not there."""

    async def days(self, *, before: date, archived_only: bool) -> Sequence[date]:
        """Return the days before one of which there are records; only those in the archive if that is asked."""

    async def drop_day(self, day: date) -> bool:
        """Drop a day's records; False when somebody reads them, or there are none."""

    async def drop_sums(self, *, before: date) -> int:
        """Drop rollups of months that ended before a day, and everything counted per day before it."""

    async def forget_batches(self, *, before: datetime) -> None:
        """Forget the ids of batches that came before a moment."""


class TelemetryShelf(Protocol):
    """Telemetry, for one keeper at a time among all control planes."""

    def sole(self) -> AbstractAsyncContextManager[TelemetryKeeper | None]:
        """Be the one keeper for the block; None when somebody else is. Raises StoreUnavailable."""
