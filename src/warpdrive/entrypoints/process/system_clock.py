"""The machine's own clocks, for everything that takes a `Clock`."""

import time


class SystemClock:
    """`Clock` of the operating system."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch (UTC)."""
        return time.time()
