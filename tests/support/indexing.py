"""A control plane and its storage index, in memory or on PostgreSQL, over buckets in this process's memory.

async with indexing_in_memory() as indexing:
    await indexing.mount("/d", "data", bucket="b")
    await indexing.put("b", "x/y", 10)
    await indexing.crawl()
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tests.support.manual_clock import ManualClock
from tests.support.memory_plane import MemoryPlane
from tests.support.postgres import superuser
from tests.support.postgres_plane import postgres_plane
from warpdrive.adapters.blob.factory import Backend, build_backend
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.adapters.store.index.runner import PostgresStorageIndex
from warpdrive.adapters.store.memory.crawl_register import MemoryCrawlRegister
from warpdrive.adapters.store.memory.storage_index import MemoryStorageIndex
from warpdrive.adapters.store.memory.usage_facts import MemoryUsageFacts
from warpdrive.adapters.store.usage_facts import PostgresUsageFacts
from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.crawling.backend_listing import BackendListing, Root, roots_of
from warpdrive.application.control.crawling.crawl_pass import CrawlPass, OpenSource
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlRegister
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.listing_source import ListingSource
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.application.ports.storage_index import StorageIndex
from warpdrive.application.ports.usage_facts import CapacityRow, LedgerRow, UsageFacts
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.team.values import OwnershipRule

BY = "token:tester"


@dataclass(frozen=True)
class IndexedObject:
    """An object as the index has it."""

    size: int
    backend: str
    owners: tuple[str, ...]
    deleted: bool = False
    last_access: date | None = None


@dataclass
class Indexing:
    """What a test has in hand. `wrap` stands between crawls and the buckets' readers."""

    plane: Any
    call: Callable[[], Any]
    project: Callable[[], Any]
    clock: ManualClock
    register: CrawlRegister
    index: StorageIndex
    facts: UsageFacts
    objects: Callable[[], Any]
    access_early: Callable[[str, str, date], Any]
    tag: str
    wrap: Callable[[ObjectReader], ObjectReader] = lambda reader: reader
    held: dict[str, Backend] = field(default_factory=dict)
    entries: dict[str, MountEntry] = field(default_factory=dict)

    def now(self) -> datetime:
        """Give the moment on the clock."""
        return datetime.fromtimestamp(self.clock.wall(), UTC)

    def definition(self, name: str, *, bucket: str, prefix: str = "") -> BackendDefinition:
        """Define a backend in a bucket of this test's own."""
        return BackendDefinition(name=name, type="memory", options={"name": f"{self.tag}-{bucket}"}, prefix=prefix)

    def place(self, bucket: str) -> str:
        """Name a bucket's place."""
        return self.definition("any", bucket=bucket).place

    async def mount(self, path: str, name: str, *, bucket: str, prefix: str = "") -> None:
        """Let a path of the one namespace live in a backend."""
        await self.unmount(path)
        self.entries[path] = MountEntry(path, self.definition(name, bucket=bucket, prefix=prefix))
        await self._apply()

    async def unmount(self, path: str) -> None:
        """Let a path live nowhere."""
        if self.entries.pop(path, None) is not None:
            await self._apply()

    async def _apply(self) -> None:
        wished = tuple(self.entries.values())
        await self.plane.namespaces.apply(self.call(), "main", wished, dry_run=False, expected_version=0)
        await self.project()

    async def team(self, name: str, *rules: tuple[str, str]) -> str:
        """Let a team own what the rules (backend, prefix) say, besides what it owns already; returns its id."""
        owned = tuple(OwnershipRule(*rule) for rule in rules)
        done = await self.plane.teams.ensure(self.call(), name, (), owned)
        await self.project()
        return str(done.value.id)

    async def rename(self, team: str, name: str) -> None:
        """Call a team otherwise."""
        await self.plane.teams.rename(self.call(), team, name)
        await self.project()

    async def disband(self, team: str) -> None:
        """End a team."""
        await self.plane.teams.disband(self.call(), team)
        await self.project()

    def bucket(self, bucket: str) -> Backend:
        """Open a bucket; it keeps its objects while the test runs."""
        if bucket not in self.held:
            self.held[bucket] = build_backend(self.definition("any", bucket=bucket), Anonymous())
        return self.held[bucket]

    async def put(self, bucket: str, key: str, size: int) -> None:
        """Write an object."""

        async def body() -> AsyncIterator[bytes]:
            yield bytes(size)

        await self.bucket(bucket).writer.write(ObjectKey(key), body())

    async def delete(self, bucket: str, *keys: str) -> None:
        """Delete objects."""
        for key in keys:
            await self.bucket(bucket).writer.delete(ObjectKey(key))

    @asynccontextmanager
    async def source(self, place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
        """Open a place as the composition root would."""
        del place
        opened = [build_backend(each, Anonymous()) for each in roots_of(definitions)]
        yield BackendListing(
            [Root(each.definition.name, each.definition.prefix, self.wrap(each.reader)) for each in opened]
        )
        for each in opened:
            await each.aclose()

    async def crawl(self, *, confirmed: bool = False, source: OpenSource | None = None) -> list[CrawlRecord]:
        """Ask for crawls of all places and carry them out."""
        places = sorted({each.place for each in await self.register.backends()})
        asked = [await self.register.request(place, by=BY, at=self.now(), confirmed=confirmed) for place in places]
        await self.work(source)
        return [found for each in asked if (found := await self.register.get(each.id))]

    async def work(self, source: OpenSource | None = None) -> None:
        """Attribute, then carry out what is in the queue."""
        async with self.index.running() as writer:
            assert writer is not None, "nobody else runs"
            attributing = Attributing(writer.owners, self.clock)
            await attributing.catch_up()
            crawls = CrawlPass(writer, attributing, source or self.source, self.clock)
            while (crawl := await writer.crawls.next()) is not None:
                await crawls.run(crawl)

    async def capacity(self) -> dict[tuple[str, tuple[str, ...]], tuple[int, int]]:
        """Return objects and bytes by backend and owners."""
        sums: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = {}
        row: CapacityRow
        for row in await self.facts.capacity():
            objects, size = sums.get((row.backend, row.owners), (0, 0))
            sums[row.backend, row.owners] = (objects + row.objects, size + row.bytes)
        return sums

    async def check_sums(self) -> None:
        """Hold objects, capacity and the whole ledger against each other."""
        there: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = {}
        each: IndexedObject
        for each in (await self.objects()).values():
            if not each.deleted:
                objects, size = there.get((each.backend, each.owners), (0, 0))
                there[each.backend, each.owners] = (objects + 1, size + each.size)
        assert await self.capacity() == there
        booked: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = {}
        row: LedgerRow
        for row in await self.facts.ledger():
            objects, size = booked.get((row.backend, row.owners), (0, 0))
            objects += row.added_objects - row.removed_objects + row.moved_objects
            size += row.added_bytes - row.removed_bytes + row.changed_bytes + row.moved_bytes
            booked[row.backend, row.owners] = (objects, size)
        assert {key: value for key, value in booked.items() if value != (0, 0)} == {
            key: value for key, value in there.items() if value != (0, 0)
        }


OpenIndexing = Callable[[], AbstractAsyncContextManager[Indexing]]
_tags = iter(range(10**9))


@asynccontextmanager
async def indexing_in_memory() -> AsyncIterator[Indexing]:
    """Give one on the twins."""
    plane = MemoryPlane()
    warehouse = plane.warehouse

    async def objects() -> Mapping[tuple[str, str], IndexedObject]:
        return {
            key: IndexedObject(row.size, row.backend, row.owners, row.deleted_at is not None, row.last_access)
            for key, row in warehouse.objects.items()
        }

    async def access_early(place: str, key: str, day: date) -> None:
        warehouse.early_accesses[place, key] = day

    yield Indexing(
        plane=plane.plane,
        call=plane.call,
        project=plane.project,
        clock=plane.clock,
        register=MemoryCrawlRegister(warehouse, plane.models),
        index=MemoryStorageIndex(warehouse, plane.models),
        facts=MemoryUsageFacts(warehouse),
        objects=objects,
        access_early=access_early,
        tag=f"twin{next(_tags)}",
    )


_OBJECTS = """
    SELECT p.place, k.key, o.size, b.name, w.teams, o.deleted_at IS NOT NULL AS deleted, o.last_access
    FROM storage.objects AS o JOIN storage.keys AS k ON k.id = o.id JOIN storage.places AS p ON p.id = o.place_id
    JOIN storage.backends AS b ON b.id = o.backend_id JOIN storage.owners AS w ON w.id = o.owner_id
    WHERE k.place_id = o.place_id
"""
_EARLY = """
    WITH key AS (
        INSERT INTO storage.keys (place_id, key) SELECT id, $2 FROM storage.places WHERE place = $1
        ON CONFLICT (place_id, key) DO UPDATE SET key = excluded.key RETURNING id
    )
    INSERT INTO storage.early_accesses SELECT id, $3 FROM key
"""


@asynccontextmanager
async def indexing_on_postgres(place: DatabasePlace) -> AsyncIterator[Indexing]:
    """Give one on a migrated database."""
    async with (
        postgres_plane(place) as plane,
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="tests") as pool,
        superuser(place, inside=True) as connection,
    ):
        questions = Questions(pool)

        async def objects() -> Mapping[tuple[str, str], IndexedObject]:
            return {
                (row["place"], row["key"]): IndexedObject(
                    row["size"], row["name"], tuple(row["teams"]), row["deleted"], row["last_access"]
                )
                for row in await connection.fetch(_OBJECTS)
            }

        async def access_early(where: str, key: str, day: date) -> None:
            await connection.execute(_EARLY, where, key, day)

        yield Indexing(
            plane=plane.plane,
            call=plane.call,
            project=plane.project,
            clock=plane.clock,
            register=PostgresCrawlRegister(questions),
            index=PostgresStorageIndex(place),
            facts=PostgresUsageFacts(questions),
            objects=objects,
            access_early=access_early,
            tag=f"real{next(_tags)}",
        )
