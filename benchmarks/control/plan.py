"""What a case needs to know."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.results import Result
from warpdrive.adapters.store.connecting import DatabasePlace


@dataclass(frozen=True, slots=True)
class ControlPlan:
    """How long and how often to measure, and where: `fresh()` makes an empty database, the owner's."""

    rounds: int
    seconds: float
    """One figure's time."""
    fresh: Callable[[], Awaitable[DatabasePlace]]


ControlCase = Callable[[ControlPlan], Awaitable[Sequence[Result]]]
