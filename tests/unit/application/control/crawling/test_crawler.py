"""The crawler on memory twins: who runs, what is due, what comes of a crawl that cannot be made."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import anyio
import pytest

from tests.support.indexing import Indexing, indexing_in_memory
from tests.support.ports import wait_until_async
from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.crawling.crawl_pass import CrawlPass
from warpdrive.application.control.crawling.crawler import RETRY, SYSTEM, Crawler
from warpdrive.application.ports.crawl_register import CrawlState
from warpdrive.application.ports.event_store import EventStoreError, StoreUnavailable
from warpdrive.application.ports.listing_source import ListedPage, ListingFailed, ListingSource
from warpdrive.application.ports.storage_index import IndexWriter, Missing
from warpdrive.domain.governance.attribution import Attribution
from warpdrive.domain.namespace.values import BackendDefinition

DAY = timedelta(days=1)


def _crawler(indexing: Indexing, interval: timedelta = DAY) -> Crawler:
    return Crawler(indexing.register, indexing.index, indexing.source, indexing.clock, interval)


async def _states(indexing: Indexing) -> list[str]:
    return [crawl.state.value for crawl in await indexing.register.page(limit=10)]


async def test_a_place_is_crawled_at_once_and_then_by_interval() -> None:
    """One that never was is due; after that when its last crawl ended so long ago."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        crawler = _crawler(indexing)
        await crawler.queue_due()
        await crawler.queue_due()
        assert await _states(indexing) == ["queued"]
        (first,) = await indexing.register.page(limit=10)
        assert first.requested_by == SYSTEM
        await indexing.work()
        indexing.clock.advance(DAY.total_seconds() - 1)
        await crawler.queue_due()
        assert await _states(indexing) == ["completed"]
        indexing.clock.advance(1)
        await crawler.queue_due()
        assert await _states(indexing) == ["queued", "completed"]


async def test_without_an_interval_nothing_is_due() -> None:
    """Zero means never by itself."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        await _crawler(indexing, timedelta()).queue_due()
        assert await _states(indexing) == []


async def test_a_failed_crawl_is_tried_again_sooner() -> None:
    """After a quarter of an hour, and its detail says what to do meanwhile."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        (failed,) = await indexing.crawl(source=_refused)
        assert (failed.state, failed.detail) == (CrawlState.FAILED, "add control_plane.credentials.lake")
        crawler = _crawler(indexing)
        indexing.clock.advance(RETRY.total_seconds() - 1)
        await crawler.queue_due()
        assert await _states(indexing) == ["failed"]
        indexing.clock.advance(1)
        await crawler.queue_due()
        assert await _states(indexing) == ["queued", "failed"]


async def test_a_backend_that_came_since_is_due_at_once() -> None:
    """A crawl that did not list below its prefix says nothing about it; one inside the others' is known already."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b", prefix="a/")
        await indexing.crawl()
        crawler = _crawler(indexing)
        await indexing.mount("/e", "inner", bucket="b", prefix="a/b/")
        await crawler.queue_due()
        assert await _states(indexing) == ["completed"]
        await indexing.mount("/f", "other", bucket="b", prefix="c/")
        await crawler.queue_due()
        assert await _states(indexing) == ["queued", "completed"]


async def test_our_own_fault_ends_the_crawl_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """An adapter that breaks has its crawl failed, with the fault in the log."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        (failed,) = await indexing.crawl(source=_broken)
        assert (failed.state, failed.detail) == (
            CrawlState.FAILED,
            "ZeroDivisionError; the control plane's log has more",
        )
        assert "met a fault of ours" in caplog.text


