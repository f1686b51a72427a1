"""A lake with teams' prefixes in it, quotas on memory twins, and an observer that is told when to look."""

from dataclasses import replace
from itertools import count
from uuid import UUID

from tests.support.filled_warehouse import PlainBackend, PlainCrawl, PlainFacts, PlainObject, fill_memory
from tests.support.memory_plane import MemoryPlane
from warpdrive.adapters.store.memory.lease_books import MemoryUsageBooks
from warpdrive.application.control.commands import Commands
from warpdrive.application.control.leases import LeaseView
from warpdrive.application.control.observing import QuotaObserver
from warpdrive.application.control.streams import Streams
from warpdrive.application.control.views import QuotaView
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.domain.quota.values import QuotaLimits
from warpdrive.domain.team.values import OwnershipRule

LAKE = BackendDefinition("lake", "local", {"root": "/lake"})
POOL = BackendDefinition("pool", "local", {"root": "/lake"}, "pool/")
"""A part of the lake."""


class QuotaStory:
    """A memory plane whose namespace has a lake and a pool in it."""

    def __init__(self) -> None:
        # Ids in order, so that a remainder is the same team's every time.
        numbers = count(1)
        self.on = MemoryPlane(new_id=lambda: UUID(int=next(numbers)))
        self.teams: dict[str, str] = {}
        """Ids by name."""
        self._objects: list[PlainObject] = []
        self._crawls: list[PlainCrawl] = []
        store, codec = self.on.store, EventCodec()
        self.books = MemoryUsageBooks(self.on.warehouse)
        commands = Commands(store, Streams(store, store, codec), store, codec)
        self.observer = QuotaObserver(self.books, self.on.models, commands, self.on.clock, look_s=0.01)

    async def begin(self, **rules: list[str]) -> None:
        """Make the namespace, and teams with the prefixes that are theirs in every backend."""
        entries = [MountEntry("/", LAKE), MountEntry("/pool", POOL)]
        await self.on.plane.namespaces.create(self.on.call(), "training", entries)
        for name, prefixes in rules.items():
            owned = [OwnershipRule("*", prefix) for prefix in prefixes]
            self.teams[name] = (await self.on.plane.teams.ensure(self.on.call(), name, [], owned)).value.id

    async def limit(self, team: str, soft: int, hard: int, *, backend: str = "lake", grace: int = 600) -> None:
        """Set a quota."""
        await self.on.plane.quotas.set(self.on.call(), team, backend, QuotaLimits(soft, hard, grace))

    def crawl(self, *owned: tuple[str, int], state: str = "completed") -> None:
        """Let a crawl have begun; a completed one has found these teams' objects, of so many bytes, in the lake."""
        self._crawls.append(PlainCrawl("lake", len(self._crawls) + 1, state))
        if state == "completed":
            self.index(*owned)
        else:
            self._fill()

    def index(self, *owned: tuple[str, int]) -> None:
        """Let the lake's index hold these and nothing else, whoever put them there."""
        self._objects = [
            PlainObject("lake", f"{number}", size, owners=(self.teams[team],))
            for number, (team, size) in enumerate(owned)
        ]
        self._fill()

    def end_crawl(self, state: str) -> None:
        """End the newest crawl."""
        self._crawls[-1] = replace(self._crawls[-1], state=state)
        self._fill()

    async def acquire(self, key: str, wanted: int, *, backend: str = "lake", node: str = "node-1") -> LeaseView:
        """Ask for a lease."""
        done = await self.on.plane.leases.acquire(self.on.call(), node, backend=backend, key=key, wanted=wanted)
        return done.value

    async def quota(self, team: str, backend: str = "lake") -> QuotaView:
        """Show a quota."""
        return (await self.on.plane.quotas.get(self.on.call(), team, backend)).value

    async def told(self) -> list[str]:
        """What happened to quotas, by the names of the events."""
        events = [event.topic for event in await self.on.events() if event.topic.startswith("warpdrive.quota:")]
        return [topic.partition(":")[2].removesuffix(".v1") for topic in events]

    def _fill(self) -> None:
        warehouse = self.on.warehouse
        for table in (warehouse.backends, warehouse.objects, warehouse.crawls):
            table.clear()
        backends = [PlainBackend("lake", LAKE.place), PlainBackend("pool", POOL.place, POOL.prefix)]
        fill_memory(warehouse, PlainFacts(backends, self._objects, crawls=self._crawls))
