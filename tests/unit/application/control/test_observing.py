"""The observer: quotas hear what their teams hold, once, and so do the nodes that watch."""

import logging
from dataclasses import replace
from uuid import UUID

import anyio
import pytest

from tests.support.memory_plane import ADMIN
from tests.support.ports import wait_until_async
from tests.support.quota_story import QuotaStory
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.application.control.observing import ACTOR, QuotaObserver
from warpdrive.application.control.views import QuotaView, WatchChange
from warpdrive.application.ports.event_store import Append, CommandFacts, NewEvent, StoreUnavailable
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.values import LARGEST


async def test_usage_is_unknown_until_a_crawl_has_completed() -> None:
    """A quota on all backends knows what the first completed crawl of any has counted."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 20)
    await story.limit("vision", 10, 20, backend="*")
    await story.limit("vision", 10, 20, backend="sea")
    story.crawl(state="running")
    assert await story.observer.observe() == 0
    story.crawl(("vision", 5))
    assert await story.observer.observe() == 2
    assert [(await story.quota("vision", each)).usage for each in ("lake", "*", "sea")] == [5, 5, None]


async def test_crossings_are_decided_logged_and_recorded_as_the_observers(caplog: pytest.LogCaptureFixture) -> None:
    """Soft, hard, recovered: an event by the observer and a line for the operator each."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 20)
    with caplog.at_level(logging.INFO, logger="warpdrive.application.control.observing"):
        for usage, standing in ((11, "warned"), (21, "exceeded"), (10, "ok")):
            story.crawl(("vision", usage))
            await story.observer.observe()
            assert (await story.quota("vision")).standing == standing
    assert await story.told() == ["Defined", "SoftLimitCrossed", "HardLimitCrossed", "Recovered"]
    assert {event.actor for event in (await story.on.events())[-3:]} == {ACTOR}
    soft, hard, recovered = caplog.messages
    assert "vision is over its soft limit on backend lake: 11 bytes of 10, tolerated until 2023-11-14T22:" in soft
    assert "over its hard limit on backend lake: 21 bytes of 20" in hard
    assert "within its limits on backend lake again: 10 bytes" in recovered


async def test_what_is_known_is_no_news() -> None:
    """Rounds without a change write nothing, and two observers at once write what one would."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 20)
    story.crawl(("vision", 5))
    rows = await story.on.models.rows("quotas", order=("id",))
    assert await story.observer.observe() == 1
    assert await story.observer.observe() == 0
    head = await story.on.store.head()
    await story.observer._tell(rows[0], 5, "vision")
    assert await story.on.store.head() == head


async def test_a_usage_that_was_before_is_told_again() -> None:
    """Up and down again within one crawl's time is two changes."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 100, 200)
    story.crawl(("vision", 5))
    await story.observer.observe()
    lease = await story.acquire("v/", 7)
    await story.on.plane.leases.settle(story.on.call(), "node-1", UUID(lease.id), used=7)
    await story.observer.observe()
    assert (await story.quota("vision")).usage == 12
    story.crawl(("vision", 5))
    await story.observer.observe()
    assert (await story.quota("vision")).usage == 5


async def test_a_node_that_claims_too_much_breaks_nothing() -> None:
    """Its team is beyond every limit then, and an operator sees by which lease."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 20)
    story.crawl(("vision", 5))
    lease = await story.acquire("v/", 1)
    await story.on.plane.leases.settle(story.on.call(), "node-1", UUID(lease.id), used=LARGEST)
    assert await story.observer.observe() == 1
    assert (await story.quota("vision")).usage == LARGEST
    with pytest.raises(QuotaRefused):
        await story.acquire("v/", 1)


async def test_a_quota_that_newer_software_wrote_keeps_nobody_else_from_being_told() -> None:
    """In the middle of an upgrade."""
    story = QuotaStory()
    await story.begin(vision=["v/"], audio=["a/"])
    await story.limit("vision", 10, 20)
    await story.limit("audio", 10, 20)
    stream = Quota.id_of(UUID(story.teams["vision"]), "lake")
    newer = NewEvent(stream, 2, "warpdrive.quota:Praised.v1", b"{}")
    facts = CommandFacts(UUID(int=99), bytes(32), "token:x")
    await MemoryEventStore.append(story.on.store, Append(facts, stream, 2, [newer]))
    story.crawl(("vision", 5), ("audio", 6))
    await story.observer.observe()
    assert [(await story.quota(team)).usage for team in ("vision", "audio")] == [None, 6]


async def test_neither_removed_quotas_nor_ended_teams_are_told() -> None:
    """Nobody is limited by them; one that is set again knows nothing until it is told."""
    story = QuotaStory()
    await story.begin(vision=["v/"], audio=["a/"])
    for team in ("vision", "audio"):
        await story.limit(team, 10, 20)
    story.crawl(("vision", 5), ("audio", 6))
    await story.on.plane.quotas.delete(story.on.call(), "vision", "lake")
    await story.on.plane.teams.disband(story.on.call(), "audio")
    assert await story.observer.observe() == 0
    await story.limit("vision", 10, 20)
    assert await story.observer.observe() == 1
    assert (await story.quota("vision")).usage == 5


async def test_watching_nodes_hear_of_what_was_observed() -> None:
    """An agent learns of its team's standing without asking."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 20)
    watch = story.on.plane.watch
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        async with watch.following(story.on.call(ADMIN), "node-1", "training", 0) as changes:
            with anyio.fail_after(5):
                while (await anext(changes)).change is not None:
                    pass
                story.crawl(("vision", 15))
                await story.observer.observe()
                change: WatchChange = await anext(changes)
        tasks.cancel_scope.cancel()
    assert isinstance(change.change, QuotaView)
    assert (change.change.usage, change.change.standing, change.change.team) == (15, "warned", "vision")


async def test_it_runs_by_itself_and_outlives_a_store_that_is_away() -> None:
    """One observes, another waits for its turn; changes are seen without being told of."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 20)
    story.crawl(("vision", 5))
    second = QuotaObserver(story.books, story.on.models, story.observer._commands, story.on.clock, look_s=0.01)

    async def observed(usage: int) -> None:
        def there() -> bool:
            rows = story.on.warehouse.counted
            return rows.get((story.teams["vision"], "lake")) == usage

        await wait_until_async(there, within=5)
        with anyio.fail_after(5):
            while (await story.quota("vision")).usage != usage:  # noqa: ASYNC110 - nobody tells; bounded above
                await anyio.sleep(0.01)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(story.observer.run)
        tasks.start_soon(second.run)
        await observed(5)
        story.crawl(("vision", 6))
        await observed(6)
        story.on.store.fault = StoreUnavailable("away")
        story.crawl(("vision", 7))
        await wait_until_async(lambda: story.on.warehouse.counted[story.teams["vision"], "lake"] == 7, within=5)
        story.on.store.fault = None
        await observed(7)
        tasks.cancel_scope.cancel()
    assert (await story.told()).count("UsageObserved") == 3


async def test_leases_that_ended_long_ago_are_forgotten() -> None:
    """A day is left to settle late."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    lease = await story.acquire("v/", 1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(story.observer.run)
        story.on.clock.advance(86_400)
        await wait_until_async(lambda: story.books._observing, within=5)
        settled = await story.on.plane.leases.settle(story.on.call(), "node-1", UUID(lease.id), used=1)
        assert settled.value == replace(lease, settled_bytes=1, state="settled")
        story.on.clock.advance(2 * 86_400)
        await wait_until_async(lambda: not story.on.warehouse.leases, within=5)
        tasks.cancel_scope.cancel()
