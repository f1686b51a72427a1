"""How the read models are written: steps, one runner, rebuilds."""

import anyio
import anyio.lowlevel
import pytest

from tests.contract.read_models.conftest import Kept
from warpdrive.application.ports.read_models import (
    PatchRow,
    ProjectionConflict,
    PutRow,
    RebuildUnderWay,
    RemoveRow,
    RowChange,
    RowMissing,
)


def member(principal: str) -> dict[str, str]:
    """Make a row that is all key."""
    return {"team_id": "1", "principal": principal}


def rate(amount: str, day: str = "2026-01-01") -> dict[str, str]:
    """Make a row with a key of four columns and three others."""
    key = {"book_id": "1", "backend": "s3", "storage_class": "hot", "valid_from": day}
    return {**key, "per_gib_month": amount, "per_1000_requests": "0", "per_gib_egress": "0"}


def key_of(day: str) -> dict[str, str]:
    """Name such a row."""
    return {"book_id": "1", "backend": "s3", "storage_class": "hot", "valid_from": day}


async def members(kept: Kept) -> list[str]:
    """Read who is there."""
    return [row["principal"] for row in await kept.models.rows("team_members", order=("principal",))]


async def amounts(kept: Kept) -> list[str]:
    """Read what things cost."""
    return [row["per_gib_month"] for row in await kept.models.rows("prices", order=("valid_from",))]


async def test_a_step_applies_its_changes_in_their_order(kept: Kept) -> None:
    """Also when one row is put, patched, removed and put again in one step."""
    async with kept.writer.running() as target:
        assert target is not None
        changes: list[RowChange] = [
            PutRow("prices", rate("1")),
            PatchRow("prices", key_of("2026-01-01"), {"per_gib_month": "2"}),
            PutRow("prices", rate("3", "2026-02-01")),
            RemoveRow("prices", key_of("2026-02-01")),
            PutRow("prices", rate("4", "2026-02-01")),
            PutRow("prices", rate("5", "2026-03-01")),
            RemoveRow("prices", key_of("2026-03-01")),
            RemoveRow("prices", key_of("2026-04-01")),
        ]
        await target.apply(changes, position=5)
        assert await amounts(kept) == ["2", "4"]
        patches = [
            PatchRow("prices", key_of("2026-01-01"), {"per_gib_month": "6"}),
            PatchRow("prices", key_of("2026-02-01"), {"per_gib_month": "7", "per_gib_egress": "8"}),
            PatchRow("prices", key_of("2026-01-01"), {"per_gib_egress": "9"}),
        ]
        await target.apply(patches, position=6)
    assert await amounts(kept) == ["6", "7"]
    assert [row["per_gib_egress"] for row in await kept.models.rows("prices", order=("valid_from",))] == ["9", "8"]


async def test_a_step_moves_the_position_also_without_changes(kept: Kept) -> None:
    """Events that concern no row are behind it all the same."""
    async with kept.writer.running() as target:
        assert target is not None
        await target.apply([], position=3)
        await target.apply([], position=900)
        assert await target.position() == 900
    assert await kept.models.position() == 900


@pytest.mark.parametrize("position", [4, 5])
async def test_no_step_is_applied_twice(kept: Kept, position: int) -> None:
    """A position that was reached already refuses the step, and nothing of it is written."""
    async with kept.writer.running() as target:
        assert target is not None
        await target.apply([PutRow("team_members", member("ann"))], position=5)
        with pytest.raises(ProjectionConflict):
            await target.apply([PutRow("team_members", member("bob"))], position=position)
        assert await members(kept) == ["ann"]
        await target.apply([PutRow("team_members", member("bob"))], position=6)
    assert await members(kept) == ["ann", "bob"]


async def test_a_patch_without_a_row_refuses_the_whole_step(kept: Kept) -> None:
    """Nothing of it is written, the position stays, and the error names the row."""
    async with kept.writer.running() as target:
        assert target is not None
        await target.apply([PutRow("prices", rate("1"))], position=1)
        changes: list[RowChange] = [
            PutRow("team_members", member("ann")),
            PatchRow("prices", key_of("2026-01-01"), {"per_gib_month": "2"}),
            PatchRow("prices", key_of("2026-09-01"), {"per_gib_month": "2"}),
        ]
        with pytest.raises(RowMissing) as refused:
            await target.apply(changes, position=2)
        assert (refused.value.table, refused.value.key) == ("prices", key_of("2026-09-01"))
        assert await target.position() == 1
        await target.apply([], position=2)
    assert await members(kept) == []
    assert await amounts(kept) == ["1"]


