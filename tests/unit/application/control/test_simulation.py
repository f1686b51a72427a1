"""What limits would have done to a team, from what is recorded."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from tests.support.filled_warehouse import PlainBackend, PlainCrawl, PlainFacts, PlainLedger, PlainObject, fill_memory
from tests.support.memory_plane import MemoryPlane
from warpdrive.adapters.store.memory.warehouse import LedgerCounts
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.domain.quota.errors import InvalidLimits
from warpdrive.domain.quota.history import Crossing
from warpdrive.domain.quota.values import QuotaLimits, Standing

TODAY = datetime(2023, 11, 14, tzinfo=UTC).date()
"""Of the memory plane's clock."""

HALF = 51


async def story() -> MemoryPlane:
    """Vision and audio share 101 bytes; vision alone grew from 10 over 30 to 20, and 5 went to it from nobody."""
    # Vision's id is the smaller one: the odd byte of what is shared is its own.
    numbers = count(1)
    on = MemoryPlane(new_id=lambda: UUID(int=next(numbers)))
    ids = [(await on.plane.teams.ensure(on.call(), name, [], [])).value.id for name in ("vision", "audio")]
    both, vision = tuple(sorted(ids)), (ids[0],)

    def day(back: int, owners: tuple[str, ...], **counts: int) -> PlainLedger:
        return PlainLedger(TODAY - timedelta(days=back), "lake", owners, LedgerCounts(**counts))

    facts = PlainFacts(
        backends=[PlainBackend("lake"), PlainBackend("pool")],
        objects=[
            PlainObject("lake", "both", 101, owners=both),
            PlainObject("lake", "a", 20, owners=vision),
            PlainObject("lake", "b", 5, owners=vision, storage_class="COLD"),
            PlainObject("pool", "c", 1000, owners=vision),
        ],
        ledger=[
            day(9, vision, added_bytes=10),
            day(4, both, added_bytes=101),
            day(3, vision, added_bytes=15, changed_bytes=5),
            day(2, vision, removed_bytes=10, changed_bytes=-3, added_bytes=3),
            day(1, vision, moved_bytes=5),
            PlainLedger(TODAY - timedelta(days=1), "pool", vision, LedgerCounts(added_bytes=1000)),
        ],
        crawls=[PlainCrawl("lake"), PlainCrawl("pool")],
    )
    fill_memory(on.warehouse, facts)
    return on


async def test_a_teams_days_are_replayed_with_its_share() -> None:
    """Half of what it owns with another, what came, went, grew and changed hands; written is what came and grew."""
    on = await story()
    limits = QuotaLimits(60, 75, 86_400)
    done = await on.plane.simulation.run(on.call(), "vision", "lake", limits, days=10)
    history = done.value.history
    assert history.crossings == (
        Crossing(TODAY - timedelta(days=4), "soft_crossed", 10 + HALF),
        Crossing(TODAY - timedelta(days=3), "grace_ended", 10 + HALF),
        Crossing(TODAY - timedelta(days=3), "hard_crossed", 30 + HALF),
        Crossing(TODAY - timedelta(days=1), "hard_crossed", 25 + HALF),
    )
    assert (history.days_warned, history.days_refused, history.refused_bytes) == (1, 4, 20 + 3)
    assert (history.highest, history.now, history.standing_now) == (30 + HALF, 25 + HALF, Standing.EXCEEDED)
    assert [mark.name for mark in done.value.as_of.crawls] == ["lake"]
    assert done.position == done.value.as_of.position


async def test_all_backends_together_are_all_of_it() -> None:
    """And a window that begins later begins with what was there by then."""
    on = await story()
    history = (await on.plane.simulation.run(on.call(), "vision", "*", QuotaLimits(1000, 5000), days=1)).value.history
    assert history.now == history.highest == 1025 + HALF
    assert [(each.day, each.what) for each in history.crossings] == [(TODAY, "soft_crossed")]


async def test_a_simulation_writes_nothing() -> None:
    """It is a question."""
    on = await story()
    before = await on.store.head()
    await on.plane.simulation.run(on.call(), "audio", "lake", QuotaLimits(1, 1), days=90)
    assert await on.store.head() == before


async def test_what_nobody_knows_is_refused() -> None:
    """A team, a backend, a number of days, limits."""
    on = await story()
    run = on.plane.simulation.run
    with pytest.raises(NotFound, match="team"):
        await run(on.call(), "nobody", "lake", QuotaLimits(1, 1), days=1)
    with pytest.raises(NotFound, match="backend"):
        await run(on.call(), "vision", "sea", QuotaLimits(1, 1), days=1)
    for days in (0, 3651):
        with pytest.raises(Malformed, match="days"):
            await run(on.call(), "vision", "lake", QuotaLimits(1, 1), days=days)
    with pytest.raises(InvalidLimits):
        await run(on.call(), "vision", "lake", QuotaLimits(2, 1), days=1)
