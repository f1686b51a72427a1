"""The way of a byte: from the cache if it is there, else through one shared fetch.

A hit never waits: `peek` answers from memory within the caller's task step. Otherwise the bytes come from the
cache's disk, or from the buffer of a fetch while that fills, so a reader waits for its own bytes and no more.
"""

from collections import deque
from collections.abc import Callable

from warpdrive.application.mount.contents import Content
from warpdrive.application.mount.counters import ReadCounters
from warpdrive.application.mount.fetching import Fetch, FetchCancelled, FetchScheduler
from warpdrive.domain.content.pages import page_ceil, page_floor

DemandPlan = Callable[[int, int], tuple[int, int]]
"""(offset, stop) of a miss -> the page-aligned range to fetch for it (`Readahead.demand`)."""

_FILL_AT_ONCE = 4
"""Blocks of one file that warming fetches at once; it fills several files at once as well."""

_DISTRUST = 3
"""Times that the cache may fail to produce what it says it has before a read goes around it."""

Bytes = bytes | memoryview


class ReadPath:
    """Reads contents. Shared by handles, the prefetcher and whoever warms the cache."""

    def __init__(self, scheduler: FetchScheduler, counters: ReadCounters) -> None:
        self._scheduler = scheduler
        self._counters = counters

    def peek(self, content: Content, offset: int, length: int) -> memoryview | None:
        """The bytes if they are in memory, valid until the calling task next awaits; else None, at once."""
        if content.fetches:
            fetch = content.find(offset)
            if fetch is not None and fetch.start + fetch.filled >= offset + length:
                return fetch.view(offset, offset + length)
        return content.cached.peek(offset, length)

    def passed(self, content: Content, before: int) -> None:
        """The reader has left everything before this offset behind."""
        if content.fetches:
            self._scheduler.let_go(content, before)

    async def read(self, content: Content, offset: int, length: int, plan: DemandPlan) -> tuple[Bytes, bool]:
        """Return (bytes [offset, offset + length), whether all came from the cache).

        The range lies inside the object. Bytes are valid until the calling task next awaits. Raises BackendError
        (VersionChanged when the pinned version is gone).
        """
        stop = offset + length
        if content.cached.missing(offset, stop) is None:
            data = await content.cached.read(offset, length)
            if data is not None:
                return data, True
        return await self._assemble(content, offset, stop, plan), False

    async def fill(self, content: Content, start: int, stop: int, progress: Callable[[int], None]) -> None:
        """Bring [start, stop) into the cache, several blocks at once; `progress` gets the bytes that were stored.

        Readers' own fetches go first. Raises BackendError. Where the cache disk refuses, nothing is kept.
        """
        under_way: deque[tuple[Fetch, int]] = deque()
        position = start
        try:
            while position < stop or under_way:
                while position < stop and len(under_way) < _FILL_AT_ONCE:
                    gap = content.cached.missing(position, stop)
                    if gap is None:
                        position = stop
                        break
                    position = max(position, gap[0])
                    fetch = content.find(position) or await self._fill_one(content, position, gap[1], not under_way)
                    if fetch is None and under_way:
                        break  # holding buffers that others' fetches may need, nobody waits for room
                    if fetch is None:
                        continue  # looked up again: the wait for room may have changed everything
                    fetch.readers += 1
                    under_way.append((fetch, position))
                    position = fetch.stop
                if under_way:
                    fetch, since = under_way.popleft()
                    try:
                        await fetch.ended.wait()
                    finally:
                        self._scheduler.release(fetch)
                    if isinstance(fetch.error, FetchCancelled):
                        position = min(position, since)
                    elif fetch.error is not None:
                        raise fetch.error
                    else:
                        progress(min(fetch.stop, stop) - since)
        finally:
            for fetch, _ in under_way:
                self._scheduler.release(fetch)

    async def _fill_one(self, content: Content, position: int, stop: int, patient: bool) -> Fetch | None:
        """Start a fetch that readers may overtake; None, and `patient` after waiting, when there is no room."""
        start, stop = self._cut(content, position, page_floor(position), stop)
        if stop - start > self._scheduler.room_ahead():
            if patient:
                await self._scheduler.wait_for_room()
            return None
        return self._scheduler.ahead(content, start, stop)

    def start(self, content: Content, offset: int, stop: int, plan: DemandPlan) -> Fetch | None:
        """Start (or find) the fetch for a coming read at `offset`; None when its first page is in the cache."""
        gap = content.cached.missing(offset, stop)
        if gap is None or gap[0] > offset:
            return None
        return content.find(offset) or self._demand(content, offset, *plan(offset, stop))

    async def wait_started(self, fetch: Fetch) -> None:
        """Wait for a fetch's headers. Raises its BackendError; FetchCancelled when it was given up."""
        self._scheduler.promote(fetch)
        fetch.readers += 1
        try:
            await fetch.wait_started()
        finally:
            self._scheduler.release(fetch)

    async def _assemble(self, content: Content, offset: int, stop: int, plan: DemandPlan) -> Bytes:
        if content.fault is not None:
            raise content.fault
        position = offset
        pieces: list[Bytes] = []
        doubts = 0
        while position < stop:
            fetch = content.find(position)
            if fetch is None:
                gap = None if doubts >= _DISTRUST else content.cached.missing(position, stop)
                if doubts < _DISTRUST and (gap is None or gap[0] > position):
                    recorded = stop if gap is None else min(gap[0], stop)
                    data = await content.cached.read(position, recorded - position)
                    if data is None:
                        doubts += 1
                        continue
                    pieces.append(bytes(data) if isinstance(data, memoryview) else data)
                    position = recorded
                    continue
                wanted = plan(position, stop) if doubts < _DISTRUST else (page_floor(position), page_ceil(stop))
                fetch = self._demand(content, position, *wanted)
            until = min(stop, fetch.stop)
            try:
                await self._await_bytes(fetch, until)
            except FetchCancelled:
                continue
            view = fetch.view(position, until)
            self._scheduler.release(fetch)
            if position == offset and until == stop:
                return view
            pieces.append(bytes(view))
            position = until
        return b"".join(pieces)

    async def _await_bytes(self, fetch: Fetch, until: int) -> None:
        """Wait for bytes, holding the fetch. On success the caller releases it; on any failure it is released."""
        self._scheduler.promote(fetch)
        fetch.readers += 1
        try:
            await fetch.wait(until)
        except Exception:
            self._scheduler.release(fetch)
            raise
        except BaseException:  # cancelled: nobody else may want these bytes
            self._scheduler.desert(fetch)
            raise

    def _demand(self, content: Content, position: int, start: int, stop: int) -> Fetch:
        """Start a fetch that brings `position` for a waiting reader."""
        return self._scheduler.demand(content, *self._cut(content, position, start, stop))

    def _cut(self, content: Content, position: int, start: int, stop: int) -> tuple[int, int]:
        """Cut a wanted range around `position` to what is missing, free of fetches and not too large for one."""
        start = page_floor(start)
        gap = content.cached.missing(start, max(stop, start + 1))
        if gap is not None and gap[0] <= position:
            stop = min(stop, gap[1])
        stop = min(max(stop, position + 1), start + self._scheduler.largest)
        stop = min(page_ceil(stop), content.size)
        _, stop = content.clear_of_fetches(start, stop)
        assert start <= position < stop
        return start, stop
