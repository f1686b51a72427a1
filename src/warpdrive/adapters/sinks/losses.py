"""Records that are gone, by the day to which they belonged, until a batch tells of them."""

from collections.abc import Mapping

from warpdrive.adapters.sinks.batch import DAY_MS


class Losses:
    """A tally. Each loss is told once, and by a batch of its own day: a complete day must not look incomplete."""

    def __init__(self) -> None:
        self._untold: dict[int, int] = {}
        """Records by the start of their UTC day, in milliseconds."""
        self.total = 0
        """Records lost since the process began; what is told stays counted."""

    @property
    def untold(self) -> Mapping[int, int]:
        """Records by the start of their day."""
        return dict(self._untold)

    def add(self, records: int, at_ms: int) -> None:
        """Count records that are lost now."""
        self.total += records
        self.tell_again(records, at_ms)

    def tell_again(self, records: int, at_ms: int) -> None:
        """Count records whose loss was known, but what told of it was lost itself, or belonged to another process."""
        if records:
            day = at_ms - at_ms % DAY_MS
            self._untold[day] = self._untold.get(day, 0) + records

    def take(self, at_ms: int) -> int:
        """Return what was lost on the moment's day; whoever takes it tells of it."""
        return self._untold.pop(at_ms - at_ms % DAY_MS, 0)

    def take_other(self, at_ms: int) -> tuple[int, int] | None:
        """Return some other day's start and its losses, or None."""
        today = at_ms - at_ms % DAY_MS
        for day in self._untold:
            if day != today:
                return day, self._untold.pop(day)
        return None
