"""Gives up an attempt that makes no progress: a silent server costs a bounded time, not a reader."""

import asyncio
from collections.abc import AsyncIterable, Awaitable
from typing import Self, TypeVar

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.adapters.blob.patience import Patience
from warpdrive.application.ports.errors import Stalled
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion

Answer = TypeVar("Answer")

_LOOKS = 4
"""How often within the limit a read's progress is looked at: it is given up after 1 to 1.25 times the limit.

Looking costs nothing per chunk, where re-arming a timer for each would.
"""


class WatchingStore(ForwardingStore):
    """Raises Stalled in place of waiting longer than `patience.stall_s` without progress.

    Progress of a read is bytes announced, of a write parts taken from the body; the other verbs get a
    limit as a whole. A write's limit is longer, because a part in flight shows no progress until the server
    took all of it.
    """

    def __init__(self, inner: ObjectStore, patience: Patience) -> None:
        super().__init__(inner)
        self._limit = patience.stall_s
        self._write_limit = patience.write_stall_s
        self._copy_limit = patience.copy_s

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        return await self._within(self._limit, f"stat {key!r}", self.inner.stat(key))

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page."""
        page = self.inner.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)
        return await self._within(self._limit, f"list {prefix!r}", page)

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
        watch = _SinkWatch(self._limit, sink)
        try:
            async with watch.timeout:
                watch.look()
                return await self.inner.read_range(key, offset, into, version=version, sink=watch)
        except TimeoutError as error:
            if not watch.timeout.expired():
                raise
            raise Stalled(f"read {key!r}: nothing more for {self._limit} s at byte {watch.filled}") from error
        finally:
            watch.stop()

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
        watch = _BodyWatch(self._write_limit, body)
        try:
            async with watch.timeout:
                watch.look()
                return await self.inner.write(key, watch, size=size, precondition=precondition, metadata=metadata)
        except TimeoutError as error:
            if not watch.timeout.expired():
                raise
            raise Stalled(f"write {key!r}: nothing moved for {self._write_limit} s") from error
        finally:
            watch.stop()

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend."""
        copied = self.inner.copy(source, target, version=version)
        return await self._within(self._copy_limit, f"copy {source!r}", copied)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        await self._within(self._limit, f"delete {key!r}", self.inner.delete(key, version=version))

    async def _within(self, limit: float, what: str, answer: Awaitable[Answer]) -> Answer:
        timeout = asyncio.timeout(limit)
        try:
            async with timeout:
                return await answer
        except TimeoutError as error:
            if not timeout.expired():
                raise
            raise Stalled(f"{what}: no answer for {limit} s") from error


class _Watch:
    """Looks at a counter a few times within the limit and lets the time-out expire when it stands still."""

    def __init__(self, limit: float) -> None:
        self.timeout = asyncio.timeout(None)
        self.filled = 0
        self._limit = limit
        self._seen = 0
        self._idle = 0
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def look(self) -> None:
        if self.filled != self._seen:
            self._seen = self.filled
            self._idle = 0
        elif self._handle is not None:
            self._idle += 1
        if self._idle >= _LOOKS:
            self.timeout.reschedule(self._loop.time())
            return
        self._handle = self._loop.call_later(self._limit / _LOOKS, self.look)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class _SinkWatch(_Watch):
    def __init__(self, limit: float, sink: BodySink | None) -> None:
        super().__init__(limit)
        self._sink = sink

    def started(self, info: ObjectInfo) -> None:
        self._idle = 0
        if self._sink is not None:
            self._sink.started(info)

    def advanced(self, filled: int) -> None:
        self.filled = filled
        if self._sink is not None:
            self._sink.advanced(filled)


class _BodyWatch(_Watch):
    """A body that counts what is taken from it. Waiting for the body itself is the caller's time."""

    def __init__(self, limit: float, body: AsyncIterable[bytes | memoryview]) -> None:
        super().__init__(limit)
        self._parts = aiter(body)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes | memoryview:
        self.stop()
        try:
            return await anext(self._parts)
        finally:
            self.filled += 1
            self.look()
