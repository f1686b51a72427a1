"""Checks the digest of objects that became complete in parts, one at a time, in the background.

Objects stored in one piece are checked by their store job. Pages are served meanwhile: each was checked by length
and precondition when it was fetched; the digest is the last net, and one that is cast after the fact.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from warpdrive.adapters.cache.health import DiskHealth
from warpdrive.adapters.cache.object import DiskObject
from warpdrive.adapters.cache.workers import Workers

CHUNK_BYTES = 8 * 1024 * 1024

ALGORITHMS = frozenset({"md5"})
"""crc32c has no fast implementation without another dependency; the backends that send it check ranges by length."""


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class Completion:
    """Owns the queue of complete objects. `drop`: forget all pages of an object; `closed`: as after a last close."""

    def __init__(
        self,
        workers: Workers,
        health: DiskHealth,
        drop: Callable[[DiskObject], Awaitable[None]],
        opened: Callable[[DiskObject], None],
    ) -> None:
        self._workers = workers
        self._health = health
        self._drop = drop
        self._opened = opened
        self._queue: asyncio.Queue[DiskObject] = asyncio.Queue()

    def add(self, obj: DiskObject) -> None:
        """Queue an object whose last page was just recorded; it stays open until it is checked."""
        self._opened(obj)
        self._queue.put_nowait(obj)

    async def run(self) -> None:
        """Check for ever."""
        while True:
            obj = await self._queue.get()
            try:
                if await self._differs(obj):
                    pages = obj.table.pages
                    await self._drop(obj)
                    self._health.corrupted(obj.content.key, pages, "the whole object's digest differs")
            finally:
                obj.close()
                self._queue.task_done()

    async def checked(self) -> None:
        """Wait until every object queued so far is checked."""
        await self._queue.join()

    def abandon(self) -> None:
        """Give back what is still queued, at the end."""
        while not self._queue.empty():
            self._queue.get_nowait().close()
            self._queue.task_done()

    async def _differs(self, obj: DiskObject) -> bool:
        """Hash the file; False as soon as a page is gone (it will be checked when it is complete again)."""
        assert obj.digest is not None
        total: _Hash = hashlib.md5(usedforsecurity=False)
        for offset in range(0, obj.size, CHUNK_BYTES):
            data = await obj.read(offset, min(CHUNK_BYTES, obj.size - offset))
            if data is None:
                return False
            await self._workers.on_digest(total.update, data)
        return total.digest() != obj.digest.value
