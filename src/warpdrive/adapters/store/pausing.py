"""How long to wait before trying again: exponential back-off with full jitter."""

import random
from typing import Final

import anyio

_LEAST_S: Final = 0.01
_DOUBLINGS: Final = 10


class Pausing:
    """Pauses that double from `first_s` to `longest_s` (seconds), each cut short at random by up to a half."""

    def __init__(self, first_s: float = 0.05, longest_s: float = 1.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._count = 0

    async def pause(self) -> None:
        """Wait before the next attempt."""
        whole = min(self._first_s * 2 ** min(self._count, _DOUBLINGS), self._longest_s)
        self._count += 1
        await anyio.sleep(max(_LEAST_S, whole * random.uniform(0.5, 1.0)))  # noqa: S311  # spreads attempts, guards nothing

    def begin_again(self) -> None:
        """Start with the first pause: something succeeded."""
        self._count = 0
