"""Fetches: one ranged GET each, shared by everyone who wants its bytes, bounded, demand before prefetch.

Rules that hold here:
- Within one content no two fetches overlap (single flight); `contents.Content.fetches` is the list of them.
- Readers are served from the buffer while it fills; the cache is written once, afterwards, from the same buffer.
- A buffer goes back to the pool when its fetch is settled and `readers` is 0, never before. A view handed to a
  transport is used up before that task next awaits, so it needs no hold of its own.
- A prefetch that nobody wants any more is cancelled; a demand fetch is cancelled when its last waiter is.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.buffers import Buffer, BufferPool
from warpdrive.application.mount.counters import ReadCounters
from warpdrive.application.mount.errors import BackendOffline
from warpdrive.application.ports.errors import Corrupted
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.ports.page_cache import CachedObject
from warpdrive.domain.content.pages import PAGE_SIZE, page_floor

PREFETCH_IN_FLIGHT = 256 * 1024 * 1024
"""Most bytes of prefetches under way over all handles (`dataplane.md`, The cache)."""

_ONE_REQUEST = 1024 * 1024
"""The kernel's largest read; one fetch should serve it whole even when blocks are smaller."""

_LINGERING = 32 * 1024 * 1024
"""Bytes of fetches kept in memory when the cache disk refuses to record them."""

_LINGERING_FETCHES = 256
"""The same in number: each keeps its content, and with it a descriptor, open, however small it is."""


class FetchCancelled(Exception):
    """Raised to a reader that joined a fetch in the moment it was cancelled; the read path tries again."""


class FetchTarget(Protocol):
    """What a fetch brings bytes of: an open content (`contents.Content`)."""

    key: ObjectKey
    version: ObjectVersion
    cached: CachedObject
    fetches: "list[Fetch]"
    backend: MountedBackend
    fault: Corrupted | None

    @property
    def reader(self) -> ObjectReader:
        """The backend's reading half."""

    def hold(self) -> None:
        """Keep the content open."""

    def unhold(self) -> None:
        """Undo one `hold`."""


class Fetch:
    """The bytes [start, stop) of one content, on their way. Also the `BodySink` that its reader tells."""

    __slots__ = (
        "_waiting",
        "buffer",
        "content",
        "demand",
        "ended",
        "error",
        "filled",
        "headers",
        "info",
        "readers",
        "scope",
        "settled",
        "start",
        "stop",
        "transferred",
    )

    def __init__(self, content: FetchTarget, start: int, stop: int, *, demand: bool) -> None:
        self.content = content
        self.start = start
        self.stop = stop
        self.demand = demand
        self.buffer: Buffer | None = None
        self.filled = 0
        """Bytes of the buffer that are valid; only grows."""
        self.headers = anyio.Event()
        self.info: ObjectInfo | None = None
        self.error: Exception | None = None
        self.ended = anyio.Event()
        """Set when the bytes are stored, or will not be: what warming waits for."""
        self.settled = False
        """True once nothing will be added: stored, failed or cancelled."""
        self.transferred = False
        """All bytes are in the buffer; from then on nothing cancels it."""
        self.readers = 0
        self.scope = anyio.CancelScope()
        self._waiting: list[tuple[int, anyio.Event]] = []

    def started(self, info: ObjectInfo) -> None:
        """Headers are in."""
        self.info = info
        self.headers.set()

    def advanced(self, filled: int) -> None:
        """More bytes are in."""
        self.filled = filled
        if self._waiting:
            for wanted, event in self._waiting:
                if wanted <= filled:
                    event.set()
            self._waiting = [each for each in self._waiting if each[0] > filled]

    def fail(self, error: Exception) -> None:
        """Nothing more will come; wake everyone."""
        self.error = error
        self.headers.set()
        for _, event in self._waiting:
            event.set()
        self._waiting = []

    async def wait(self, stop: int) -> None:
        """Wait until the bytes before object offset `stop` are in. Raises the fetch's error if they will not come."""
        wanted = stop - self.start
        if self.filled < wanted and self.error is None:
            event = anyio.Event()
            self._waiting.append((wanted, event))
            await event.wait()
        if self.filled < wanted and self.error is not None:
            raise self.error

    async def wait_started(self) -> None:
        """Wait for the response's headers. Raises the fetch's error when there were none."""
        await self.headers.wait()
        if self.info is None and self.error is not None:
            raise self.error

    def view(self, start: int, stop: int) -> memoryview:
        """Return the valid bytes of object range [start, stop); good until the calling task next awaits."""
        assert self.buffer is not None
        return self.buffer.view[start - self.start : stop - self.start]


