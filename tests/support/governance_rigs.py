"""Rigs for governance stories: one on memory twins, one on a migrated database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.support.governance_rig import GovernanceRig
from tests.support.memory_plane import MemoryPlane
from tests.support.postgres_plane import postgres_plane
from warpdrive.adapters.store.agents import PostgresAgentRegister
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.adapters.store.index.runner import PostgresStorageIndex
from warpdrive.adapters.store.ingest import open_batch_intake
from warpdrive.adapters.store.memory.batch_intake import MemoryBatchIntake
from warpdrive.adapters.store.memory.crawl_register import MemoryCrawlRegister
from warpdrive.adapters.store.memory.lease_books import MemoryUsageBooks
from warpdrive.adapters.store.memory.reader_shares import MemoryReaderCounting
from warpdrive.adapters.store.memory.storage_index import MemoryStorageIndex
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.adapters.store.reader_counting import PostgresReaderCounting
from warpdrive.adapters.store.usage_books import PostgresUsageBooks
from warpdrive.application.control.commands import Commands
from warpdrive.application.control.observing import QuotaObserver
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.control.streams import Streams
from warpdrive.application.ports.batch_intake import BatchIntake
from warpdrive.application.projections.codec import EventCodec


async def memory_rig() -> GovernanceRig:
    """Make one in memory, begun."""
    on = MemoryPlane()
    codec = EventCodec()
    commands = Commands(on.store, Streams(on.store, on.store, codec), on.store, codec)
    intake = MemoryBatchIntake(on.warehouse)

    async def the_same() -> BatchIntake:
        return intake

    rig = GovernanceRig(
        plane=on.plane,
        call=on.call,
        project=on.project,
        clock=on.clock,
        store=on.store,
        register=MemoryCrawlRegister(on.warehouse, on.models),
        index=MemoryStorageIndex(on.warehouse, on.models),
        intake=intake,
        fresh_intake=the_same,
        agents=on.register,
        counting=MemoryReaderCounting(on.warehouse, on.models),
        observer=QuotaObserver(MemoryUsageBooks(on.warehouse), on.models, commands, on.clock),
        rebuilding=Rebuilding(on.store, on.models, codec),
    )
    await rig.begin()
    return rig


@asynccontextmanager
async def postgres_rig(place: DatabasePlace, *, begun: bool = True) -> AsyncIterator[GovernanceRig]:
    """Open one on a migrated database, with nothing in it unless it is `begun`."""
    async with (
        postgres_plane(place) as on,
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool,
        AsyncExitStack() as intakes,
    ):
        asked, codec = Questions(pool), EventCodec()
        models, store = PostgresReadModels(asked), on.store
        commands = Commands(store, Streams(store, store, codec), store, codec)

        async def fresh() -> BatchIntake:
            await intakes.aclose()
            return await intakes.enter_async_context(open_batch_intake(place))

        rig = GovernanceRig(
            plane=on.plane,
            call=on.call,
            project=on.project,
            clock=on.clock,
            store=store,
            register=PostgresCrawlRegister(asked),
            index=PostgresStorageIndex(place),
            intake=await fresh(),
            fresh_intake=fresh,
            agents=PostgresAgentRegister(asked),
            counting=PostgresReaderCounting(place),
            observer=QuotaObserver(PostgresUsageBooks(place, asked), models, commands, on.clock),
            rebuilding=Rebuilding(store, on.writer, codec),
        )
        if begun:
            await rig.begin()
        yield rig
