"""A backend's `prefix`, applied once for every adapter: before each key going in, off each coming out."""

from collections.abc import AsyncIterable

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion


class PrefixedStore(ForwardingStore):
    """Shows only what lies below `prefix` (not empty, ends in "/"), with keys relative to it.

    Details of errors keep the whole key: the operator looks for it in the bucket.
    """

    def __init__(self, inner: ObjectStore, prefix: str) -> None:
        super().__init__(inner)
        if not prefix.endswith("/"):
            msg = f'a prefix ends in "/", {prefix!r} does not'
            raise ValueError(msg)
        self._prefix = prefix
        self._length = len(prefix)

    def _whole(self, key: str) -> ObjectKey:
        return ObjectKey(self._prefix + key)

    def _relative(self, info: ObjectInfo) -> ObjectInfo:
        return info._replace(key=ObjectKey(info.key[self._length :]))

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        return self._relative(await self.inner.stat(self._whole(key)))

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page. An object named like the prefix itself (a directory marker) has no name here."""
        page = await self.inner.list_page(self._whole(prefix), cursor=cursor, limit=limit, recursive=recursive)
        cut = self._length
        return ListPage(
            [
                ObjectInfo(ObjectKey(key[cut:]), size, version, mtime_ns, digest, is_directory, storage_class)
                for key, size, version, mtime_ns, digest, is_directory, storage_class in page.objects
                if len(key) > cut
            ],
            [ObjectKey(key[cut:]) for key in page.prefixes],
            page.cursor,
        )

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
        inner_sink = None if sink is None else _RelativeSink(self, sink)
        return self._relative(
            await self.inner.read_range(self._whole(key), offset, into, version=version, sink=inner_sink)
        )

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
        return self._relative(
            await self.inner.write(self._whole(key), body, size=size, precondition=precondition, metadata=metadata)
        )

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the prefix."""
        return self._relative(await self.inner.copy(self._whole(source), self._whole(target), version=version))

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        await self.inner.delete(self._whole(key), version=version)


class _RelativeSink:
    """Takes the prefix off the announced info; progress goes straight through."""

    __slots__ = ("_sink", "_store", "advanced")

    def __init__(self, store: PrefixedStore, sink: BodySink) -> None:
        self._store = store
        self._sink = sink
        self.advanced = sink.advanced

    def started(self, info: ObjectInfo) -> None:
        self._sink.started(self._store._relative(info))  # noqa: SLF001  # the sink is part of this store
