"""What a backend's requests cost and yield, told to whoever keeps the metrics."""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol, TypeVar

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.errors import BackendError, ShortBody
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion

Answer = TypeVar("Answer")


class BackendMeter(Protocol):
    """Keeps one backend's figures. Called on the event loop for each request: cheap, and never raises."""

    def observe(self, operation: str, seconds: float) -> None:
        """One attempt ended, well or not. `operation`: stat, list, read, write, copy or delete."""

    def error(self, kind: str) -> None:
        """One attempt failed; `kind` is `BackendError.kind`. A cancelled attempt is no error."""

    def bytes_read(self, count: int) -> None:
        """Bytes of objects that arrived."""


class NoMeter:
    """Keeps nothing."""

    def observe(self, operation: str, seconds: float) -> None:
        """Ignore it."""

    def error(self, kind: str) -> None:
        """Ignore it."""

    def bytes_read(self, count: int) -> None:
        """Ignore it."""


class MeasuredStore(ForwardingStore):
    """Times every attempt; `monotonic` gives seconds."""

    def __init__(self, inner: ObjectStore, meter: BackendMeter, monotonic: Callable[[], float]) -> None:
        super().__init__(inner)
        self._meter = meter
        self._monotonic = monotonic

    async def _timed(self, operation: str, answer: Awaitable[Answer]) -> Answer:
        began = self._monotonic()
        try:
            return await answer
        except BackendError as fault:
            self._meter.error(fault.kind)
            raise
        finally:
            self._meter.observe(operation, self._monotonic() - began)

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        return await self._timed("stat", self.inner.stat(key))

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page."""
        page = self.inner.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)
        return await self._timed("list", page)

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
        began = self._monotonic()
        try:
            info = await self.inner.read_range(key, offset, into, version=version, sink=sink)
        except BackendError as fault:
            self._meter.error(fault.kind)
            if isinstance(fault, ShortBody):
                self._meter.bytes_read(fault.received)
            raise
        finally:
            self._meter.observe("read", self._monotonic() - began)
        self._meter.bytes_read(len(into))
        return info

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
        answer = self.inner.write(key, body, size=size, precondition=precondition, metadata=metadata)
        return await self._timed("write", answer)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend."""
        return await self._timed("copy", self.inner.copy(source, target, version=version))

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        await self._timed("delete", self.inner.delete(key, version=version))
