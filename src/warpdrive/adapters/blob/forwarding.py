"""A store that hands every call on: what the wrappers share, so that each spells out only what it changes."""

from collections.abc import AsyncIterable

from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import Capabilities, ListPage, ObjectInfo, ObjectKey, ObjectVersion


class ForwardingStore:
    """Hands every verb to `inner`, unchanged."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner = inner
        self._capabilities = inner.capabilities

    @property
    def capabilities(self) -> Capabilities:
        """What the inner store can do."""
        return self._capabilities

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        return await self.inner.stat(key)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page."""
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
        return await self.inner.write(key, body, size=size, precondition=precondition, metadata=metadata)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend."""
        return await self.inner.copy(source, target, version=version)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        await self.inner.delete(key, version=version)

    async def aclose(self) -> None:
        """Give back the inner store's connections."""
        await self.inner.aclose()
