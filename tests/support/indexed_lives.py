"""Random lives of buckets, namespaces and teams, with crawls that end well, badly or not at all, beside a plain model.

The model knows what was put where and what each completed crawl could see; owners are found by looking at every rule.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from tests.support.indexing import IndexedObject, Indexing
from warpdrive.application.control.crawling.crawl_pass import OpenSource
from warpdrive.application.ports.crawl_register import CrawlState
from warpdrive.application.ports.listing_source import ListedPage, ListedPart, ListingFailed, ListingSource
from warpdrive.domain.namespace.values import BackendDefinition

FOLDERS = ("", "a/", "a/b/", "b/")
NAMES = ("left", "right", "deep")
TEAMS = ("red", "blue")


class Killed(BaseException):
    """Raised in the middle of a crawl, as the end of its process would be."""


@dataclass
class _Broken:
    """A source that gives some pages and then fails, or dies with its process."""

    inner: ListingSource
    after: int
    fault: BaseException

    @property
    def kind(self) -> str:
        return self.inner.kind

    @property
    def roots(self) -> tuple[str, ...]:
        return self.inner.roots

    @property
    def as_of(self) -> None:
        return None

    def pages(self, parts: Sequence[ListedPart]) -> AbstractAsyncContextManager[AsyncIterator[ListedPage]]:
        @asynccontextmanager
        async def broken() -> AsyncIterator[AsyncIterator[ListedPage]]:
            async with self.inner.pages(parts) as pages:
                yield self._some(pages)

        return broken()

    async def _some(self, pages: AsyncIterator[ListedPage]) -> AsyncIterator[ListedPage]:
        given = 0
        async for page in pages:
            if given >= self.after:
                raise self.fault
            given += 1
            yield page
        raise self.fault


@dataclass
class IndexedLife:
    """One life; `step` lets something happen, `check` compares."""

    indexing: Indexing
    random: Random
    stored: dict[str, int] = field(default_factory=dict)
    """Sizes by key, in the one bucket."""
    indexed: dict[str, IndexedObject] = field(default_factory=dict)
    """What the index should say, but for homes and owners: those are worked out anew."""
    backends: dict[str, str] = field(default_factory=dict)
    """Prefixes of those that are mounted."""
    teams: dict[str, tuple[str, set[tuple[str, str]]]] = field(default_factory=dict)
    """Ids and rules of teams that are not disbanded."""

    async def step(self) -> None:
        """Let one thing happen."""
        self.indexing.clock.advance(self.random.choice((0.5, 3_600, 50_000)))
        changes = (self._put, self._put, self._delete, self._mount, self._unmount)
        decisions = (self._own, self._disown, self._rename, self._attribute)
        crawls = (self._crawl, self._crawl, self._fail, self._kill, self._cancel)
        happening = self.random.choice((*changes, *decisions, *crawls))
        await happening()

    async def check(self) -> None:
        """Compare homes and owners of what is there, and all sums, once decisions are followed."""
        await self.indexing.work()
        found = {key: each for (_, key), each in (await self.indexing.objects()).items()}
        assert {key: (each.size, each.deleted) for key, each in found.items()} == {
            key: (each.size, each.deleted) for key, each in self.indexed.items()
        }
        for key, each in found.items():
            home = self._home(key)
            if home is not None and not each.deleted:
                assert (each.backend, each.owners) == (home, self._owners(key)), key
        await self.indexing.check_sums()

    async def _put(self) -> None:
        key = self.random.choice(FOLDERS) + self.random.choice("xyz")
        self.stored[key] = self.random.randrange(1, 50)
        await self.indexing.put("b", key, self.stored[key])

    async def _delete(self) -> None:
        if self.stored:
            key = self.random.choice(sorted(self.stored))
            del self.stored[key]
            await self.indexing.delete("b", key)

    async def _mount(self) -> None:
        name, prefix = self.random.choice(NAMES), self.random.choice(FOLDERS)
        if name in self.backends:
            await self.indexing.unmount(f"/{name}")
        self.backends[name] = prefix
        await self.indexing.mount(f"/{name}", name, bucket="b", prefix=prefix)

    async def _unmount(self) -> None:
        if self.backends:
            name = self.random.choice(sorted(self.backends))
            del self.backends[name]
            await self.indexing.unmount(f"/{name}")

    async def _own(self) -> None:
        name = self.random.choice(TEAMS)
        rule = (self.random.choice((*NAMES, "*")), self.random.choice(FOLDERS))
        _, rules = self.teams.get(name, ("", set()))
        self.teams[name] = (await self.indexing.team(name, *rules, rule), {*rules, rule})

    async def _disown(self) -> None:
        if self.teams:
            await self.indexing.disband(name := self.random.choice(sorted(self.teams)))
            del self.teams[name]

    async def _rename(self) -> None:
        if self.teams:
            await self.indexing.rename(name := self.random.choice(sorted(self.teams)), "for a while")
            await self.indexing.rename("for a while", name)

    async def _attribute(self) -> None:
        await self.indexing.work()

    async def _crawl(self) -> None:
        confirmed = self.random.random() < 0.7
        for crawl in await self.indexing.crawl(confirmed=confirmed):
            self._see()
            if crawl.state is CrawlState.COMPLETED:
                self._bury(crawl.roots)
            else:
                assert crawl.state is CrawlState.HELD
                assert not crawl.confirmed

    async def _fail(self) -> None:
        for crawl in await self.indexing.crawl(source=self._broken(ListingFailed("the bucket is away"))):
            assert (crawl.state, crawl.detail) == (CrawlState.FAILED, "the bucket is away")
        await self._seen_so_far()

    async def _kill(self) -> None:
        """End a crawl's process in the middle; what changed in between is as it is when another goes on."""
        with suppress(BaseExceptionGroup):
            await self.indexing.crawl(source=self._broken(Killed()), confirmed=True)
        await self._seen_so_far()
        stored = set(self.stored)
        if self.random.random() < 0.5:
            await self._put()
        crawls = await self.indexing.crawl(confirmed=True)
        for crawl in crawls:
            assert crawl.state is CrawlState.COMPLETED
            self._bury(crawl.roots)
        # What was written in between is seen or not; it may have been gone before.
        for (_, key), each in (await self.indexing.objects()).items():
            if key in self.stored and key not in stored:
                self.indexed[key] = IndexedObject(each.size, "", (), deleted=each.deleted)
        await self._seen_so_far()
        assert {key for key in stored if self._home(key) is not None} <= set(self.indexed)

    async def _cancel(self) -> None:
        if self.backends:
            asked = await self.indexing.register.request(
                self.indexing.place("b"), by="token:one", at=self.indexing.now()
            )
            await self.indexing.register.cancel(asked.id, detail="", at=self.indexing.now())

    def _broken(self, fault: BaseException) -> OpenSource:
        after = self.random.randrange(4)

        @asynccontextmanager
        async def source(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
            async with self.indexing.source(place, definitions) as inner:
                yield _Broken(inner, after, fault)

        return source

    def _see(self) -> None:
        for key, size in self.stored.items():
            if self._home(key) is not None:
                self.indexed[key] = IndexedObject(size, "", ())

    async def _seen_so_far(self) -> None:
        """Let the model know what a crawl without an end happened to see: all of it is as it is stored."""
        for (_, key), each in (await self.indexing.objects()).items():
            known = self.indexed.get(key)
            if known is not None and (known.size, known.deleted) == (each.size, each.deleted):
                continue
            assert not each.deleted, "no crawl without an end deletes"
            assert each.size == self.stored[key]
            self.indexed[key] = IndexedObject(each.size, "", ())

    def _bury(self, roots: tuple[str, ...]) -> None:
        for key, each in self.indexed.items():
            if key.startswith(roots) and key not in self.stored:
                self.indexed[key] = IndexedObject(each.size, "", (), deleted=True)

    def _home(self, key: str) -> str | None:
        showing = [(-len(prefix), name) for name, prefix in self.backends.items() if key.startswith(prefix)]
        return min(showing)[1] if showing else None

    def _owners(self, key: str) -> tuple[str, ...]:
        claims = [
            (len(prefix + rule), backend != "*", team)
            for team, rules in self.teams.values()
            for backend, rule in rules
            for name, prefix in self.backends.items()
            if backend in (name, "*") and key.startswith(prefix) and key.startswith(prefix + rule)
        ]
        best = max((claim[:2] for claim in claims), default=None)
        return tuple(sorted({team for *rank, team in claims if tuple(rank) == best}))