class FetchScheduler:
    """Starts fetches: at most `max_parallel` at once, the last two places kept for demand, demand always first."""

    def __init__(
        self,
        tasks: TaskGroup,
        pool: BufferPool,
        counters: ReadCounters,
        *,
        max_parallel: int,
        on_error: Callable[[Fetch, Exception], None],
    ) -> None:
        self._tasks = tasks
        self._pool = pool
        self._counters = counters
        self._max_parallel = max_parallel
        self._max_ahead = max(1, max_parallel - 2)
        self._on_error = on_error
        self._demand: deque[Fetch] = deque()
        self._ahead: deque[Fetch] = deque()
        self._running = 0
        self._ahead_bytes = 0
        """Bytes of prefetches queued or running."""
        self._room = anyio.Event()
        """Set, and replaced, whenever prefetches under way became fewer."""
        self._lingering: OrderedDict[Fetch, None] = OrderedDict()
        """Transferred, and refused by the disk: kept for their readers; oldest first."""
        self._lingering_bytes = 0
        """Invariant: the sum of their lengths."""
        self._ending: BackendOffline | None = None

    @property
    def largest(self) -> int:
        """Most bytes that one fetch may have, so that several always fit the memory limit."""
        return max(PAGE_SIZE, page_floor(min(max(self._pool.block_size, _ONE_REQUEST), self._pool.limit // 4)))

    def room_ahead(self) -> int:
        """Bytes that may still be prefetched now; while none is under way, one fetch always fits."""
        return max(min(PREFETCH_IN_FLIGHT, self._pool.limit // 2), self.largest) - self._ahead_bytes

    async def wait_for_room(self) -> None:
        """Wait until some prefetch has ended; at once when none is under way."""
        if self._ahead_bytes:
            await self._room.wait()

    def demand(self, content: FetchTarget, start: int, stop: int) -> Fetch:
        """Fetch for a waiting reader; no fetch of the content may overlap. Raises BackendOffline once closed."""
        if self._ending is not None:
            raise self._ending
        fetch = Fetch(content, start, stop, demand=True)
        self._enlist(fetch)
        self._demand.append(fetch)
        self._pump()
        return fetch

    def ahead(self, content: FetchTarget, start: int, stop: int) -> Fetch:
        """Fetch because somebody may want it soon; the caller respects `room_ahead`."""
        fetch = Fetch(content, start, stop, demand=False)
        self._enlist(fetch)
        self._ahead_bytes += stop - start
        self._ahead.append(fetch)
        self._pump()
        return fetch

    def promote(self, fetch: Fetch) -> None:
        """A reader waits for what was a mere prefetch: move it to the front."""
        if not fetch.demand and not fetch.ended.is_set():  # an ended one has given its room back
            fetch.demand = True
            self._give_room(fetch)
            if fetch in self._ahead:
                self._ahead.remove(fetch)
                self._demand.append(fetch)
                self._pump()

    def release(self, fetch: Fetch) -> None:
        """One reader is done with the fetch (`readers` was raised by it before waiting)."""
        fetch.readers -= 1
        self._reclaim(fetch)

    def desert(self, fetch: Fetch) -> None:
        """The reader was cancelled while waiting: release, and cancel the fetch if it was the last one."""
        fetch.readers -= 1
        if fetch.readers == 0 and not fetch.settled and not fetch.transferred:
            if fetch in self._demand:
                self._demand.remove(fetch)
                self._settle(fetch)
                return
            fetch.scope.cancel()
        self._reclaim(fetch)

    def abandon(self, fetch: Fetch) -> None:
        """Nobody wants this prefetch any more; cancel it unless a reader has joined since."""
        if fetch.readers or fetch.settled or fetch.demand or fetch.transferred:
            return
        if fetch in self._ahead:
            self._ahead.remove(fetch)
            self._give_room(fetch)
            self._settle(fetch)
            return
        fetch.scope.cancel()

    def _enlist(self, fetch: Fetch) -> None:
        fetch.content.fetches.append(fetch)
        fetch.content.hold()
        self._counters.fetches += 1
        self._counters.fetched_bytes += fetch.stop - fetch.start

    def _give_room(self, fetch: Fetch) -> None:
        self._ahead_bytes -= fetch.stop - fetch.start
        self._room.set()
        self._room = anyio.Event()

    def _pump(self) -> None:
        while self._running < self._max_parallel:
            if self._demand:
                fetch = self._demand.popleft()
            elif self._ahead and self._running < self._max_ahead:
                fetch = self._ahead.popleft()
            else:
                return
            self._running += 1
            self._tasks.start_soon(self._run, fetch)

    async def _run(self, fetch: Fetch) -> None:
        stored = False
        try:
            try:
                with fetch.scope:
                    await self._transfer(fetch)
            finally:
                self._running -= 1
                self._pump()
            if fetch.transferred:
                # Outside the parallel limit: a disk that stalls slows fetching only once the memory limit is reached.
                stored = await fetch.content.cached.store(fetch.start, fetch.view(fetch.start, fetch.stop))
                fetch.ended.set()
                if not stored:
                    self._linger(fetch)
        except Exception as error:  # noqa: BLE001  every waiter gets it; a task group must not die of it
            fetch.fail(error)
            self._on_error(fetch, error)
        finally:
            if not fetch.demand:
                self._give_room(fetch)
            if fetch not in self._lingering and not fetch.settled:  # one too large to linger has been settled
                self._settle(fetch)
            self._pump()

    async def _transfer(self, fetch: Fetch) -> None:
        content = fetch.content
        fetch.buffer = await self._pool.acquire(fetch.stop - fetch.start, demand=fetch.demand)
        view = fetch.buffer.view
        info = await content.reader.read_range(content.key, fetch.start, view, version=content.version, sink=fetch)
        if fetch.info is None:
            fetch.started(info)
        fetch.advanced(len(view))
        fetch.transferred = True

    def _settle(self, fetch: Fetch) -> None:
        fetch.settled = True
        fetch.ended.set()
        if fetch in self._lingering:
            del self._lingering[fetch]
            self._lingering_bytes -= fetch.stop - fetch.start
        if fetch.error is None and fetch.filled < fetch.stop - fetch.start:
            fetch.fail(self._ending or FetchCancelled("the fetch was cancelled"))
        fetch.content.fetches.remove(fetch)
        self._reclaim(fetch)
        fetch.content.unhold()

    def let_go(self, content: FetchTarget, before: int) -> None:
        """The content's reader is past `before`: what lingers of it up to there has done its service."""
        for fetch in [each for each in content.fetches if each in self._lingering and each.stop <= before]:
            self._settle(fetch)

    def close(self) -> None:
        """The mount ends: readers of what is given up from now on get an error, else they would ask for ever."""
        self._ending = BackendOffline("the mount is ending")

    def drop_lingering(self) -> None:
        """Let go of every lingering buffer (at shutdown)."""
        while self._lingering:
            self._settle(next(iter(self._lingering)))

    def _linger(self, fetch: Fetch) -> None:
        """Keep an unrecorded buffer for its readers, or every request of the block would fetch it anew."""
        self._counters.uncached_reads += 1
        self._lingering[fetch] = None
        room = min(_LINGERING, self._pool.limit // 4)
        self._lingering_bytes += fetch.stop - fetch.start
        while self._lingering_bytes > room or len(self._lingering) > _LINGERING_FETCHES:
            self._settle(next(iter(self._lingering)))

    def _reclaim(self, fetch: Fetch) -> None:
        if fetch.settled and fetch.readers == 0 and fetch.buffer is not None:
            self._pool.release(fetch.buffer)
            fetch.buffer = None
