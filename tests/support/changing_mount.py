"""A whole mount over named memory buckets, whose entries change while it runs; what tests of R7 drive."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio

from tests.support.faulty_reader import FaultyReader
from tests.support.manual_clock import ManualClock
from tests.support.read_half import BLOCK, MIB, NOBODY
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.adapters.cache.memory import MemoryCache
from warpdrive.application.mount.attributes import ROOT_INODE, Attributes
from warpdrive.application.mount.backends import MountedBackends
from warpdrive.application.mount.filesystem import MountedFileSystem, ReadTuning, mounted
from warpdrive.application.mount.notices import NoKernel
from warpdrive.application.mount.remounting import Change
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy


class ClosingReader(FaultyReader):
    """Knows whether it was closed; with `pause` set, what asks about names waits for it."""

    closed = False
    pause: anyio.Event | None = None
    asked = 0
    """Questions about names so far."""

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Answer as of when it was asked, after the pause."""
        self.asked += 1
        try:
            return await super().stat(key)
        finally:
            if self.pause is not None:
                await self.pause.wait()

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """The same."""
        self.asked += 1
        page = await super().list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)
        if self.pause is not None:
            await self.pause.wait()
        return page

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


class ChangingMount:
    """The filesystem, its buckets by name, and every reader that was opened, oldest first, by backend name."""

    def __init__(self, buckets: Mapping[str, Mapping[str, bytes]]) -> None:
        self.clock = ManualClock()
        self.backends = MountedBackends()
        self.kernel = NoKernel()
        self.cache = MemoryCache(64 * MIB, BLOCK)
        self.readers: dict[str, list[ClosingReader]] = {}
        self.buckets = {name: MemoryBucket() for name in buckets}
        for name, objects in buckets.items():
            for key, data in objects.items():
                self.buckets[name].put(key, data, 1, {})
        self.files: MountedFileSystem

    def open_reader(self, definition: BackendDefinition) -> ObjectReader:
        """Open a bucket; a name without one cannot be."""
        if definition.name == "broken":
            raise ValueError("a defect in the adapter")
        if definition.name not in self.buckets:
            raise BackendMisconfigured("its auth reference names nothing on this node")
        reader = ClosingReader(MemoryStore(self.buckets[definition.name]))
        self.readers.setdefault(definition.name, []).append(reader)
        return reader

    def remount(self, **entries: MountEntry | str) -> Change:
        """Serve these: `a=entry("/x", "bucket")`, or the bucket's name alone for the path of the keyword."""
        return self.files.remount(
            [each if isinstance(each, MountEntry) else entry(f"/{path}", each) for path, each in entries.items()],
            self.open_reader,
        )

    def closed(self, bucket: str) -> list[bool]:
        """Whether each reader of the bucket was closed, oldest first."""
        return [reader.closed for reader in self.readers[bucket]]

    async def look(self, path: str) -> Attributes:
        """Walk as the kernel does, a reference each."""
        found: Attributes | None = None
        for name in path.strip("/").split("/"):
            found = await self.files.lookup(ROOT_INODE if found is None else found.inode, name.encode())
        assert found is not None
        return found

    async def names(self, inode: int) -> list[str]:
        """What `ls` of a directory's inode shows."""
        handle = await self.files.opendir(inode, NOBODY)
        stream = await self.files.readdir(handle)
        shown = [stream.name(index).decode() for index in range(len(stream))]
        await self.files.releasedir(handle)
        return shown

    async def open(self, path: str) -> int:
        """Open a file; returns the handle."""
        return (await self.files.open((await self.look(path)).inode, writable=False, caller=NOBODY)).handle

    async def read(self, path: str) -> bytes:
        """Open, read from the start, close."""
        handle = await self.open(path)
        data = bytes(await self.files.read(handle, 0, 1 << 20))
        await self.files.release(handle)
        return data


def entry(
    path: str, bucket: str, *, tenant: str = "", prefix: str = "", delete: str = "deny", auth: str = ""
) -> MountEntry:
    """A mount entry over a memory bucket."""
    definition = BackendDefinition(bucket, "memory", {"name": bucket}, prefix, auth, tenant)
    return MountEntry(path, definition, MountPolicy(delete=delete))


@asynccontextmanager
async def changing_mount(**buckets: Mapping[str, bytes]) -> AsyncIterator[ChangingMount]:
    """An empty mount over these buckets."""
    mount = ChangingMount(buckets)
    tuning = ReadTuning(memory_limit=16 * MIB)
    with anyio.fail_after(10):
        async with mounted(
            MountTree(()), mount.backends, mount.cache, mount.clock, tuning=tuning, notices=mount.kernel
        ) as mount.files:
            yield mount
