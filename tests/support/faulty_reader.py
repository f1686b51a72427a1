"""A backend reader that delivers in pieces and fails on request: for models of the read path."""

from collections import deque

import anyio.lowlevel

from warpdrive.application.ports.errors import BackendError, ShortBody
from warpdrive.application.ports.object_reader import BodySink, ObjectReader
from warpdrive.application.ports.objects import (
    Capabilities,
    Digest,
    ListPage,
    ObjectInfo,
    ObjectKey,
    ObjectVersion,
)

PIECE = 48 * 1024
"""Bytes per delivered piece: no divisor of a page, so pieces and pages never line up."""


class FaultyReader:
    """Wraps a reader. Each entry of `faults` fails one coming read, after half of its bytes were delivered."""

    def __init__(self, inner: ObjectReader) -> None:
        self._inner = inner
        self.faults: deque[BackendError] = deque()
        self.requests: list[tuple[str, int, int]] = []
        """(key, offset, length) of every ranged read asked for."""
        self.stats = 0
        self.lists = 0
        self.gate: anyio.Event | None = None
        """When set, reads wait for it after their headers."""

    @property
    def capabilities(self) -> Capabilities:
        """The inner reader's."""
        return self._inner.capabilities

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Counted."""
        self.stats += 1
        return await self._inner.stat(key)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """Counted."""
        self.lists += 1
        return await self._inner.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Deliver in pieces, with a chance for others to run between them; fail as scripted."""
        self.requests.append((key, offset, len(into)))
        whole = bytearray(len(into))
        info = await self._inner.read_range(key, offset, memoryview(whole), version=version)
        if sink is not None:
            sink.started(info)
        if self.gate is not None:
            await self.gate.wait()
        fault = self.faults.popleft() if self.faults else None
        limit = len(into) // 2 if fault is not None else len(into)
        filled = 0
        while filled < limit:
            await anyio.lowlevel.checkpoint()
            upto = min(filled + PIECE, limit)
            into[filled:upto] = whole[filled:upto]
            filled = upto
            if sink is not None:
                sink.advanced(filled)
        if isinstance(fault, ShortBody):
            raise ShortBody(fault.detail, filled)
        if fault is not None:
            raise fault
        return info._replace(digest=None if info.digest is None else Digest(*info.digest))

    async def aclose(self) -> None:
        """Close the inner reader."""
        await self._inner.aclose()
