"""Questions that see what was just decided."""

import anyio
import pytest

from tests.support.memory_plane import MemoryPlane
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.freshness import FreshReadModels
from warpdrive.application.control.lag import Lag


async def test_a_question_waits_for_what_was_decided_before_it() -> None:
    """The wait is for the head at the time of the question."""
    on = MemoryPlane()
    await on.plane.namespaces.create(on.call(), "a", [])
    waited: list[int] = []

    async def wait(position: int, _: float) -> None:
        waited.append(position)

    fresh = FreshReadModels(on.models, on.store, Lag(on.store, on.models, on.clock), wait)
    assert await fresh.position() == await on.store.head()
    assert waited == [await on.store.head()]


async def test_when_the_projector_is_far_behind_an_answer_comes_at_once() -> None:
    """And says how old it is."""
    on = MemoryPlane()
    lag = Lag(on.store, on.models, on.clock)
    lag.seconds = 5.0

    async def wait(_: int, __: float) -> None:
        pytest.fail("there is no point in waiting")

    with anyio.fail_after(1):
        assert await FreshReadModels(on.models, on.store, lag, wait).position() == 0


async def test_a_projector_that_stands_still_costs_a_second_and_no_answer() -> None:
    """What is there is shown, at the position that was reached."""
    on = MemoryPlane()

    async def wait(position: int, _: float) -> None:
        raise NotCaughtUp(position, 3)

    assert await FreshReadModels(on.models, on.store, Lag(on.store, on.models, on.clock), wait).position() == 3
