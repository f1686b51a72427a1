"""Readers, writers, evictions and cancellations disturb each other; no served byte is ever wrong."""

import random
from pathlib import Path

import anyio

from tests.integration.cache.cache_writer import OBJECTS, content, page_bytes, size
from tests.support.crashing_cache import disk_bytes
from tests.support.ports import wait_until_async
from warpdrive.adapters.cache import DiskCache
from warpdrive.domain.content.pages import PAGE_SIZE, page_count

BLOCK = 4 * PAGE_SIZE
MAX_BYTES = 8 * 1024 * 1024
WORKERS = 8
STEPS = 250


class Tally:
    """How often each way of answering was taken, so that the test knows it saw them all."""

    def __init__(self) -> None:
        self.peeked = 0
        self.read = 0
        self.missed = 0
        self.cancelled = 0


async def step(cache: DiskCache, draw: random.Random, expected: dict[tuple[int, int], bytes], tally: Tally) -> None:
    """Do one thing to one object."""
    number = draw.randrange(OBJECTS)
    total = page_count(size(number))
    first = draw.randrange(total)
    stop = min(first + draw.randrange(1, 10), total)
    right = b"".join(expected[number, page] for page in range(first, stop))
    obj = await cache.open(content(number), size(number))
    try:
        obj.touch(first * PAGE_SIZE // BLOCK)
        seen = obj.peek(first * PAGE_SIZE, len(right))
        if seen is not None:
            assert seen == right
            tally.peeked += 1
        data = await obj.read(first * PAGE_SIZE, len(right))
        if data is None:
            tally.missed += 1
            await obj.store(first * PAGE_SIZE, memoryview(right))
        else:
            assert data == right
            tally.read += 1
        if draw.random() < 0.03:
            await cache.evict(content(draw.randrange(OBJECTS)))
    finally:
        obj.close()


async def test_no_race_serves_wrong_bytes(tmp_path: Path) -> None:
    """Every range that is served is right, and at the end accounts, index and disk agree."""
    pages = [(number, page) for number in range(OBJECTS) for page in range(page_count(size(number)))]
    expected = {name: page_bytes(*name) for name in pages}
    tally = Tally()
    async with DiskCache(tmp_path, MAX_BYTES, BLOCK, keep_closed=2) as cache:

        async def work(seed: int) -> None:
            draw = random.Random(seed)
            for _ in range(STEPS):
                with anyio.CancelScope() as scope:
                    if draw.random() < 0.1:
                        scope.deadline = anyio.current_time() + draw.random() * 0.002
                    await step(cache, draw, expected, tally)
                tally.cancelled += scope.cancelled_caught
                assert cache.stats().size_bytes <= MAX_BYTES

        async with anyio.create_task_group() as tasks:
            for seed in range(WORKERS):
                tasks.start_soon(work, seed)
        await cache.settled()
        used = cache.stats().size_bytes
        assert used == sum(cache.cached_bytes(content(number), size(number)) for number in range(OBJECTS))
        assert cache.stats().corrupt_pages == 0
        assert cache.stats().evicted_blocks > 0
        for number in range(OBJECTS):
            obj = await cache.open(content(number), size(number))
            # A block that is being given back is held until its hole is punched, by a task that nobody here waits for.
            await wait_until_async(lambda obj=obj: obj.holds == {}, what="nothing is held")  # type: ignore[misc]  # bound per round
            assert obj.cached_bytes == cache.cached_bytes(content(number), size(number))
            obj.close()
    # An eviction may have been under way until the end.
    used = cache.stats().size_bytes
    assert min(tally.peeked, tally.read, tally.missed, tally.cancelled) > 0, vars(tally)
    assert disk_bytes(tmp_path) <= used + OBJECTS * PAGE_SIZE
    async with DiskCache(tmp_path, MAX_BYTES, BLOCK) as cache:
        assert cache.stats().size_bytes == used
