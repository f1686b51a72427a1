"""The projector on a real server: exactly once, one at a time, whatever is killed."""

from uuid import uuid4

import anyio
import pytest

from tests.golden.lives import LIVES
from tests.support.ports import wait_until_async
from tests.support.postgres import superuser
from tests.support.projection import a_projection, terminate, until_waiting
from tests.support.recording import append_of, pending
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.application.control.comparison import Comparison
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.projections.codec import EventCodec

HISTORY = """
    CREATE TABLE public.steps (number bigserial, before bigint, after bigint);
    CREATE FUNCTION public.note_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO public.steps (before, after) VALUES (OLD.notification_id, NEW.notification_id);
            RETURN NULL;
        END
    $$;
    CREATE TRIGGER note AFTER UPDATE ON public.warpdrive_tracking FOR EACH ROW EXECUTE FUNCTION public.note_step();
"""


async def test_a_write_is_in_the_read_models_soon(place: DatabasePlace) -> None:
    """Who waits for the position of a write reads it."""
    async with a_projection(place) as one:
        one.start()
        team, position = await one.write_team(members=3)
        await one.positions.wait(position, 5)
        assert await one.members(team.id) == ["m0", "m1", "m2"]
        assert await one.models.position() == position
        assert await one.differences() == []


async def test_a_step_that_loses_its_connection_is_applied_once(place: DatabasePlace) -> None:
    """Killed between the move of the position and its rows: neither is there, then both are, one time."""
    async with a_projection(place) as one, superuser(place, inside=True) as server:
        await server.execute(HISTORY)
        one.start()
        team, first = await one.write_team()
        await one.positions.wait(first, 5)
        async with server.transaction():
            await server.execute("LOCK TABLE read_model.team_members IN EXCLUSIVE MODE")
            second = await one.add_member(team, "ann")
            await until_waiting(place, "warpdrive projector")
            assert await terminate(place, "warpdrive projector") == 1
            await wait_until_async(lambda: one.projector.faults == 1, what="the loss being noticed")
            assert await one.models.position() == first
        await one.positions.wait(second, 5)
        assert await one.members(team.id) == ["ann"]
        steps = await server.fetch("SELECT before, after FROM public.steps ORDER BY number")
        assert [tuple(step) for step in steps] == [(0, first), (first, second)]


async def test_nothing_is_missed_or_repeated_while_connections_are_killed(place: DatabasePlace) -> None:
    """Each step begins where the one before ended, and the rows are what the events make."""
    async with a_projection(place) as one, superuser(place, inside=True) as server:
        await server.execute(HISTORY)
        one.start()
        team, position = await one.write_team()
        for number in range(60):
            position = await one.add_member(team, f"m{number:02}")
            if number % 12 == 0:
                await terminate(place, "warpdrive projector")
        await one.positions.wait(position, 10)
        assert await one.differences() == []
        steps = await server.fetch("SELECT before, after FROM public.steps ORDER BY number")
        assert [step["before"] for step in steps] == [0, *(step["after"] for step in steps[:-1])]
        assert steps[-1]["after"] == position


async def test_two_control_planes_have_one_projector_and_the_other_follows(place: DatabasePlace) -> None:
    """One runs, the other waits, and takes over within two seconds when the first ends."""
    async with a_projection(place) as one, a_projection(place) as other:
        ends = one.start()
        await wait_until_async(lambda: one.projector.running, what="the first running")
        other.start()
        _, position = await one.write_team()
        await other.positions.wait(position, 5)
        assert (one.projector.running, other.projector.running) == (True, False)
        assert other.projector.steps == 0
        ends.cancel()
        with anyio.fail_after(2):
            await wait_until_async(lambda: other.projector.running, what="the other running")
        assert not one.projector.running
        _, position = await other.write_team()
        await other.positions.wait(position, 5)
        assert other.projector.steps == 1
        assert await other.differences() == []


async def test_a_runner_that_lost_its_connection_is_followed_by_whoever_asks_first(place: DatabasePlace) -> None:
    """The lock goes with the connection; events go on being projected by one of the two."""
    async with a_projection(place) as one, a_projection(place) as other:
        one.start()
        await wait_until_async(lambda: one.projector.running, what="the first running")
        other.start()
        assert await terminate(place, "warpdrive projector") >= 1
        with anyio.fail_after(3):
            _, position = await other.write_team()
            await other.positions.wait(position, 3)
            await one.positions.wait(position, 3)
        await wait_until_async(lambda: one.projector.running != other.projector.running, what="one running")
        assert await other.differences() == []


