"""What batches may claim to cover: from start to end without a break, and never more time than has passed."""

from dataclasses import dataclass

from warpdrive.adapters.sinks.batch import Span
from warpdrive.application.ports.clock import Clock

_LEEWAY_MS = 1000
"""The two clocks are read one after the other, and the wall clock is slewed."""


@dataclass(frozen=True, slots=True)
class Due:
    """Everything before `span`'s end is in the first `taken` records that the log ever took."""

    span: Span
    taken: int


class Claims:
    """Keeps the moment from which on nothing is claimed yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._from_ms = round(clock.wall() * 1000)
        self._since = self._reached = clock.monotonic()
        """When `_from_ms` was, and when the last `reach` came."""
        self._due: Due | None = None

    @property
    def due(self) -> Due | None:
        """What the next batch that holds all of it may claim."""
        return self._due

    def reach(self, until: float, taken: int) -> None:
        """Say that everything before `until` (seconds since the epoch) has been taken.

        A wall clock that jumped ahead, or a machine that slept, claims no more than was lived through; one that went
        back begins anew.
        """
        until_ms = round(until * 1000)
        self._reached = self._clock.monotonic()
        lived = round((self._reached - self._since) * 1000) + _LEEWAY_MS
        from_ms = max(min(self._from_ms, until_ms), until_ms - lived)
        self._due = Due(Span(from_ms, until_ms), taken)

    def taken(self) -> Span:
        """Return what is due; the next claim begins at its end."""
        assert self._due is not None
        span, self._due = self._due.span, None
        self._from_ms = span.to_ms
        self._since = self._reached
        return span
