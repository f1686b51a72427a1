"""Trusts no adapter and no server: what came back is held against what was asked."""

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.application.ports.errors import ShortBody, Unavailable, VersionChanged
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion


class VerifyingStore(ForwardingStore):
    """Every byte of a pinned read comes from that version, and all of them came; listings move on.

    A server (or a proxy before it) that ignores If-Match is caught here: its bytes are never announced.
    """

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into`. Raises VersionChanged or ShortBody where a claimed success is none."""
        wanted = len(into)
        if not wanted:
            msg = "an empty range cannot be asked for"
            raise ValueError(msg)
        witness = _Witness(version, sink)
        info = await self.inner.read_range(key, offset, into, version=version, sink=witness)
        if witness.foreign or (version is not None and info.version != version):
            raise VersionChanged(f"{key!r} was asked for as {version!r}, and came as {info.version!r}")
        if witness.filled != wanted:
            raise ShortBody(f"{key!r}: {witness.filled} of {wanted} bytes arrived", witness.filled)
        return info

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page. Raises Unavailable when the cursor comes back unchanged: it would never end."""
        page = await self.inner.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)
        if cursor is not None and page.cursor == cursor:
            raise Unavailable(f"the listing of {prefix!r} does not move on: its cursor came back unchanged")
        return page


class _Witness:
    """A sink that remembers what was announced and lets nothing of another version through."""

    __slots__ = ("_sink", "_version", "filled", "foreign")

    def __init__(self, version: ObjectVersion | None, sink: BodySink | None) -> None:
        self._version = version
        self._sink = sink
        self.filled = 0
        self.foreign = False

    def started(self, info: ObjectInfo) -> None:
        if self._version is not None and info.version != self._version:
            self.foreign = True
        elif self._sink is not None:
            self._sink.started(info)

    def advanced(self, filled: int) -> None:
        self.filled = filled
        if self._sink is not None and not self.foreign:
            self._sink.advanced(filled)
