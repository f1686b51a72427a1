"""How much may be asked: calls at once by all, and calls a second by each principal.

What is too much is refused at once with a time to come back; nothing waits in a queue that only the server sees.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from warpdrive.application.control.errors import TooBusy

_MOST_BUCKETS: Final = 10_000
"""Principals whose rate is remembered. Whoever is forgotten was quiet the longest, and starts with a full bucket."""

_BUSY: Final = 0.5
"""Seconds after which somebody's call has probably ended."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Calls and streams at once; calls a second for each principal, and how many of them may come in one burst."""

    calls: int = 256
    streams: int = 2048
    rate: float = 200.0
    burst: int = 400


class Crowd:
    """Counts what is under way."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self.present = 0
        """0 <= present <= most."""

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Be counted while the block runs. Raises TooBusy when there are enough."""
        if self.present >= self._most:
            raise TooBusy(f"{self._most} {self._what} are under way", _BUSY)
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1


class Rates:
    """A token bucket for each principal."""

    def __init__(self, limits: CallLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Principal -> tokens left, and when that was; the one that called last is last."""

    def take(self, principal: str) -> None:
        """Count one call. Raises TooBusy when the principal has used up its burst."""
        now = self._monotonic()
        left, then = self._buckets.pop(principal, (float(self._limits.burst), now))
        left = min(float(self._limits.burst), left + (now - then) * self._limits.rate)
        allowed = left >= 1.0
        self._buckets[principal] = (left - 1.0 if allowed else left, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if not allowed:
            raise TooBusy(f"{self._limits.rate:g} calls a second for each caller", (1.0 - left) / self._limits.rate)