async def test_a_place_that_nobody_mounts_any_more_keeps_its_objects() -> None:
    """Its crawl fails, and what was indexed stays under the backend's name until somebody decides."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        team = await indexing.team("vision", ("data", ""))
        await indexing.put("b", "x", 5)
        await indexing.crawl()
        await indexing.unmount("/d")
        asked = await indexing.register.request(indexing.place("b"), by="token:one", at=indexing.now())
        await indexing.work()
        failed = await indexing.register.get(asked.id)
        assert failed is not None
        assert (failed.state, failed.backends) == (CrawlState.FAILED, ())
        assert "no namespace has a backend there any more" in failed.detail
        assert await indexing.capacity() == {("data", (team,)): (1, 5)}


async def test_who_has_the_lock_works_and_the_store_may_go_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for the lock, survives a store that is away, and does what was asked for; cancelling ends it at once."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        await indexing.put("b", "x", 1)
        real = indexing.index.running
        calls: list[int] = []

        @asynccontextmanager
        async def unreliable() -> AsyncIterator[IndexWriter | None]:
            calls.append(len(calls))
            if len(calls) == 1:
                raise StoreUnavailable("away")
            async with real() as writer:
                yield None if len(calls) == 2 else writer

        monkeypatch.setattr(indexing.index, "running", unreliable)
        crawler = _crawler(indexing)
        done: list[bool] = []

        async def look() -> None:
            while not done:
                states = await _states(indexing)
                if states == ["completed"]:
                    done.append(True)
                await anyio.sleep(0.01)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crawler.run)
            tasks.start_soon(look)
            await wait_until_async(lambda: bool(done))
            assert crawler.running
            tasks.cancel_scope.cancel()
        assert not crawler.running
        assert len(calls) == 3


@asynccontextmanager
async def _refused(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
    assert definitions[0].place == place
    raise ListingFailed("add control_plane.credentials.lake")
    yield  # type: ignore[unreachable] # makes it a generator


@asynccontextmanager
async def _broken(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
    assert place
    assert 1 / (len(definitions) - 1)
    raise AssertionError
    yield  # type: ignore[unreachable] # makes it a generator


class _Refusing:
    """An index of objects that answers a merge with an error."""

    def __init__(self, error: EventStoreError) -> None:
        self._error = error

    async def merge(self, crawl: int, pages: Sequence[ListedPage], attribution: Attribution, *, at: datetime) -> None:
        """Refuse."""
        assert (crawl, len(pages)) == (1, 1), f"at {at} by {attribution}"
        raise self._error

    async def missing(self, crawl: int, roots: Sequence[str]) -> Missing:
        """Nobody comes so far."""
        raise AssertionError(f"crawl {crawl} of {roots} goes on")

    async def complete(self, crawl: int, roots: Sequence[str], *, at: datetime) -> None:
        """Nobody comes so far."""
        raise AssertionError(f"crawl {crawl} of {roots} goes on, at {at}")


@pytest.mark.parametrize(
    ("error", "state"),
    [(EventStoreError("too long"), CrawlState.FAILED), (StoreUnavailable("away"), CrawlState.RUNNING)],
)
async def test_what_the_store_never_takes_ends_its_crawl_alone(error: EventStoreError, state: CrawlState) -> None:
    """Tried again for ever it would keep every other place from being crawled; a store that is away is waited for."""
    async with indexing_in_memory() as indexing:
        await indexing.mount("/d", "data", bucket="b")
        await indexing.put("b", "x", 1)
        (place,) = [each.place for each in await indexing.register.backends()]
        asked = await indexing.register.request(place, by="token:tester", at=indexing.now())
        async with indexing.index.running() as writer:
            assert writer is not None
            refusing = replace(writer, objects=_Refusing(error))
            crawls = CrawlPass(refusing, Attributing(writer.owners, indexing.clock), indexing.source, indexing.clock)
            waits: AbstractContextManager[Any] = (
                nullcontext() if state is CrawlState.FAILED else pytest.raises(StoreUnavailable)
            )
            with waits:
                await crawls.run(asked)
        found = await indexing.register.get(asked.id)
        assert found is not None
        assert found.state is state
