"""The quota observer on a real database: crawls, settled leases and new owners reach quotas by themselves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import anyio

from tests.support.filled_warehouse import (
    PlainBackend,
    PlainCrawl,
    PlainFacts,
    PlainObject,
    empty_postgres,
    fill_postgres,
)
from tests.support.manual_clock import ManualClock
from tests.support.postgres import FreshDatabase, superuser
from tests.support.postgres_plane import PostgresPlane, postgres_plane
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.adapters.store.usage_books import PostgresUsageBooks
from warpdrive.application.control.observing import ACTOR, QuotaObserver
from warpdrive.application.control.views import QuotaView
from warpdrive.application.ports.clock import Clock
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.entrypoints.control.deciding import deciding

LAKE = BackendDefinition("lake", "local", {"root": "/lake"})


async def until(ask: Callable[[], Awaitable[QuotaView]], wanted: Callable[[QuotaView], bool]) -> QuotaView:
    """Ask until the answer is as wanted."""
    with anyio.fail_after(20):
        while True:
            view = await ask()
            if wanted(view):
                return view
            await anyio.sleep(0.05)


async def index(place: DatabasePlace, facts: PlainFacts) -> None:
    """Put an index in place of what there is."""
    async with superuser(place, inside=True) as connection:
        await empty_postgres(connection)
        await fill_postgres(connection, facts)


@asynccontextmanager
async def observing(place: DatabasePlace, clock: Clock) -> AsyncIterator[None]:
    """Run an observer, as a worker does, for the block."""
    async with (
        deciding(place) as commands,
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool,
        anyio.create_task_group() as tasks,
    ):
        questions = Questions(pool)
        books = PostgresUsageBooks(place, questions)
        tasks.start_soon(QuotaObserver(books, PostgresReadModels(questions), commands, clock, look_s=0.05).run)
        yield
        tasks.cancel_scope.cancel()


async def test_quotas_are_told_what_teams_hold(migrated_database: FreshDatabase) -> None:
    """After a crawl, after a lease was settled, and when another crawl began meanwhile; each once, by the observer."""
    place = await migrated_database()
    async with postgres_plane(place) as on, observing(place, ManualClock()):
        await on.plane.namespaces.create(on.call(), "training", [MountEntry("/", LAKE)])
        team = (await on.plane.teams.ensure(on.call(), "vision", [], [OwnershipRule("lake", "v/")])).value.id
        await on.plane.quotas.set(on.call(), "vision", "lake", QuotaLimits(100, 1000))

        async def shown() -> QuotaView:
            await on.project()
            return (await on.plane.quotas.get(on.call(), "vision", "lake")).value

        assert (await shown()).standing == "unknown"
        facts = PlainFacts([PlainBackend("lake", LAKE.place)], [PlainObject("lake", "v/a", 70, owners=(team,))])
        facts.crawls.append(PlainCrawl("lake"))
        await index(place, facts)
        assert (await until(shown, lambda view: view.usage is not None)).usage == 70

        lease = await on.plane.leases.acquire(on.call(), "node-1", backend="lake", key="v/b", wanted=900)
        assert (lease.value.bytes, lease.value.teams, lease.value.warned) == (900, ("vision",), True)
        await on.plane.leases.settle(on.call(), "node-1", UUID(lease.value.id), used=60)
        warned = await until(shown, lambda view: view.usage == 130)
        assert warned.standing == "warned"
        assert warned.grace_until is not None

        facts.objects.append(replace(facts.objects[0], key="v/b", size=50))
        facts.crawls.append(PlainCrawl("lake", 2))
        await index(place, facts)
        assert (await until(shown, lambda view: view.usage == 120)).standing == "warned"
        facts.objects[0] = replace(facts.objects[0], owners=())
        facts.crawls.append(PlainCrawl("lake", 3))
        await index(place, facts)
        assert (await until(shown, lambda view: view.usage == 50)).standing == "ok"
        assert await _observed(on) == ["UsageObserved", "SoftLimitCrossed", "UsageObserved", "Recovered"]


async def _observed(on: PostgresPlane) -> list[str]:
    events = await on.store.read(0, 1000)
    return [event.topic.partition(":")[2].partition(".")[0] for event in events if event.actor == ACTOR]
