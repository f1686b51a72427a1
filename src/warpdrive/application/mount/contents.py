"""Open contents: what all handles of one object version share (its cache entry and the fetches under way)."""

from collections.abc import Callable

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.counters import ReadCounters
from warpdrive.application.mount.fetching import Fetch
from warpdrive.application.ports.errors import Corrupted
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.ports.page_cache import CachedObject, ContentId, PageCache


class Content:
    """One version of one object while anybody uses it. Held by handles, by fetches and by whoever warms it."""

    __slots__ = (
        "_holds",
        "_on_idle",
        "backend",
        "cached",
        "content_id",
        "fault",
        "fetches",
        "key",
        "size",
        "unread",
        "version",
    )

    def __init__(
        self,
        content_id: ContentId,
        info: ObjectInfo,
        backend: MountedBackend,
        cached: CachedObject,
        on_idle: Callable[["Content"], None],
    ) -> None:
        self.content_id = content_id
        self.key: ObjectKey = info.key
        self.size = info.size
        self.version: ObjectVersion = info.version
        self.backend = backend
        self.cached = cached
        self.fetches: list[Fetch] = []
        """Under way or lingering; never overlapping."""
        self.unread: set[int] = set()
        """Blocks that a prefetch asked for and no reader has entered yet."""
        self.fault: Corrupted | None = None
        """The backend's bytes do not match its own digest: what is not cached is refused until all have closed it."""
        self._holds = 0
        self._on_idle = on_idle

    @property
    def reader(self) -> ObjectReader:
        """The backend's reading half."""
        return self.backend.reader

    def hold(self) -> None:
        """Keep the content open until the matching `unhold`."""
        self._holds += 1

    def unhold(self) -> None:
        """Undo one `hold`; the last one closes the cache entry."""
        self._holds -= 1
        assert self._holds >= 0
        if self._holds == 0:
            self._on_idle(self)

    def find(self, position: int) -> Fetch | None:
        """The fetch that brings the byte at `position`, if any (one that failed or was given up brings nothing)."""
        for fetch in self.fetches:
            if fetch.start <= position < fetch.stop and fetch.error is None:
                return fetch
        return None

    def clear_of_fetches(self, start: int, stop: int) -> tuple[int, int]:
        """Cut [start, stop) back to what no fetch covers; `start` itself must not be covered."""
        for fetch in self.fetches:
            if start < fetch.stop and fetch.start < stop:
                stop = min(stop, max(start, fetch.start))
        return start, stop


class Contents:
    """The table of open contents, by identity. Each holds its backend (`MountedBackend.hold`) until it is closed."""

    def __init__(self, cache: PageCache, counters: ReadCounters) -> None:
        self._cache = cache
        self._counters = counters
        self._open: dict[ContentId, Content] = {}

    async def open(self, backend: MountedBackend, info: ObjectInfo) -> Content:
        """Return the content, held once for the caller. Never fails for a disk fault (the cache degrades)."""
        content_id = ContentId(backend.fingerprint, info.key, info.version)
        content = self._shared(content_id)
        if content is None:
            backend.hold()  # before the wait: it may be retired meanwhile, and must not be closed under us
            try:
                cached = await self._cache.open(content_id, info.size, info.digest)
            except BaseException:
                backend.unhold()
                raise
            content = self._shared(content_id)
            if content is None:
                content = Content(content_id, info, backend, cached, self._forget)
                self._open[content_id] = content
            else:  # somebody else opened it while we waited for the cache
                cached.close()
                backend.unhold()
        content.hold()
        return content

    def _shared(self, content_id: ContentId) -> Content | None:
        """The content that is open, unless its backend left service: its holders keep it, newcomers get the new one."""
        content = self._open.get(content_id)
        return None if content is None or content.backend.retired else content

    def find(self, backend: MountedBackend, info: ObjectInfo) -> Content | None:
        """The content if it is open; not held for the caller."""
        return self._open.get(ContentId(backend.fingerprint, info.key, info.version))

    def _forget(self, content: Content) -> None:
        self._counters.readahead_wasted += len(content.unread)
        if self._open.get(content.content_id) is content:
            del self._open[content.content_id]
        content.cached.close()
        content.backend.unhold()
