"""A process that stores and evicts at random until it is killed. Started by `test_kill.py`.

Arguments: cache directory, seed. Prints "ready" once and then a line for every fifty steps of a worker.
Every page's bytes follow from its object and number (`page_bytes`), so the survivor can tell right from wrong without
a record.
"""

import asyncio
import random
import sys
from pathlib import Path

from warpdrive.adapters.cache import DiskCache
from warpdrive.application.ports.page_cache import ContentId
from warpdrive.domain.content.pages import PAGE_SIZE, page_count

MAX_BYTES = 24 * 1024 * 1024
BLOCK = 4 * PAGE_SIZE
OBJECTS = 12
WORKERS = 4


def content(number: int) -> ContentId:
    """Name an object."""
    return ContentId("test", f"object-{number}", "1")


def size(number: int) -> int:
    """Give objects different sizes, from 300 bytes to about 5 MiB."""
    return 300 + number * 7 * PAGE_SIZE


def page_bytes(number: int, page: int) -> bytes:
    """Return what the page must hold; the last one is short."""
    length = min(PAGE_SIZE, size(number) - page * PAGE_SIZE)
    return random.Random(number * 100_000 + page).randbytes(64) * (length // 64) + bytes(length % 64)


async def work(cache: DiskCache, draw: random.Random) -> None:
    """Store runs of pages, read them back, evict, for ever."""
    step = 0
    while True:
        step += 1
        number = draw.randrange(OBJECTS)
        obj = await cache.open(content(number), size(number))
        first = draw.randrange(page_count(size(number)))
        stop = min(first + draw.randrange(1, 12), page_count(size(number)))
        data = b"".join(page_bytes(number, page) for page in range(first, stop))
        await obj.store(first * PAGE_SIZE, memoryview(data))
        served = await obj.read(first * PAGE_SIZE, len(data))
        assert served is None or served == data
        obj.close()
        if draw.random() < 0.05:
            await cache.evict(content(draw.randrange(OBJECTS)))
        if step % 50 == 0:
            print(step, flush=True)  # noqa: T201 - it is how the test hears of progress


async def main(path: Path, seed: int) -> None:
    """Have several workers disturb each other."""
    async with DiskCache(path, MAX_BYTES, BLOCK) as cache:
        print("ready", flush=True)  # noqa: T201 - the same
        await asyncio.gather(*(work(cache, random.Random(seed * 10 + worker)) for worker in range(WORKERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
