"""Counting on PostgreSQL while a crawl begins: what is counted is what was there before it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from tests.support.filled_warehouse import (
    PlainBackend,
    PlainCrawl,
    PlainFacts,
    PlainObject,
    empty_postgres,
    fill_postgres,
)
from tests.support.postgres import FreshDatabase, superuser
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Isolation, Questions
from warpdrive.adapters.store.usage_books import PostgresUsageBooks
from warpdrive.application.ports.lease_books import QuotaName
from warpdrive.domain.quota.leasing import Holding


class _Interrupted:
    """A connection on which something happens elsewhere after the first question."""

    def __init__(self, connection: Any, between: Callable[[], Awaitable[None]]) -> None:
        self._connection = connection
        self._between = between
        self._asked = False

    async def fetch(self, sql: str, *values: Any) -> Any:
        rows = await self._connection.fetch(sql, *values)
        if not self._asked:
            self._asked = True
            await self._between()
        return rows

    async def execute(self, sql: str, *values: Any) -> Any:
        return await self._connection.execute(sql, *values)


class _InterruptedQuestions(Questions):
    between: Callable[[], Awaitable[None]]

    async def transaction(
        self, work: Callable[[Any], Awaitable[Any]], *, isolation: Isolation = "read_committed"
    ) -> Any:
        return await super().transaction(
            lambda connection: work(_Interrupted(connection, self.between)), isolation=isolation
        )


async def test_a_crawl_that_begins_while_counting_changes_no_count(migrated_database: FreshDatabase) -> None:
    """Its first objects are there by the second question, and would be counted as the last crawl's."""
    place = await migrated_database()
    await _refill(place, 5, PlainCrawl("lake"))

    async def begin() -> None:
        await _refill(place, 50, PlainCrawl("lake"), PlainCrawl("lake", 2, "running"))

    async with open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool:
        questions = _InterruptedQuestions(pool)
        questions.between = begin
        await PostgresUsageBooks(place, questions).recount()
        books = PostgresUsageBooks(place, Questions(pool))
        quota = QuotaName("q", "t1", "lake")
        at = datetime(2026, 4, 1, tzinfo=UTC)
        assert (await books.holdings([quota], at))["q"] == Holding(5, 0, 0)


async def _refill(place: DatabasePlace, size: int, *crawls: PlainCrawl) -> None:
    facts = PlainFacts([PlainBackend("lake")], [PlainObject("lake", "a", size, owners=("t1",))], crawls=list(crawls))
    async with superuser(place, inside=True) as connection:
        await empty_postgres(connection)
        await fill_postgres(connection, facts)
