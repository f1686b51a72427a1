"""A clock that only moves when told to."""


class ManualClock:
    """Starts at an arbitrary monotonic time and a fixed wall time; both move together."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._wall = 1_700_000_000.0

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return self._now

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._wall += seconds

    def set_wall(self, seconds: float) -> None:
        """Jump the wall clock, as NTP or an operator does; monotonic time is not moved."""
        self._wall = seconds
