"""The disk cache against a dict, through stores, reads, evictions, restarts and crashes."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.integration.cache.cache_writer import content, page_bytes, size
from tests.support.crashing_cache import CrashingCache, disk_bytes
from warpdrive.adapters.cache.object import DiskObject
from warpdrive.domain.content.pages import PAGE_SIZE, page_count

BLOCK = 2 * PAGE_SIZE
MAX_BYTES = 20 * PAGE_SIZE
OBJECTS = 3

numbers = st.integers(0, OBJECTS - 1)
pages = st.integers(0, 15)


class CacheMachine(RuleBasedStateMachine):
    """`stored` are pages that a store said yes to and nothing has dropped on purpose: an upper bound of the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "cache"
        self.stored: set[tuple[int, int]] = set()
        self.opened: dict[int, DiskObject] = {}
        self.cache: CrashingCache

    @initialize()
    def start(self) -> None:
        """Start on whatever the directory holds."""
        self.cache = self.runner.run(CrashingCache(self.path, MAX_BYTES, BLOCK, keep_closed=1).__aenter__())

    def stop(self, *, crash: bool) -> None:
        """End the cache, orderly or not."""
        for number in list(self.opened):
            self.opened.pop(number).close()
        self.cache.crash = crash
        self.runner.run(self.cache.aclose())

    def obj(self, number: int) -> DiskObject:
        """Return the object, opened if need be."""
        if number not in self.opened:
            self.opened[number] = self.runner.run(self.cache.open(content(number), size(number)))
        return self.opened[number]

    @rule(number=numbers, first=pages, count=st.integers(1, 6))
    def store(self, number: int, first: int, count: int) -> None:
        """A store of pages that exist succeeds: nothing is pinned."""
        total = page_count(size(number))
        first = min(first, total - 1)
        stop = min(first + count, total)
        data = b"".join(page_bytes(number, page) for page in range(first, stop))
        obj = self.obj(number)
        assert self.runner.run(obj.store(first * PAGE_SIZE, memoryview(data)))
        assert obj.missing(first * PAGE_SIZE, min(stop * PAGE_SIZE, size(number))) is None
        self.stored |= {(number, page) for page in range(first, stop)}

    @rule(number=numbers, page=pages)
    def read(self, number: int, page: int) -> None:
        """What is served was stored, and is right; what is not missing is served."""
        page = min(page, page_count(size(number)) - 1)
        expected = page_bytes(number, page)
        obj = self.obj(number)
        missing = obj.missing(page * PAGE_SIZE, page * PAGE_SIZE + len(expected))
        data = self.runner.run(obj.read(page * PAGE_SIZE, len(expected)))
        assert (data is None) == (missing is not None)
        if data is not None:
            assert data == expected
            assert (number, page) in self.stored
        seen = obj.peek(page * PAGE_SIZE, len(expected))
        assert seen is None or bytes(seen) == expected

    @rule(number=numbers, block=st.integers(0, 7))
    def touch(self, number: int, block: int) -> None:
        """Tell the policy."""
        self.obj(number).touch(block)

    @rule(number=numbers)
    def close(self, number: int) -> None:
        """Give the object back."""
        if number in self.opened:
            self.opened.pop(number).close()

    @rule(number=numbers)
    def evict(self, number: int) -> None:
        """Nothing of the object is left."""
        self.runner.run(self.cache.evict(content(number)))
        assert self.cache.cached_bytes(content(number), size(number)) == 0
        self.stored = {(other, page) for other, page in self.stored if other != number}

    @rule()
    def commit(self) -> None:
        """Have everything written."""
        self.runner.run(self.cache.settled())

    @rule()
    def restart(self) -> None:
        """An orderly restart loses nothing."""
        before = {number: self.cache.cached_bytes(content(number), size(number)) for number in range(OBJECTS)}
        self.stop(crash=False)
        self.start()
        after = {number: self.cache.cached_bytes(content(number), size(number)) for number in range(OBJECTS)}
        assert after == before

    @rule()
    def crash(self) -> None:
        """A crash may lose what was not committed, but no space."""
        self.stop(crash=True)
        self.start()
        assert disk_bytes(self.path) <= self.cache.stats().size_bytes + OBJECTS * PAGE_SIZE

    @invariant()
    def figures_agree(self) -> None:
        """Totals are the sum over objects and within the maximum."""
        if not hasattr(self, "cache"):
            return
        total = sum(self.cache.cached_bytes(content(number), size(number)) for number in range(OBJECTS))
        assert self.cache.stats().size_bytes == total <= MAX_BYTES
        for number, obj in self.opened.items():
            assert obj.cached_bytes == self.cache.cached_bytes(content(number), size(number))
        assert self.cache.stats().corrupt_pages == 0

    def teardown(self) -> None:
        """Close everything."""
        if hasattr(self, "cache"):
            self.stop(crash=False)
        self.runner.close()
        self.folder.cleanup()


TestCacheModel = CacheMachine.TestCase
TestCacheModel.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
