"""How long a backend's faults are borne, as one value, with time and chance from outside."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one operation, in seconds. The last three fields are what tests replace."""

    deadline_s: float = 30.0
    """No new attempt begins later than this after the operation's start."""
    weary_s: float = 10.0
    """After an operation used up its deadline: for this long others get one attempt each, until one succeeds. A
    backend that is down then costs `deadline_s` once and not for every name that somebody looks at."""
    stall_s: float = 15.0
    """An attempt that makes no progress for this long is given up (Stalled)."""
    write_stall_s: float = 60.0
    """The same for a write, of which one part must get through in that time."""
    copy_s: float = 600.0
    """A copy shows no progress and a server takes its time with a large object: this long, as a whole."""
    backoff_initial_s: float = 0.1
    backoff_ceiling_s: float = 5.0
    """Wait n is chosen evenly from [0, min(ceiling, initial * 2^n)]: exponential back-off, full jitter."""
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """Evenly from [0, 1)."""

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number `attempt` (0, 1, ...)."""
        ceiling = min(self.backoff_ceiling_s, self.backoff_initial_s * 2.0 ** min(attempt, 32))
        return self.random() * ceiling
