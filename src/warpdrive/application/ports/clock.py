"""Time comes from outside, so that tests own it."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks: one to measure with, one to write down."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    def wall(self) -> float:
        """Seconds since the epoch (UTC); may jump."""
