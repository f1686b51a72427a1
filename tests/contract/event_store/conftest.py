"""Both event stores, each behind the same factory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.support.appends import Store
from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.migrating import migrate

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["memory", "postgres"])
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Open an empty store of one kind for a block."""

    @asynccontextmanager
    async def memory() -> AsyncIterator[Store]:
        yield MemoryEventStore()

    if request.param == "memory":
        return memory

    fresh_database: FreshDatabase = request.getfixturevalue("fresh_database")

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Store]:
        place = await fresh_database()
        await migrate(place)
        async with open_event_store(place) as store:
            yield store

    return postgres
