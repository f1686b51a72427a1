"""`CrawlRegister` on a pool that others may share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from warpdrive.adapters.store.backend_registry import register_backends
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.records import CRAWLS, crawl_record
from warpdrive.application.ports.crawl_register import CrawlRecord, PresentBackend
from warpdrive.domain.content.texts import storable

# Asked twice because an answer was lost, it joins its own crawl.
_REQUEST: Final = """
    INSERT INTO storage.crawls AS crawl
        (place_id, generation, state, detail, source, confirmed, requested_by, requested_at)
    SELECT id, coalesce((SELECT max(generation) FROM storage.crawls WHERE place_id = place.id), 0) + 1,
        'queued', '', 'list', $2, $3, $4 FROM storage.places AS place WHERE place = $1
    ON CONFLICT (place_id) WHERE state IN ('queued', 'running')
        DO UPDATE SET confirmed = crawl.confirmed OR excluded.confirmed
    RETURNING id
"""
_GET: Final = f"{CRAWLS} WHERE c.id = $1"
_PAGE: Final = f"""{CRAWLS}
    WHERE ($1 = '' OR c.place_id IN (SELECT place_id FROM storage.backends WHERE name = $1))
        AND ($2 = '' OR c.state = $2) AND ($3::bigint IS NULL OR c.id < $3)
    ORDER BY c.id DESC LIMIT $4
"""  # noqa: S608 - a text of this package
_CANCEL: Final = """
    UPDATE storage.crawls SET state = 'cancelled', detail = $2, ended_at = $3
    WHERE id = $1 AND state IN ('queued', 'running')
"""


class PostgresCrawlRegister:
    """See the port."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def backends(self) -> Sequence[PresentBackend]:
        """See the port."""
        present = await self._questions.transaction(register_backends)
        return [PresentBackend(each.name, each.place, each.prefix) for each in present.values()]

    async def request(self, place: str, *, by: str, at: datetime, confirmed: bool = False) -> CrawlRecord:
        """See the port."""
        crawl = await self._questions.value(_REQUEST, place, confirmed, by, at)
        assert crawl is not None, "the place is known"
        found = await self.get(crawl)
        assert found is not None, "crawls are never removed"
        return found

    async def get(self, crawl: int) -> CrawlRecord | None:
        """See the port."""
        row = await self._questions.row(_GET, crawl)
        return None if row is None else crawl_record(row)

    async def page(
        self, *, backend: str = "", state: str = "", before: int | None = None, limit: int
    ) -> Sequence[CrawlRecord]:
        """See the port."""
        if not storable(backend) or not storable(state):
            return []
        return [crawl_record(row) for row in await self._questions.rows(_PAGE, backend, state, before, limit)]

    async def cancel(self, crawl: int, *, detail: str, at: datetime) -> CrawlRecord | None:
        """See the port."""
        await self._questions.do(_CANCEL, crawl, detail, at)
        return await self.get(crawl)
