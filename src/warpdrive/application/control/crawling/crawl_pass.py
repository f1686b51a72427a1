"""One crawl, from its first page to what comes of it."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Final

import anyio

from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.crawling.gathering import batches
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState
from warpdrive.application.ports.event_store import StoreReadOnly, StoreUnavailable
from warpdrive.application.ports.listing_source import ListedPage, ListingFailed, ListingSource, NothingNew
from warpdrive.application.ports.storage_index import CrawlEnded, IndexWriter, Missing
from warpdrive.domain.governance.vanishing import FEW, SHARE, doubtful
from warpdrive.domain.namespace.values import BackendDefinition

log = logging.getLogger(__name__)

OpenSource = Callable[[str, Sequence[BackendDefinition]], AbstractAsyncContextManager[ListingSource]]
"""From a place and its present backends (never none) to what lists it. Entering raises ListingFailed, NothingNew."""

_LOOK_S: Final = 1.0
"""Between looks at whether somebody cancelled it or decided something."""


class CrawlPass:
    """Carries crawls out, each resumable: whatever ends this process, another goes on where this one was."""

    def __init__(self, writer: IndexWriter, attributing: Attributing, open_source: OpenSource, clock: Clock) -> None:
        self._writer = writer
        self._attributing = attributing
        self._open_source = open_source
        self._clock = clock

    async def run(self, crawl: CrawlRecord) -> None:
        """Carry one out, and record how it ended.

        Raises StoreUnavailable, StoreReadOnly; nothing else ends the caller.
        """
        log.info("crawl %d of %s (%s) begins", crawl.id, crawl.place, ", ".join(crawl.backends))
        try:
            await self._attempt(crawl)
        except CrawlEnded:
            log.info("crawl %d of %s was ended by somebody", crawl.id, crawl.place)
        except ListingFailed as fault:
            await self._end(crawl, CrawlState.FAILED, fault.detail)
        except NothingNew as told:
            await self._leave(crawl, told)
        except (StoreUnavailable, StoreReadOnly):
            raise
        except Exception as error:
            # A fault of ours, in an adapter perhaps, or something that the store will never take: it ends this crawl,
            # not the worker that has other work too.
            log.exception("crawl %d of %s met a fault of ours", crawl.id, crawl.place)
            await self._end(crawl, CrawlState.FAILED, f"{type(error).__name__}; the control plane's log has more")

    async def _attempt(self, crawl: CrawlRecord) -> None:
        definitions = await self._writer.crawls.definitions(crawl.place)
        if not definitions:
            raise ListingFailed("no namespace has a backend there any more")
        # A backend may have come since owners were last looked at; what is listed below it needs a home.
        await self._attributing.catch_up()
        async with self._open_source(crawl.place, definitions) as source:
            roots = source.roots
            # A crawl begins when what it lists was there: later objects are not missing, later leases not in it.
            began = source.as_of or self._now()
            parts = await self._writer.crawls.begin(crawl.id, source=source.kind, roots=roots, at=began)
            async with batches(source, parts) as gathered:
                looked = anyio.current_time()
                async for pages in gathered:
                    if anyio.current_time() - looked >= _LOOK_S:
                        await self._attributing.catch_up()
                        looked = anyio.current_time()
                    await self._take_in(crawl, pages)
        await self._conclude(crawl, roots)

    async def _take_in(self, crawl: CrawlRecord, pages: Sequence[ListedPage]) -> None:
        if not pages:
            await self._writer.crawls.going(crawl.id)
            return
        attribution = self._attributing.of(crawl.place)
        await self._writer.objects.merge(crawl.id, pages, attribution, at=self._now())

    async def _conclude(self, crawl: CrawlRecord, roots: Sequence[str]) -> None:
        missing = await self._writer.objects.missing(crawl.id, roots)
        if doubtful(missing.known, missing.missing, emptied=bool(missing.emptied)) and not missing.confirmed:
            await self._end(crawl, CrawlState.HELD, _held(crawl, missing))
            return
        await self._writer.objects.complete(crawl.id, roots, at=self._now())
        log.info("crawl %d of %s completed; %d objects are gone", crawl.id, crawl.place, missing.missing)

    async def _end(self, crawl: CrawlRecord, state: CrawlState, detail: str) -> None:
        log.warning("crawl %d of %s: %s: %s", crawl.id, crawl.place, state.value, detail)
        try:
            await self._writer.crawls.end(crawl.id, state, detail, at=self._now())
        except CrawlEnded:
            log.info("crawl %d was ended by somebody before", crawl.id)

    async def _leave(self, crawl: CrawlRecord, told: NothingNew) -> None:
        """Complete it with the index as it is."""
        log.info("crawl %d of %s: %s", crawl.id, crawl.place, told.detail)
        try:
            await self._writer.crawls.begin(crawl.id, source=told.kind, roots=(), at=told.as_of)
            await self._writer.crawls.end(crawl.id, CrawlState.COMPLETED, told.detail, at=self._now())
        except CrawlEnded:
            log.info("crawl %d was ended by somebody before", crawl.id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


def _held(crawl: CrawlRecord, missing: Missing) -> str:
    """Say what is doubted, and how to answer."""
    backend = crawl.backends[0] if crawl.backends else "BACKEND"
    rule = f"more than {FEW} and {SHARE:.0%} are"
    if missing.missing >= missing.known:
        rule = "everything is missing"
    elif missing.emptied:
        rule = f"everything of {', '.join(missing.emptied)} is"
    return (
        f"{missing.missing} of {missing.known} objects are missing from the listing ({rule}), so nothing was counted "
        f"as deleted; if they are really gone: warpdrive-ctl crawl --backend {backend} --confirm-deletions"
    )