async def test_one_runs_at_a_time(kept: Kept) -> None:
    """Another gets nothing, until the first has ended."""
    async with kept.writer.running() as first:
        assert first is not None
        async with kept.writer.running() as second:
            assert second is None
    async with kept.writer.running() as third:
        assert third is not None


async def test_a_rebuild_is_made_beside_and_swapped_in(kept: Kept) -> None:
    """Queries see the old rows until the swap and only the new ones after it."""
    async with kept.writer.running() as live:
        assert live is not None
        await live.apply([PutRow("team_members", member("old"))], position=5)
        async with kept.writer.rebuilding() as beside:
            assert await beside.position() == 0
            await beside.apply([PutRow("team_members", member("new"))], position=4)
            assert await members(kept) == ["old"]
            await kept.writer.swap_in(
                beside, lambda: beside.apply([PutRow("team_members", member("newer"))], position=8)
            )
        assert (await members(kept), await kept.models.position()) == (["new", "newer"], 8)
        # The runner went on from 5: what it would apply next may be in the new tables already.
        with pytest.raises(ProjectionConflict):
            await live.apply([PutRow("team_members", member("late"))], position=9)
        assert await live.position() == 8
        await live.apply([PutRow("team_members", member("next"))], position=9)
    assert await members(kept) == ["new", "newer", "next"]


async def test_a_rebuild_that_ends_early_leaves_everything_as_it_was(kept: Kept) -> None:
    """And the next one begins with nothing."""
    async with kept.writer.running() as live:
        assert live is not None
        await live.apply([PutRow("team_members", member("old"))], position=5)
    async with kept.writer.rebuilding() as beside:
        await beside.apply([PutRow("team_members", member("new"))], position=4)
    assert (await members(kept), await kept.models.position()) == (["old"], 5)
    async with kept.writer.rebuilding() as again:
        assert await again.position() == 0
        await again.apply([], position=5)
        await kept.writer.swap_in(again, anyio.lowlevel.checkpoint)
    assert (await members(kept), await kept.models.position()) == ([], 5)


async def test_tables_that_are_behind_are_not_swapped_in(kept: Kept) -> None:
    """Nobody would see again what they saw before; the live ones stay."""
    async with kept.writer.running() as live:
        assert live is not None
        await live.apply([PutRow("team_members", member("old"))], position=5)
        async with kept.writer.rebuilding() as beside:
            await beside.apply([PutRow("team_members", member("new"))], position=3)
            with pytest.raises(ProjectionConflict):
                await kept.writer.swap_in(beside, lambda: beside.apply([], position=4))
        await live.apply([PutRow("team_members", member("other"))], position=6)
    assert (await members(kept), await kept.models.position()) == (["old", "other"], 6)


async def test_live_tables_stand_still_while_the_rebuilt_ones_catch_up(kept: Kept) -> None:
    """A step that comes then waits, and is a conflict after the swap: it may be in the new tables already."""
    async with kept.writer.running() as live, kept.writer.rebuilding() as beside, anyio.create_task_group() as tasks:
        assert live is not None
        await live.apply([PutRow("team_members", member("old"))], position=5)
        refused = anyio.Event()

        async def step() -> None:
            with pytest.raises(ProjectionConflict):
                await live.apply([PutRow("team_members", member("late"))], position=6)
            refused.set()

        async def catch_up() -> None:
            tasks.start_soon(step)
            for _ in range(20):
                await kept.models.position()  # time for the step to be taken, if it could be
            assert (await members(kept), await kept.models.position()) == (["old"], 5)
            await beside.apply([PutRow("team_members", member("new"))], position=7)

        await kept.writer.swap_in(beside, catch_up)
        await refused.wait()
    assert (await members(kept), await kept.models.position()) == (["new"], 7)


async def test_one_rebuild_at_a_time(kept: Kept) -> None:
    """The second is told, and takes nothing away from the first."""
    async with kept.writer.rebuilding() as first:
        await first.apply([PutRow("team_members", member("new"))], position=4)
        with pytest.raises(RebuildUnderWay):
            async with kept.writer.rebuilding():
                raise AssertionError("there must be no second")
        await kept.writer.swap_in(first, anyio.lowlevel.checkpoint)
    assert await members(kept) == ["new"]
