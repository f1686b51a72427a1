"""`ObjectIndex`: pages taken in, what they did not show counted, and at last believed."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.adapters.store.index.ending import complete, count_missing
from warpdrive.adapters.store.index.merging import listed_rows, merge_rows
from warpdrive.adapters.store.index.numbers import Numbers
from warpdrive.application.ports.listing_source import ListedPage
from warpdrive.application.ports.storage_index import CrawlEnded, Missing
from warpdrive.domain.governance.attribution import Attribution
from warpdrive.domain.governance.duplicates import has_etags

_PLACE_OF: str = "SELECT p.place FROM storage.crawls AS c JOIN storage.places AS p ON p.id = c.place_id WHERE c.id = $1"


class PostgresObjectIndex:
    """See the port."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", numbers: Numbers) -> None:
        self._connection = connection
        self._numbers = numbers
        self._places: dict[int, tuple[int, bool]] = {}
        self._all_seen: int | None = None
        """The crawl that was last found to miss nothing: nobody else writes, so that is not looked for again."""

    async def merge(self, crawl: int, pages: Sequence[ListedPage], attribution: Attribution, *, at: datetime) -> None:
        """See the port."""
        with told_as_store_errors():
            place, etags = await self._place(crawl)
            numbers = await self._numbers.assignments(place, attribution)
            await self._numbers.learn_classes({info.storage_class for page in pages for info in page.objects})
            rows = listed_rows(pages, attribution, numbers, self._numbers.classes, etags=etags)
            await merge_rows(self._connection, crawl, place, rows, pages, at)

    async def missing(self, crawl: int, roots: Sequence[str]) -> Missing:
        """See the port."""
        with told_as_store_errors():
            missing = await count_missing(self._connection, crawl, (await self._place(crawl))[0], roots)
        self._all_seen = None if missing.missing else crawl
        return missing

    async def complete(self, crawl: int, roots: Sequence[str], *, at: datetime) -> None:
        """See the port."""
        with told_as_store_errors():
            place, _ = await self._place(crawl)
            await complete(self._connection, crawl, place, roots, at, all_seen=crawl == self._all_seen)

    async def _place(self, crawl: int) -> tuple[int, bool]:
        """Return the number of a crawl's place, and whether versions are ETags there."""
        if crawl not in self._places:
            place = await self._connection.fetchval(_PLACE_OF, crawl)
            if place is None:
                raise CrawlEnded(f"there is no crawl {crawl}")
            self._places = {crawl: (await self._numbers.place(place), has_etags(place))}
        return self._places[crawl]
