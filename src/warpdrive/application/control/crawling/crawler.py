"""The crawler: the one process of all control planes that keeps the storage index.

Whoever holds the index's lock runs; the others ask for it every second, so one that ends or loses its connection is
followed by another, which goes on with the crawl that was under way.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

import anyio

from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.crawling.crawl_pass import CrawlPass, OpenSource
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlRegister, CrawlState, PresentBackend
from warpdrive.application.ports.event_store import EventStoreError
from warpdrive.application.ports.storage_index import IndexWriter, StorageIndex

log = logging.getLogger(__name__)

SYSTEM: Final = "system:crawler"
"""Who asks for crawls by interval."""
RETRY: Final = timedelta(minutes=15)
"""A crawl that failed is tried again after so long, if the interval is not shorter."""
_LOOK_S: Final = 1.0
"""Between looks at the queue and at decisions, and between questions for the lock while another process runs."""
_DUE_S: Final = 10.0
"""Between looks at which places are due."""
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
"""Before trying again when the store is away, doubling from the first to the longest."""


class Crawler:
    """Runs crawls whenever no other process does.

    `interval`: how old a place's index may get before it is crawled without being asked; zero: any age.
    """

    def __init__(
        self, register: CrawlRegister, index: StorageIndex, open_source: OpenSource, clock: Clock, interval: timedelta
    ) -> None:
        self._register = register
        self._index = index
        self._open_source = open_source
        self._clock = clock
        self._interval = interval
        self.running = False
        """Whether this process is the runner."""

    async def run(self) -> NoReturn:
        """Run until cancelled, which takes effect within a second."""
        pause = _FIRST_PAUSE_S
        while True:
            began = anyio.current_time()
            try:
                await self._hold()
                pause = _FIRST_PAUSE_S
                await anyio.sleep(_LOOK_S)
                continue
            except EventStoreError as fault:
                log.warning("the crawler begins again: %s", fault)
            went_well = anyio.current_time() - began > _LONGEST_PAUSE_S
            pause = _FIRST_PAUSE_S if went_well else min(2 * pause, _LONGEST_PAUSE_S)
            await anyio.sleep(pause)

    async def _hold(self) -> None:
        """Run for as long as the lock is ours; return when it is another's."""
        async with self._index.running() as writer:
            if writer is None:
                return
            log.info("this process keeps the storage index")
            self.running = True
            try:
                await self._work(writer)
            finally:
                self.running = False

    async def _work(self, writer: IndexWriter) -> NoReturn:
        attributing = Attributing(writer.owners, self._clock)
        crawl_pass = CrawlPass(writer, attributing, self._open_source, self._clock)
        looked: float | None = None
        while True:
            await attributing.catch_up()
            if looked is None or anyio.current_time() - looked >= _DUE_S:
                await self.queue_due()
                looked = anyio.current_time()
            crawl = await writer.crawls.next()
            if crawl is None:
                await anyio.sleep(_LOOK_S)
            else:
                await crawl_pass.run(crawl)

    async def queue_due(self) -> None:
        """Ask for a crawl of every place whose last one is too long ago. Raises StoreUnavailable."""
        if not self._interval:
            return
        now = datetime.fromtimestamp(self._clock.wall(), UTC)
        places: dict[str, list[PresentBackend]] = {}
        for backend in await self._register.backends():
            places.setdefault(backend.place, []).append(backend)
        for place, backends in places.items():
            last = await self._register.page(backend=backends[0].name, limit=1)
            if not last or self._due(last[0], backends, now):
                await self._register.request(place, by=SYSTEM, at=now)

    def _due(self, last: CrawlRecord, backends: Sequence[PresentBackend], now: datetime) -> bool:
        if last.ended_at is None:
            return False
        # One that found nothing new to list has no roots. Else: a backend may have come since then.
        listed = last.state is CrawlState.COMPLETED and last.roots
        if listed and not all(each.prefix.startswith(last.roots) for each in backends):
            return True
        wait = min(self._interval, RETRY) if last.state is CrawlState.FAILED else self._interval
        return now - last.ended_at >= wait
