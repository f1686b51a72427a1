"""The twin: a backend in this process's memory with everything a good object store has.

Strong versions, all preconditions, server-side copy, any key. Stores are shared by name for as long as one
of them is open, as two clients share a bucket.
"""

import asyncio
import bisect
import hashlib
import time
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import (
    ObjectNotFound,
    RangeNotSatisfiable,
    ShortBody,
    VersionChanged,
)
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.object_writer import Absent, Precondition
from warpdrive.application.ports.objects import (
    Capabilities,
    Digest,
    ListPage,
    ObjectInfo,
    ObjectKey,
    ObjectVersion,
)
from warpdrive.domain.namespace.values import BackendDefinition

_CAPABILITIES = Capabilities(conditional_write=True, server_side_copy=True, max_parallel=256)
_PIECE = 1024 * 1024
_AFTER_SLASH = "0"
"""The character after "/": the first that can follow everything below a sub-prefix."""


@dataclass(frozen=True, slots=True)
class _Stored:
    info: ObjectInfo
    data: bytes
    metadata: dict[str, str]


class MemoryBucket:
    """The objects of one name, and the count of writes that gives them their versions."""

    def __init__(self) -> None:
        self.objects: dict[str, _Stored] = {}
        self.generation = 0
        self._order: list[str] | None = None

    def order(self) -> list[str]:
        """All keys by code point; kept until a key comes or goes."""
        if self._order is None:
            self._order = sorted(self.objects)
        return self._order

    def put(self, key: str, data: bytes, mtime_ns: int, metadata: dict[str, str]) -> ObjectInfo:
        """Replace the object; always a new version, even for the same bytes."""
        self.generation += 1
        digest = Digest("md5", hashlib.md5(data, usedforsecurity=False).digest())
        version = ObjectVersion(str(self.generation))
        info = ObjectInfo(ObjectKey(key), len(data), version, mtime_ns, digest)
        if key not in self.objects:
            self._order = None
        self.objects[key] = _Stored(info, data, metadata)
        return info

    def remove(self, key: str) -> None:
        """Forget the object."""
        del self.objects[key]
        self._order = None


_BUCKETS: WeakValueDictionary[str, MemoryBucket] = WeakValueDictionary()


def open_memory(definition: BackendDefinition, credentials: Credentials) -> "MemoryStore":  # noqa: ARG001  # nobody to convince
    """Open the bucket `options["name"]` (default: the backend's name), empty if nobody has it open."""
    name = definition.options.get("name", definition.name)
    return MemoryStore(_BUCKETS.setdefault(name, MemoryBucket()))


class MemoryStore:
    """Reads and writes one bucket. `wall_ns` stamps writes, in ns since the epoch."""

    def __init__(self, bucket: MemoryBucket, *, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._bucket = bucket
        self._wall_ns = wall_ns

    @property
    def capabilities(self) -> Capabilities:
        """Everything."""
        return _CAPABILITIES

    def _find(self, key: str, version: ObjectVersion | None) -> _Stored:
        stored = self._bucket.objects.get(key)
        if stored is None:
            raise ObjectNotFound(f"no object {key!r}")
        if version is not None and stored.info.version != version:
            raise VersionChanged(f"{key!r} is {stored.info.version}, not {version}")
        return stored

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object."""
        return self._find(key, None).info

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page by code point. The cursor is the last name given, so it survives any change."""
        order = self._bucket.order()
        at = bisect.bisect_left(order, prefix) if cursor is None else _after(order, cursor)
        objects: list[ObjectInfo] = []
        prefixes: list[ObjectKey] = []
        last = ""
        while at < len(order) and order[at].startswith(prefix):
            if len(objects) + len(prefixes) >= limit:
                return ListPage(objects, prefixes, last)
            key = order[at]
            slash = -1 if recursive else key.find("/", len(prefix))
            if slash < 0:
                objects.append(self._bucket.objects[key].info)
                last = f"k{key}"
                at += 1
            else:
                prefixes.append(ObjectKey(key[: slash + 1]))
                last = f"p{prefixes[-1]}"
                at = _after(order, last)
        return ListPage(objects, prefixes, None)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Copy the bytes, a MiB at a time, letting others run before and in between as a network would."""
        await asyncio.sleep(0)
        stored = self._find(key, version)
        if offset >= stored.info.size:
            raise RangeNotSatisfiable(f"{key!r} has {stored.info.size} bytes, none at {offset}")
        if sink is not None:
            sink.started(stored.info)
        data = memoryview(stored.data)[offset : offset + len(into)]
        for start in range(0, len(data), _PIECE):
            if start:
                await asyncio.sleep(0)
            stop = min(start + _PIECE, len(data))
            into[start:stop] = data[start:stop]
            if sink is not None:
                sink.advanced(stop)
        if len(data) < len(into):
            raise ShortBody(f"{key!r} ends {len(into) - len(data)} bytes early", len(data))
        return stored.info

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Gather the body, then publish it in one step."""
        await asyncio.sleep(0)
        data = b"".join([bytes(part) async for part in body])
        if size is not None and len(data) != size:
            raise ShortBody(f"{key!r}: the body has {len(data)} bytes, {size} were announced", len(data))
        # No await from here on: the check and the deed are one step.
        if isinstance(precondition, Absent):
            if key in self._bucket.objects:
                raise VersionChanged(f"{key!r} exists already")
        elif precondition is not None:
            self._require(key, precondition)
        return self._bucket.put(key, data, self._wall_ns(), dict(metadata or {}))

    def _require(self, key: str, version: ObjectVersion) -> None:
        try:
            self._find(key, version)
        except ObjectNotFound as error:
            raise VersionChanged(f"{key!r} is gone, {version} was wanted") from error

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy the object with its metadata."""
        stored = self._find(source, version)
        return self._bucket.put(target, stored.data, self._wall_ns(), stored.metadata)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object."""
        self._find(key, version)
        self._bucket.remove(key)

    async def aclose(self) -> None:
        """Nothing is held."""


def _after(order: list[str], cursor: str) -> int:
    kind, name = cursor[:1], cursor[1:]
    if kind == "p":
        return bisect.bisect_left(order, name[:-1] + _AFTER_SLASH)
    return bisect.bisect_right(order, name)
