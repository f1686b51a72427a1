"""Waiting for the read models."""

import anyio
import pytest

from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.positions import Positions
from warpdrive.application.ports.event_store import StoreUnavailable


class Watched(MemoryReadModels):
    """Read models that count who looks at their position, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.away = False

    async def position(self) -> int:
        """See the port."""
        self.looks += 1
        if self.away:
            raise StoreUnavailable("it is away")
        return await super().position()

    async def move(self, position: int) -> None:
        """Do a step as another process's projector would."""
        async with self.running() as target:
            assert target is not None
            await target.apply([], position=position)


async def test_what_was_reached_is_not_waited_for() -> None:
    """Nor looked at."""
    models = Watched()
    positions = Positions(models)
    positions.moved(7)
    for position in (0, 1, 7):
        await positions.wait(position, 0)
    assert models.looks == 0


async def test_a_projector_in_this_process_wakes_who_waits() -> None:
    """Each as soon as its position is reached."""
    positions = Positions(Watched())
    positions.moved(0)
    reached: list[int] = []

    async def wait(position: int) -> None:
        await positions.wait(position, 10)
        reached.append(position)

    async with anyio.create_task_group() as tasks:
        for position in (3, 1, 2):
            tasks.start_soon(wait, position)
        await anyio.wait_all_tasks_blocked()
        for position in (1, 3):
            positions.moved(position)
            await anyio.wait_all_tasks_blocked()
    assert reached[0] == 1
    assert sorted(reached) == [1, 2, 3]


async def test_a_projector_elsewhere_is_looked_for_by_one_of_all_who_wait() -> None:
    """A hundred who wait are not a hundred who ask."""
    models = Watched()
    positions = Positions(models)
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(positions.wait, 5, 10)
        await anyio.wait_all_tasks_blocked()
        await models.move(9)
    assert positions.reached == 9
    assert models.looks < 20


async def test_the_deadline_ends_the_wait_with_what_was_reached() -> None:
    """The caller learns how far it is, and may ask again."""
    models = Watched()
    await models.move(4)
    with pytest.raises(NotCaughtUp) as late:
        await Positions(models).wait(5, 0.1)
    assert (late.value.wanted, late.value.reached) == (5, 4)
    with pytest.raises(NotCaughtUp):
        await Positions(models).wait(9, 0)


async def test_a_store_that_is_away_says_so() -> None:
    """Who waits is not kept until the deadline by what cannot be known."""
    models = Watched()
    models.away = True
    with pytest.raises(StoreUnavailable):
        await Positions(models).wait(1, 10)


async def test_a_silent_projector_is_not_waited_for_alone() -> None:
    """It may have lost its place to another process without having noticed."""
    models = Watched()
    positions = Positions(models)
    positions.moved(1)
    await models.move(2)
    await positions.wait(2, 5)