async def test_it_goes_on_after_the_database_was_away(place: DatabasePlace) -> None:
    """Every connection is lost and none is made for a while; then it catches up."""
    async with a_projection(place) as one, superuser(place) as server:
        one.start()
        team, position = await one.write_team()
        await one.positions.wait(position, 5)
        await server.execute(f'ALTER DATABASE "{place.name}" ALLOW_CONNECTIONS false')
        try:
            # A superuser may not enter either: ended from the maintenance database.
            await server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", place.name
            )
            await wait_until_async(lambda: one.projector.faults >= 2, what="two attempts")
        finally:
            await server.execute(f'ALTER DATABASE "{place.name}" ALLOW_CONNECTIONS true')
        position = await one.add_member(team, "ann")
        await one.positions.wait(position, 10)
        assert await one.members(team.id) == ["ann"]


async def test_it_stops_within_a_second_in_the_middle_of_a_step(place: DatabasePlace) -> None:
    """A step that waits in the server is given up; nothing of it stays."""
    async with a_projection(place) as one, superuser(place, inside=True) as server:
        ends = one.start()
        async with server.transaction():
            await server.execute("LOCK TABLE read_model.teams IN EXCLUSIVE MODE")
            await one.write_team()
            await until_waiting(place, "warpdrive projector")
            ends.cancel()
            with anyio.fail_after(1):
                await wait_until_async(lambda: not one.projector.running, what="the projector's end")
        assert await one.models.position() == 0


async def test_another_process_waits_for_what_it_wrote(place: DatabasePlace) -> None:
    """Where no projector runs, waiting looks at the tracking row; and ends at the deadline with what was reached."""
    async with a_projection(place) as worker, a_projection(place) as api:
        _, first = await api.write_team()
        with pytest.raises(NotCaughtUp) as late:
            await api.positions.wait(first, 0.3)
        assert (late.value.wanted, late.value.reached) == (first, 0)
        worker.start()
        async with anyio.create_task_group() as waiters:
            for _ in range(20):
                waiters.start_soon(api.positions.wait, first, 5)
        team, second = await api.write_team(members=1)
        await api.positions.wait(second, 5)
        assert await api.members(team.id) == ["m0"]
        assert api.projector.steps == 0


async def test_rows_that_do_not_fit_the_events_are_made_anew(place: DatabasePlace) -> None:
    """Somebody deleted a row behind our back: the next event of its stream brings a rebuild, and then itself."""
    async with a_projection(place) as one, superuser(place, inside=True) as server:
        one.start()
        team, position = await one.write_team(members=1)
        await one.positions.wait(position, 5)
        await server.execute("DELETE FROM read_model.teams")
        position = await one.add_member(team, "zoe")
        await one.positions.wait(position, 10)
        assert await one.members(team.id) == ["m0", "zoe"]
        assert await one.differences() == []
        assert one.projector.faults == 1


async def test_rows_are_right_after_every_single_event(place: DatabasePlace) -> None:
    """Every event of every aggregate, each in a step of its own, as the background check sees it."""
    async with a_projection(place) as one:
        comparison = Comparison(one.store, one.models, EventCodec(), below=lambda most: most - 1)
        one.start()
        for life in LIVES.values():
            stream, events = uuid4(), pending(life())
            for event in events:
                receipt = await one.store.append(append_of([event], stream=stream))
                await one.positions.wait(receipt.position, 5)
                assert not await comparison.check_one()
        assert comparison.checked == one.projector.steps
        assert await one.differences() == []


async def test_a_row_that_somebody_changed_is_found(place: DatabasePlace) -> None:
    """By the background check, which changes nothing."""
    async with a_projection(place) as one, superuser(place, inside=True) as server:
        one.start()
        team, position = await one.write_team(members=2)
        await one.positions.wait(position, 5)
        comparison = Comparison(one.store, one.models, EventCodec(), below=lambda most: most - 1)
        assert not await comparison.check_one()
        await server.execute("UPDATE read_model.teams SET name = 'other'")
        await server.execute("DELETE FROM read_model.team_members WHERE principal = 'm1'")
        found = [str(each) for each in await comparison.check_one()]
        assert found == [f"team_members {team.id}/m1: the row is missing", f"teams {team.id}: name differs"]
        assert (comparison.checked, comparison.differing) == (2, 1)
