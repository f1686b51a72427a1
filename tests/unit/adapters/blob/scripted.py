"""A store that does as it is told: a fake for the wrappers' tests."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable

from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion

Step = BackendError | Callable[[], Awaitable[None]] | None
"""What one call meets: an error to raise, something to wait for, or nothing."""


class ScriptedStore(MemoryStore):
    """Memory, with a script of what each call meets first; and `pieces`, how far a read gets before its fault."""

    def __init__(self, *script: Step, pieces: int = 0) -> None:
        super().__init__(MemoryBucket())
        self.script = list(script)
        self.pieces = pieces
        self.calls: list[tuple[object, ...]] = []
        self.under_way = 0
        self.most_under_way = 0

    async def _meet(self, *call: object) -> None:
        self.calls.append(call)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            step = self.script.pop(0) if self.script else None
            if isinstance(step, BackendError):
                raise step
            if step is not None:
                await step()
        finally:
            self.under_way -= 1

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Meet the script, then stat."""
        await self._meet("stat", key)
        return await super().stat(key)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """Meet the script, then list."""
        await self._meet("list", prefix)
        return await super().list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """With a fault in the script, `pieces` bytes come and are announced before it."""
        if self.script and self.pieces and isinstance(self.script[0], BackendError):
            some = min(self.pieces, len(into))
            await super().read_range(key, offset, into[:some], version=version, sink=sink)
        await self._meet("read", key, offset, len(into), version)
        return await super().read_range(key, offset, into, version=version, sink=sink)

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Meet the script, then write."""
        await self._meet("write", key)
        return await super().write(key, body, size=size, precondition=precondition, metadata=metadata)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Meet the script, then copy."""
        await self._meet("copy", source)
        return await super().copy(source, target, version=version)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Meet the script, then delete."""
        await self._meet("delete", key)
        await super().delete(key, version=version)
