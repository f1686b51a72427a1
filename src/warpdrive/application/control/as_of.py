"""As of when an answer holds: the decisions it is made from, the crawls, and what telemetry covers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime

from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.ports.usage_facts import BackendMark, UsageFacts
from warpdrive.domain.governance.coverage import Coverage, covered


@dataclass(frozen=True, slots=True)
class AsOf:
    """Stated with every answer about storage and its use."""

    computed_at: datetime
    position: int
    attributed_position: int
    crawls: tuple[BackendMark, ...]
    coverage: Coverage | None = None
    """None where accesses do not matter."""
    readers_counted_at: datetime | None = None


class Moments:
    """Finds out as of when an answer would hold. Ask before computing it: it must not be older than it says."""

    def __init__(self, models: ReadModels, facts: UsageFacts) -> None:
        self._models = models
        self._facts = facts

    async def now(
        self,
        at: datetime,
        *,
        backends: Collection[str] | None = None,
        window: tuple[date, date] | None = None,
        readers: bool = False,
    ) -> AsOf:
        """Say it for some backends (None: all) and, where accesses matter, for the days of a window, both included.

        Raises StoreUnavailable.
        """
        position = await self._models.position()
        marks = await self._facts.marks()
        coverage = None
        if window is not None:
            coverage = covered(await self._facts.coverage(*window), *window, today=at.astimezone(UTC).date())
        return AsOf(
            computed_at=at,
            position=position,
            attributed_position=marks.attributed_position,
            crawls=tuple(mark for mark in marks.backends if backends is None or mark.name in backends),
            coverage=coverage,
            readers_counted_at=marks.readers_counted_at if readers else None,
        )
