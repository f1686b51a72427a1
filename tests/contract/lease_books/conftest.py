"""Lease books of both kinds on one filled warehouse each, behind the same face."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.support.filled_warehouse import PlainFacts, empty_postgres, fill_memory, fill_postgres
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.lease_books import PostgresLeaseBooks
from warpdrive.adapters.store.memory.lease_books import MemoryLeaseBooks, MemoryUsageBooks
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.adapters.store.usage_books import PostgresUsageBooks
from warpdrive.application.ports.lease_books import LeaseBooks, UsageBooks


@dataclass(frozen=True)
class Kept:
    """Books, and a way to put what they are about in place of what was there."""

    leases: LeaseBooks
    usage: UsageBooks
    fill: Callable[[PlainFacts], Awaitable[None]]


@pytest.fixture(params=["memory", "postgres"])
async def kept(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[Kept]:
    """Open empty ones."""
    if request.param == "memory":
        warehouse = Warehouse()

        async def fill(facts: PlainFacts) -> None:
            warehouse.backends.clear()
            warehouse.objects.clear()
            warehouse.crawls.clear()
            fill_memory(warehouse, facts)

        yield Kept(MemoryLeaseBooks(warehouse), MemoryUsageBooks(warehouse), fill)
        return
    place = await migrated_database()
    async with open_pool(place, Role.APP, min_size=1, max_size=8, application_name="tests") as pool:
        questions = Questions(pool)
        yield Kept(
            PostgresLeaseBooks(questions), PostgresUsageBooks(place, questions), lambda facts: _refill(place, facts)
        )


async def _refill(place: DatabasePlace, facts: PlainFacts) -> None:
    async with superuser(place, inside=True) as connection:
        await empty_postgres(connection)
        await fill_postgres(connection, facts)
