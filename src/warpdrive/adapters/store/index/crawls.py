"""`RunningCrawls`: which crawl is worked on, and how it begins and ends otherwise than completed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from warpdrive.adapters.store.backend_registry import backend_definitions
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.index.records import CRAWLS, crawl_record
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState
from warpdrive.application.ports.listing_source import ListedPart
from warpdrive.application.ports.storage_index import CrawlEnded
from warpdrive.domain.namespace.values import BackendDefinition

_NEXT: Final = f"""{CRAWLS}
    WHERE c.state IN ('queued', 'running') ORDER BY c.state DESC, c.id LIMIT 1
"""
_BEGIN: Final = """
    SELECT state = 'running' AND source = $2 AND roots = $3::text[] AS goes_on FROM storage.crawls
    WHERE id = $1 AND state IN ('queued', 'running') FOR UPDATE
"""
_AFRESH: Final = """
    UPDATE storage.crawls SET state = 'running', source = $2, roots = $3, started_at = $4, objects = 0, bytes = 0,
        added = 0, changed = 0, deleted = 0, parts_done = 0, parts_known = 0
    WHERE id = $1
"""
_PARTS: Final = 'SELECT prefix AS name, "cursor", done FROM storage.crawl_parts WHERE crawl_id = $1 ORDER BY prefix'
_FORGET: Final = (
    "DELETE FROM storage.crawl_parts WHERE crawl_id = $1",
    "DELETE FROM storage.crawl_seen WHERE crawl_id = $1",
)
_LEFT_OVER: Final = """
    DELETE FROM storage.{} AS kept USING storage.crawls AS crawl
    WHERE crawl.id = kept.crawl_id AND crawl.state NOT IN ('queued', 'running')
"""
_STATE: Final = "SELECT state FROM storage.crawls WHERE id = $1"
_END: Final = """
    UPDATE storage.crawls SET state = $2, detail = $3, ended_at = $4
    WHERE id = $1 AND state IN ('queued', 'running') RETURNING id
"""


class PostgresRunningCrawls:
    """See the port."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def next(self) -> CrawlRecord | None:
        """See the port."""
        with told_as_store_errors():
            row = await self._connection.fetchrow(_NEXT)
        return None if row is None else crawl_record(row)

    async def definitions(self, place: str) -> Sequence[BackendDefinition]:
        """See the port."""
        with told_as_store_errors():
            found = await backend_definitions(self._connection)
        return sorted((each for each in found.values() if each.place == place), key=lambda each: each.name)

    async def begin(self, crawl: int, *, source: str, roots: Sequence[str], at: datetime) -> Sequence[ListedPart]:
        """See the port."""
        with told_as_store_errors():
            async with self._connection.transaction():
                # Crawls that were cancelled left theirs.
                for table in ("crawl_parts", "crawl_seen"):
                    await self._connection.execute(_LEFT_OVER.format(table))
                goes_on = await self._connection.fetchval(_BEGIN, crawl, source, list(roots))
                if goes_on is None:
                    raise CrawlEnded(f"crawl {crawl} has ended")
                if goes_on:
                    return [ListedPart(**row) for row in await self._connection.fetch(_PARTS, crawl)]
                for statement in _FORGET:
                    await self._connection.execute(statement, crawl)
                await self._connection.execute(_AFRESH, crawl, source, list(roots), at)
                return []

    async def going(self, crawl: int) -> None:
        """See the port."""
        with told_as_store_errors():
            state = await self._connection.fetchval(_STATE, crawl)
        if state != CrawlState.RUNNING:
            raise CrawlEnded(f"crawl {crawl} is {state}")

    async def end(self, crawl: int, state: CrawlState, detail: str, *, at: datetime) -> None:
        """See the port."""
        with told_as_store_errors():
            async with self._connection.transaction():
                await self._connection.execute("SET LOCAL synchronous_commit = on")
                if await self._connection.fetchval(_END, crawl, state.value, detail, at) is None:
                    raise CrawlEnded(f"crawl {crawl} has ended")
                for statement in _FORGET:
                    await self._connection.execute(statement, crawl)
