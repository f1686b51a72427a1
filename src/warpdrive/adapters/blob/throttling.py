"""A bounded number of requests under way for each backend, first come first served."""

import asyncio
from collections.abc import AsyncIterable

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.errors import Unavailable
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion


class ThrottlingStore(ForwardingStore):
    """Lets at most `max_parallel` calls through at once; the others wait in the order they came.

    One bound per backend keeps a slow one from taking anything that another needs. Raises Unavailable after
    `wait_s` seconds in line: behind a backend that hangs, the line must not be what never ends.
    """

    def __init__(self, inner: ObjectStore, max_parallel: int, wait_s: float) -> None:
        super().__init__(inner)
        self._slots = _Slots(max_parallel, wait_s)

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        async with self._slots:
            return await self.inner.stat(key)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page."""
        async with self._slots:
            return await self.inner.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into` from `offset`."""
        async with self._slots:
            return await self.inner.read_range(key, offset, into, version=version, sink=sink)

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish `body`."""
        async with self._slots:
            return await self.inner.write(key, body, size=size, precondition=precondition, metadata=metadata)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend."""
        async with self._slots:
            return await self.inner.copy(source, target, version=version)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        async with self._slots:
            await self.inner.delete(key, version=version)


class _Slots:
    """An asynchronous context that holds one slot."""

    def __init__(self, count: int, wait_s: float) -> None:
        # asyncio's semaphore is first in, first out, and does not yield while slots are free.
        self._free = asyncio.Semaphore(count)
        self._count = count
        self._wait_s = wait_s

    async def __aenter__(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise Unavailable(
                f"waited {self._wait_s:g} s for one of the {self._count} requests under way to end"
            ) from error

    async def __aexit__(self, *_error: object) -> None:
        self._free.release()
