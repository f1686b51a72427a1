"""Objects follow teams, rules and mount entries: in the background, and through a break in the middle."""

import pytest

from tests.support.indexing import Indexing
from warpdrive.application.control import attributing as module
from warpdrive.application.control.attributing import Attributing
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.application.ports.storage_index import OwnerIndex


async def test_objects_follow_rules_and_names_change_nothing(indexing: Indexing) -> None:
    """A rule that comes or goes moves its objects in the day's ledger; a renamed team keeps all of its own."""
    await indexing.mount("/d", "data", bucket="b")
    for key in ("a/1", "a/2", "b/3"):
        await indexing.put("b", key, 10)
    await indexing.crawl()
    indexing.clock.advance(86_400)
    red = await indexing.team("red", ("data", "a/"))
    await indexing.work()
    assert await indexing.capacity() == {("data", ()): (1, 10), ("data", (red,)): (2, 20)}
    rows = {row.owners: row for row in await indexing.facts.ledger(indexing.now().date())}
    assert (rows[(red,)].moved_objects, rows[(red,)].moved_bytes) == (2, 20)
    assert (rows[()].moved_objects, rows[()].moved_bytes) == (-2, -20)
    position = (await indexing.facts.marks()).attributed_position
    assert position > 0

    await indexing.rename("red", "crimson")
    await indexing.work()
    assert await indexing.capacity() == {("data", ()): (1, 10), ("data", (red,)): (2, 20)}
    assert (await indexing.facts.marks()).attributed_position > position, "it moves on without changes, too"
    blue = await indexing.team("blue", ("*", "a/"), ("data", "a/"))
    await indexing.work()
    both = tuple(sorted((red, blue)))
    assert await indexing.capacity() == {("data", ()): (1, 10), ("data", both): (2, 20)}
    await indexing.disband("crimson")
    await indexing.work()
    assert await indexing.capacity() == {("data", ()): (1, 10), ("data", (blue,)): (2, 20)}
    await indexing.mount("/e", "inner", bucket="b", prefix="a/")
    await indexing.unmount("/d")
    await indexing.work()
    # The rule to "data" speaks of a backend that is there no more, the one to all of "a/" below "inner".
    assert await indexing.capacity() == {("data", ()): (1, 10), ("inner", ()): (2, 20)}
    await indexing.check_sums()


async def test_a_break_in_the_middle_is_made_good(indexing: Indexing, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was moved before a break is gone over, also when the decision was taken back meanwhile."""
    monkeypatch.setattr(module, "MOVED_AT_ONCE", 2)
    await indexing.mount("/d", "data", bucket="b")
    for number in range(6):
        await indexing.put("b", f"a/{number}", 1)
    await indexing.crawl()
    team = await indexing.team("red", ("data", "a/"))
    async with indexing.index.running() as writer:
        assert writer is not None
        with pytest.raises(StoreUnavailable):
            await Attributing(_broken_after_a_move(writer.owners, monkeypatch), indexing.clock).catch_up()
    monkeypatch.undo()
    assert await indexing.capacity() == {("data", ()): (4, 4), ("data", (team,)): (2, 2)}
    await indexing.check_sums()
    await indexing.disband("red")
    await indexing.work()
    assert await indexing.capacity() == {("data", ()): (6, 6)}
    await indexing.check_sums()


def _broken_after_a_move(owners: OwnerIndex, monkeypatch: pytest.MonkeyPatch) -> OwnerIndex:
    real, calls = owners.move, iter(range(2))

    async def move(*given: object, **named: object) -> str | None:
        if next(calls):
            raise StoreUnavailable("away")
        return await real(*given, **named)  # type: ignore[arg-type] # handed on

    monkeypatch.setattr(owners, "move", move)
    return owners
