"""The process's own clocks, for tests that watch real servers. `manual_clock` has one to turn by hand."""

import time


class RealClock:
    """Both clocks of the system."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()
