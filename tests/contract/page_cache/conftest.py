"""Both page caches, each behind the same factory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from warpdrive.adapters.cache import DiskCache, MemoryCache
from warpdrive.application.ports.page_cache import PageCache

CacheFactory = Callable[..., AbstractAsyncContextManager[PageCache]]


@pytest.fixture(params=["memory", "disk"])
def make_cache(request: pytest.FixtureRequest, tmp_path: Path) -> CacheFactory:
    """Build a cache of one kind; the factory takes its size and its block size in bytes."""

    @asynccontextmanager
    async def memory(max_bytes: int, block_size: int) -> AsyncIterator[PageCache]:
        yield MemoryCache(max_bytes, block_size)

    @asynccontextmanager
    async def disk(max_bytes: int, block_size: int) -> AsyncIterator[PageCache]:
        async with DiskCache(tmp_path / "cache", max_bytes, block_size) as cache:
            yield cache

    return memory if request.param == "memory" else disk
