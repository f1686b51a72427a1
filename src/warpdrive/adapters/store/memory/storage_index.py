"""`StorageIndex` in memory: the same rules in plain loops, which is also what the real one must equal."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

from warpdrive.adapters.store.memory.backend_registry import backend_definitions, register_backends
from warpdrive.adapters.store.memory.crawl_register import crawl_record
from warpdrive.adapters.store.memory.warehouse import CrawlRow, LedgerCounts, ObjectRow, Warehouse
from warpdrive.application.ports.crawl_register import UNENDED, CrawlRecord, CrawlState
from warpdrive.application.ports.listing_source import ListedPage, ListedPart
from warpdrive.application.ports.objects import ObjectInfo
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.ports.storage_index import (
    Attributed,
    CrawlEnded,
    Decided,
    IndexWriter,
    Missing,
)
from warpdrive.domain.governance.attribution import Assignment, Attribution, Claim, Showing
from warpdrive.domain.governance.duplicates import has_etags, md5_of_etag
from warpdrive.domain.governance.recorded_texts import recorded_key
from warpdrive.domain.namespace.values import BackendDefinition

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryStorageIndex:
    """See the port; whoever shares the lock shares the object."""

    def __init__(self, warehouse: Warehouse, models: ReadModels) -> None:
        self._held = False
        self._writer = IndexWriter(
            crawls=MemoryRunningCrawls(warehouse, models),
            objects=MemoryObjectIndex(warehouse),
            owners=MemoryOwnerIndex(warehouse, models),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[IndexWriter | None]:
        """See the port."""
        if self._held:
            yield None
            return
        self._held = True
        try:
            yield self._writer
        finally:
            self._held = False


class MemoryRunningCrawls:
    """See the port."""

    def __init__(self, warehouse: Warehouse, models: ReadModels) -> None:
        self._warehouse = warehouse
        self._models = models

    async def next(self) -> CrawlRecord | None:
        """See the port."""
        unended = [row for row in self._warehouse.crawls.values() if row.state in UNENDED]
        if not unended:
            return None
        return crawl_record(self._warehouse, min(unended, key=lambda row: (row.state != CrawlState.RUNNING, row.id)))

    async def definitions(self, place: str) -> Sequence[BackendDefinition]:
        """See the port."""
        found = (await backend_definitions(self._models)).values()
        return sorted((each for each in found if each.place == place), key=lambda each: each.name)

    async def begin(self, crawl: int, *, source: str, roots: Sequence[str], at: datetime) -> Sequence[ListedPart]:
        """See the port."""
        row = self._warehouse.crawls[crawl]
        if row.state not in UNENDED:
            raise CrawlEnded(f"crawl {crawl} is {row.state}")
        if row.state == CrawlState.QUEUED or (row.source, row.roots) != (source, tuple(roots)):
            row.state, row.source, row.roots, row.started_at = CrawlState.RUNNING, source, tuple(roots), at
            row.counts, row.parts, row.seen = {}, {}, set()
        return [ListedPart(name, cursor, done) for name, (cursor, done) in sorted(row.parts.items())]

    async def going(self, crawl: int) -> None:
        """See the port."""
        running(self._warehouse, crawl)

    async def end(self, crawl: int, state: CrawlState, detail: str, *, at: datetime) -> None:
        """See the port."""
        row = self._warehouse.crawls[crawl]
        if row.state not in UNENDED:
            raise CrawlEnded(f"crawl {crawl} is {row.state}")
        end(row, state, detail, at)


class MemoryObjectIndex:
    """See the port."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def merge(self, crawl: int, pages: Sequence[ListedPage], attribution: Attribution, *, at: datetime) -> None:
        """See the port."""
        row = running(self._warehouse, crawl)
        listed = {recorded_key(page.prefix, info.key): info for page in pages for info in page.objects}
        for key, info in listed.items():
            change = self._take_in(row.place, key, info, attribution, at)
            row.seen.add(key)
            row.counts[change] = row.counts.get(change, 0) + 1
            row.counts["objects"] = row.counts.get("objects", 0) + 1
            row.counts["bytes"] = row.counts.get("bytes", 0) + info.size
        for page in pages:
            row.parts[page.part] = (page.cursor, page.done)
            for name in page.found:
                row.parts.setdefault(name, ("", False))

    def _take_in(self, place: str, key: str, info: ObjectInfo, attribution: Attribution, at: datetime) -> str:
        known = self._warehouse.objects.get((place, key))
        modified_at = _EPOCH + timedelta(microseconds=info.mtime_ns // 1000)
        digest = None if info.digest is None else (info.digest.algorithm, info.digest.value)
        if digest is None and has_etags(place) and (etag := md5_of_etag(info.version)) is not None:
            digest = ("md5", etag)
        if known is None or known.deleted_at is not None:
            home = attribution.of(key)
            assert home is not None, "what was listed is shown by some backend"
            early = self._warehouse.early_accesses.pop((place, key), None)
            self._warehouse.objects[place, key] = ObjectRow(
                size=info.size,
                modified_at=modified_at,
                first_seen=at if known is None else known.first_seen,
                backend=home.backend,
                owners=home.owners,
                storage_class=info.storage_class,
                last_access=max((day for day in (known and known.last_access, early) if day), default=None),
                digest=digest,
                version=info.version,
            )
            self._ledger(at.date(), home.backend, home.owners, added_objects=1, added_bytes=info.size)
            return "added"
        now = (info.size, modified_at, info.version, digest, info.storage_class)
        if now == (known.size, known.modified_at, known.version, known.digest, known.storage_class):
            return "unchanged"
        self._ledger(at.date(), known.backend, known.owners, changed_bytes=info.size - known.size)
        known.size, known.modified_at, known.version, known.digest, known.storage_class = now
        return "changed"

    async def missing(self, crawl: int, roots: Sequence[str]) -> Missing:
        """See the port."""
        row = running(self._warehouse, crawl)
        known = self._known(row, roots)
        homes = {each.backend for each in known.values()}
        seen = {each.backend for key, each in known.items() if key in row.seen}
        missing = sum(key not in row.seen for key in known)
        return Missing(len(known), missing, row.confirmed, tuple(sorted(homes - seen)))

    async def complete(self, crawl: int, roots: Sequence[str], *, at: datetime) -> None:
        """See the port."""
        row = running(self._warehouse, crawl)
        known = self._known(row, roots)
        for key, each in known.items():
            if key not in row.seen:
                each.deleted_at = at
                self._ledger(at.date(), each.backend, each.owners, removed_objects=1, removed_bytes=each.size)
                row.counts["deleted"] = row.counts.get("deleted", 0) + 1
        for place, key in list(self._warehouse.early_accesses):
            each_object = self._warehouse.objects.get((place, key))
            if place == row.place and each_object is not None:
                day = self._warehouse.early_accesses.pop((place, key))
                each_object.last_access = max(day, each_object.last_access or day)
        row.counts["objects"] = len(row.seen)
        row.counts["bytes"] = sum(self._warehouse.objects[row.place, key].size for key in row.seen)
        end(row, CrawlState.COMPLETED, "", at)

    def _known(self, row: CrawlRow, roots: Sequence[str]) -> dict[str, ObjectRow]:
        assert row.started_at is not None, "it runs"
        return {
            key: each
            for (place, key), each in self._warehouse.objects.items()
            if place == row.place
            and key.startswith(tuple(roots))
            and each.deleted_at is None
            and each.first_seen < row.started_at
        }

    def _ledger(self, day: date, backend: str, owners: tuple[str, ...], **counts: int) -> None:
        book(self._warehouse, day, backend, owners, **counts)


class MemoryOwnerIndex:
    """See the port."""

    def __init__(self, warehouse: Warehouse, models: ReadModels) -> None:
        self._warehouse = warehouse
        self._models = models

    async def positions(self) -> tuple[int, int]:
        """See the port."""
        return await self._models.position(), self._warehouse.attributed_position

    async def decided(self) -> Decided:
        """See the port."""
        position = await self._models.position()
        await register_backends(self._warehouse, self._models)
        living = {row["id"] for row in await self._models.rows("teams", where={"disbanded": False}, order=("id",))}
        rules = await self._models.rows("ownership_rules", order=("team_id", "backend", "prefix"))
        showings: dict[str, list[Showing]] = {}
        for row in self._warehouse.backends:
            showings.setdefault(row.place, []).append(Showing(row.name, row.prefix, row.present))
        claims = [Claim(row["team_id"], row["backend"], row["prefix"]) for row in rules if row["team_id"] in living]
        return Decided(position, showings, claims)

    async def attributed(self) -> Mapping[str, Attributed]:
        """See the port."""
        assignments: dict[str, dict[str, Assignment]] = {}
        doubted: dict[str, list[str]] = {}
        for (place, prefix), (backend, below, owners, doubt) in sorted(self._warehouse.attributed.items()):
            kept = assignments.setdefault(place, {})
            if backend:
                kept[prefix] = Assignment(backend, below, owners)
            if doubt:
                doubted.setdefault(place, []).append(prefix)
        return {
            place: Attributed(Attribution(each), tuple(doubted.get(place, ()))) for place, each in assignments.items()
        }

    async def doubt(self, place: str, prefixes: Sequence[str]) -> None:
        """See the port."""
        for prefix in prefixes:
            backend, below, owners, _ = self._warehouse.attributed.get((place, prefix), ("", "", (), True))
            self._warehouse.attributed[place, prefix] = (backend, below, owners, True)

    async def move(
        self, place: str, prefix: str, attribution: Attribution, *, after: str, limit: int, at: datetime
    ) -> str | None:
        """See the port."""
        below = sorted(
            key
            for (where, key), each in self._warehouse.objects.items()
            if where == place and key.startswith(prefix) and key > after and each.deleted_at is None
        )
        for key in below[:limit]:
            each, home = self._warehouse.objects[place, key], attribution.of(key)
            if home is None or (each.backend, each.owners) == (home.backend, home.owners):
                continue
            for backend, owners, sign in ((each.backend, each.owners, -1), (home.backend, home.owners, 1)):
                book(self._warehouse, at.date(), backend, owners, moved_objects=sign, moved_bytes=sign * each.size)
            each.backend, each.owners = home.backend, home.owners
        return below[limit - 1] if len(below) > limit else None

    async def settle(self, attributed: Mapping[str, Attribution], *, position: int, at: datetime) -> None:  # noqa: ARG002 - the twin has no such column
        """See the port."""
        for place, attribution in attributed.items():
            for key in [key for key in self._warehouse.attributed if key[0] == place]:
                del self._warehouse.attributed[key]
            for prefix, each in attribution.assignments.items():
                self._warehouse.attributed[place, prefix] = (each.backend, each.prefix, each.owners, False)
        self._warehouse.attributed_position = position


def running(warehouse: Warehouse, crawl: int) -> CrawlRow:
    """Return a crawl that runs. Raises CrawlEnded."""
    row = warehouse.crawls[crawl]
    if row.state != CrawlState.RUNNING:
        raise CrawlEnded(f"crawl {crawl} is {row.state}")
    return row


def end(row: CrawlRow, state: CrawlState, detail: str, at: datetime) -> None:
    """End a crawl; its parts are kept as numbers only."""
    row.state, row.detail, row.ended_at = state, detail, at
    row.counts["parts_done"] = sum(done for _, done in row.parts.values())
    row.counts["parts_known"] = len(row.parts)
    row.parts, row.seen = {}, set()


def book(warehouse: Warehouse, day: date, backend: str, owners: tuple[str, ...], **counts: int) -> None:
    """Add to the ledger."""
    kept = warehouse.ledger.setdefault((day, backend, owners), LedgerCounts())
    for name, count in counts.items():
        setattr(kept, name, getattr(kept, name) + count)
