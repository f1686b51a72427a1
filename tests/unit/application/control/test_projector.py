"""The projector on memory twins: steps, faults, its place in line."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import anyio
import anyio.abc
import pytest

from tests.golden.lives import LIVES
from tests.support.ports import wait_until_async
from tests.support.random_lives import START
from tests.support.recording import append_of, pending, wrong_rows
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.application.control.positions import Positions
from warpdrive.application.control.projector import Projector
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.ports.event_store import Append, CommandFacts, NewEvent, StoreUnavailable
from warpdrive.application.ports.read_models import ProjectionTarget, RowChange, RowMissing
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.projecting import Projecting
from warpdrive.domain.team.aggregate import Team


class Failing(MemoryReadModels):
    """Read models whose next steps fail as told."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Exception] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ProjectionTarget | None]:
        """See the port."""
        async with super().running() as target:
            yield None if target is None else _FailingTarget(target, self.faults)


@dataclass
class _FailingTarget:
    target: ProjectionTarget
    faults: list[Exception]

    async def position(self) -> int:
        return await self.target.position()

    async def apply(self, changes: Sequence[RowChange], *, position: int) -> None:
        if self.faults:
            raise self.faults.pop(0)
        await self.target.apply(changes, position=position)


@dataclass
class Bench:
    """A projector and what it stands on."""

    store: MemoryEventStore = field(default_factory=MemoryEventStore)
    models: Failing = field(default_factory=Failing)

    def __post_init__(self) -> None:
        """Put it together."""
        codec = EventCodec()
        self.positions = Positions(self.models)
        self.rebuilding = Rebuilding(self.store, self.models, codec)
        self.projector = Projector(
            self.store, self.models, self.positions, Projecting(codec), rebuild=self.rebuilding.run
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the projector for the block."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.projector.run)
            yield
            tasks.cancel_scope.cancel()

    async def write_everything(self) -> int:
        """Append a whole life of each aggregate; returns the last position."""
        position = 0
        for life in LIVES.values():
            position = (await self.store.append(append_of(pending(life()), stream=uuid4()))).position
        return position

    async def write_team(self, members: int = 0) -> tuple[Team, int]:
        """Append a team."""
        team = Team.create(uuid4(), "team", at=START)
        for number in range(members):
            team.add_member(f"m{number}", at=START)
        return team, (await self.store.append(append_of(pending(team)))).position

    async def assert_right(self) -> None:
        """Compare all rows with all events."""
        assert not await wrong_rows(self.store, self.models)
        assert await self.models.rows("teams", order=("id",))


async def test_events_of_before_and_of_now_become_rows() -> None:
    """What was there at the start, and what comes while it runs."""
    bench = Bench()
    before = await bench.write_everything()
    async with bench.running():
        await bench.positions.wait(before, 5)
        _, position = await bench.write_team(members=3)
        await bench.positions.wait(position, 5)
    await bench.assert_right()
    assert bench.projector.steps == 2
    assert not bench.projector.running


async def test_events_of_others_move_the_position_too() -> None:
    """Nobody waits for ever because the last event was none of ours."""
    bench = Bench()
    event = NewEvent(uuid4(), 1, "examples.dogs:Registered", b"{}")
    facts = CommandFacts(uuid4(), bytes(32), "somebody")
    async with bench.running():
        receipt = await bench.store.append(Append(facts, event.stream, 1, [event]))
        await bench.positions.wait(receipt.position, 5)
    assert await bench.models.position() == receipt.position
    assert bench.projector.projecting.unknown == 1


async def test_a_step_whose_answer_was_lost_is_not_applied_twice() -> None:
    """It begins again at the position that the read models have, whichever that is."""
    bench = Bench()
    async with bench.running():
        bench.models.faults.append(StoreUnavailable("the answer was lost"))
        _, position = await bench.write_team(members=2)
        await bench.positions.wait(position, 5)
        assert bench.projector.faults == 1
        _, position = await bench.write_team(members=2)
        await bench.positions.wait(position, 5)
    await bench.assert_right()


async def test_a_swap_behind_its_back_is_followed() -> None:
    """The runner goes on where the swapped tables are."""
    bench = Bench()
    async with bench.running():
        await bench.positions.wait(await bench.write_everything(), 5)
        rebuilt = await bench.rebuilding.run()
        assert rebuilt.position == await bench.models.position()
        _, position = await bench.write_team()
        await bench.positions.wait(position, 5)
    await bench.assert_right()
    assert bench.projector.faults == 0


async def test_rows_that_do_not_fit_are_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    """The log says which row was missing."""
    bench = Bench()
    async with bench.running():
        bench.models.faults.append(RowMissing("teams", {"id": "1"}))
        position = await bench.write_everything()
        await bench.positions.wait(position, 5)
    await bench.assert_right()
    assert "teams has no row {'id': '1'}" in caplog.text


async def test_events_that_do_not_fit_each_other_stop_it_loudly_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A stream that begins with its second event: no rebuild can help, the rows of before stay and it keeps trying."""
    bench = Bench()
    async with bench.running():
        team, position = await bench.write_team()
        await bench.positions.wait(position, 5)
        orphan = Team.create(uuid4(), "orphan", at=START)
        orphan.collect_events()
        orphan.add_member("ann", at=START)
        await bench.store.append(append_of(pending(orphan)))
        await wait_until_async(lambda: bench.projector.faults >= 2, what="a second attempt")
    assert await bench.models.position() == position
    assert await bench.models.row("teams", {"id": str(team.id)}) is not None
    assert "could not be made anew" in caplog.text


async def test_one_of_two_runs() -> None:
    """The other asks again and again, and gets its turn."""
    bench = Bench()
    other = Bench(bench.store, bench.models)
    async with other.running():
        async with bench.running():
            await wait_until_async(lambda: other.projector.running, what="the other running")
            await anyio.wait_all_tasks_blocked()
            assert not bench.projector.running
        position = await bench.write_everything()
        await other.positions.wait(position, 5)
    assert other.projector.steps > 0
    assert bench.projector.steps == 0
