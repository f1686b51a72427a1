"""How far the read models have come, for those who wait: that is how a client reads what it wrote."""

from typing import Final

import anyio

from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.ports.read_models import ReadModels

_FIRST_LOOK_S: Final = 0.003
_LOOK_S: Final = 0.02
"""Between looks at the read models while somebody waits and the projector runs elsewhere; at first more often, since
it usually needs two or three milliseconds."""
_LOOK_BESIDE_S: Final = 0.5
"""The same while the projector of this process tells each step: only its silence makes looking useful."""


class Positions:
    """Waits for positions. Woken by the projector where it runs in this process; otherwise looks, one for all."""

    def __init__(self, models: ReadModels) -> None:
        self._models = models
        self._reached = 0
        self._told = False
        self._looked_at = float("-inf")
        self._step = anyio.Event()

    @property
    def reached(self) -> int:
        """The last position known here; the read models may be further."""
        return self._reached

    def moved(self, position: int, *, told: bool = True) -> None:
        """Hear that the read models are at a position. `told`: whoever says so will say the next one too."""
        self._told = told
        self._reached = position
        # A new event for those who come next, before anybody who waits can run.
        step, self._step = self._step, anyio.Event()
        step.set()

    async def wait(self, position: int, within: float) -> None:
        """Return once the read models are there. Raises NotCaughtUp after `within` seconds, StoreUnavailable."""
        pause = _FIRST_LOOK_S
        with anyio.move_on_after(within):
            while self._reached < position:
                step = self._step
                if anyio.current_time() >= self._looked_at + (_LOOK_BESIDE_S if self._told else pause):
                    await self._look()
                    continue
                with anyio.move_on_after(pause):
                    await step.wait()
                pause = min(2 * pause, _LOOK_S)
        if self._reached < position:
            raise NotCaughtUp(position, self._reached)

    async def _look(self) -> None:
        # Set before the question, so that of all who wait one asks.
        self._looked_at = anyio.current_time()
        found = await self._models.position()
        if found > self._reached:
            self.moved(found, told=self._told)
