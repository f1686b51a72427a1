"""A backend, and a journal, in a process that dies at a chosen step: nothing that comes after it happens."""

from collections.abc import AsyncIterable, Callable
from typing import Any

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.transfer.journal import Entry, MemoryJournal


class Killed(BaseException):
    """Raised where the process ends, and by everything that it would have done afterwards."""


class Life:
    """One run of a process: it has `steps` left, None for as many as it likes. `looked` is called after each."""

    def __init__(self, steps: int | None, looked: Callable[[], None] = lambda: None) -> None:
        self._left = steps
        self._looked = looked
        self.taken = 0

    def step(self) -> None:
        """Take a step, or die. Each deed has one before and one behind it."""
        self._looked()
        if self._left is not None:
            if self._left <= 0:
                raise Killed
            self._left -= 1
        self.taken += 1


class BreakingStore(ForwardingStore):
    """Hands every verb on as long as the process lives."""

    def __init__(self, inner: ObjectStore, life: Life) -> None:
        super().__init__(inner)
        self._life = life

    async def _done(self, deed: Any) -> Any:
        try:
            self._life.step()
        except Killed:
            deed.close()
            raise
        answer = await deed
        self._life.step()
        return answer

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        info: ObjectInfo = await self._done(self.inner.stat(key))
        return info

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List pages of two, so that there are several."""
        del limit
        listed = self.inner.list_page(prefix, cursor=cursor, limit=2, recursive=recursive)
        page: ListPage = await self._done(listed)
        return page

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into`."""
        info: ObjectInfo = await self._done(self.inner.read_range(key, offset, into, version=version, sink=sink))
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
        written = self.inner.write(key, body, size=size, precondition=precondition, metadata=metadata)
        info: ObjectInfo = await self._done(written)
        return info

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy within the backend."""
        info: ObjectInfo = await self._done(self.inner.copy(source, target, version=version))
        return info

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        await self._done(self.inner.delete(key, version=version))


class BreakingJournal:
    """A journal that outlives the process."""

    def __init__(self, inner: MemoryJournal, life: Life) -> None:
        self._inner = inner
        self._life = life

    def entry(self, key: ObjectKey) -> Entry | None:
        """Return what is known of an object."""
        return self._inner.entry(key)

    async def note(self, key: ObjectKey, entry: Entry | None) -> None:
        """Keep the entry, or forget it."""
        self._life.step()
        await self._inner.note(key, entry)
        self._life.step()
