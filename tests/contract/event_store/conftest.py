"""Both event stores, each behind the same factory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.support.appends import Store
from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.store.memory.event_store import MemoryEventStore

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["memory", "postgres"])
def open_store(request: pytest.FixtureRequest) -> OpenStore:
    """Open an empty store of one kind for a block."""

    @asynccontextmanager
    async def memory() -> AsyncIterator[Store]:
        yield MemoryEventStore()

    if request.param == "memory":
        return memory

    migrated_database: FreshDatabase = request.getfixturevalue("migrated_database")

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Store]:
        async with open_event_store(await migrated_database()) as store:
            yield store

    return postgres
