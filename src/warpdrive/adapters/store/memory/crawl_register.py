"""`CrawlRegister` in memory."""

from collections.abc import Sequence
from datetime import datetime

from warpdrive.adapters.store.memory.backend_registry import register_backends
from warpdrive.adapters.store.memory.warehouse import CrawlRow, Warehouse
from warpdrive.application.ports.crawl_register import UNENDED, CrawlRecord, CrawlState, PresentBackend
from warpdrive.application.ports.read_models import ReadModels


class MemoryCrawlRegister:
    """See the port. Without `models` the warehouse's backends are as somebody put them there."""

    def __init__(self, warehouse: Warehouse, models: ReadModels | None = None) -> None:
        self._warehouse = warehouse
        self._models = models

    async def backends(self) -> Sequence[PresentBackend]:
        """See the port."""
        if self._models is not None:
            await register_backends(self._warehouse, self._models)
        present = sorted((row for row in self._warehouse.backends if row.present), key=lambda row: row.name)
        return [PresentBackend(row.name, row.place, row.prefix) for row in present]

    async def request(self, place: str, *, by: str, at: datetime, confirmed: bool = False) -> CrawlRecord:
        """See the port."""
        crawls = self._warehouse.crawls
        mine = [row for row in crawls.values() if row.place == place]
        row = next((row for row in mine if row.state in UNENDED), None)
        if row is None:
            generation = max((each.generation for each in mine), default=0) + 1
            row = CrawlRow(max(crawls, default=0) + 1, place, generation, CrawlState.QUEUED, by, at)
            crawls[row.id] = row
        row.confirmed = row.confirmed or confirmed
        return crawl_record(self._warehouse, row)

    async def get(self, crawl: int) -> CrawlRecord | None:
        """See the port."""
        row = self._warehouse.crawls.get(crawl)
        return None if row is None else crawl_record(self._warehouse, row)

    async def page(
        self, *, backend: str = "", state: str = "", before: int | None = None, limit: int
    ) -> Sequence[CrawlRecord]:
        """See the port."""
        places = {row.place for row in self._warehouse.backends if row.name == backend}
        rows = sorted(self._warehouse.crawls.values(), key=lambda row: -row.id)
        shown = [
            row
            for row in rows
            if (not backend or row.place in places)
            and (not state or row.state == state)
            and (before is None or row.id < before)
        ]
        return [crawl_record(self._warehouse, row) for row in shown[:limit]]

    async def cancel(self, crawl: int, *, detail: str, at: datetime) -> CrawlRecord | None:
        """See the port."""
        row = self._warehouse.crawls.get(crawl)
        if row is None:
            return None
        if row.state in UNENDED:
            row.state, row.detail, row.ended_at = CrawlState.CANCELLED, detail, at
        return crawl_record(self._warehouse, row)


def crawl_record(warehouse: Warehouse, row: CrawlRow) -> CrawlRecord:
    """Show a row."""
    return CrawlRecord(
        id=row.id,
        place=row.place,
        backends=tuple(sorted(each.name for each in warehouse.backends if each.place == row.place and each.present)),
        generation=row.generation,
        state=CrawlState(row.state),
        detail=row.detail,
        source=row.source,
        confirmed=row.confirmed,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        roots=row.roots,
        parts_done=sum(done for _, done in row.parts.values()) or row.counts.get("parts_done", 0),
        parts_known=len(row.parts) or row.counts.get("parts_known", 0),
        **{name: row.counts.get(name, 0) for name in ("objects", "bytes", "added", "changed", "deleted")},
    )
