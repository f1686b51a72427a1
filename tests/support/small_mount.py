"""A mount's metadata half over memory buckets: what tests of names and freshness drive."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tests.support.faulty_reader import FaultyReader
from tests.support.manual_clock import ManualClock
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.application.mount.backends import MountedBackend, MountedBackends
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.mount.inodes import Inode, InodeTable
from warpdrive.application.mount.listings import Listings
from warpdrive.application.mount.tree import Tree
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry


class SmallMount:
    """Tree, inodes and listings over one bucket per mount path; `offline` paths have no reader."""

    def __init__(
        self,
        objects: Mapping[str, Mapping[str, bytes]],
        *,
        offline: tuple[str, ...] = (),
        freshness: Freshness | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.buckets = {path: MemoryBucket() for path in objects}
        self.readers: dict[str, FaultyReader] = {}
        for path, keys in objects.items():
            for key, data in keys.items():
                self.put(path, key, data)
            self.readers[path] = FaultyReader(MemoryStore(self.buckets[path]))
        entries = [
            MountEntry(path, BackendDefinition(path.strip("/") or "root", "memory", {"name": path}))
            for path in (*objects, *offline)
        ]
        self.backends = MountedBackends(
            MountedBackend(entry, self.readers.get(entry.path), "" if entry.path in self.readers else "no such bucket")
            for entry in entries
        )
        self.freshness = freshness or Freshness()
        self.spawned: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """Work that the tree wants done beside; a test runs it when it likes."""
        self.inodes = InodeTable(started_ns=0, now=self.clock.monotonic())
        self.listings = Listings(self.freshness, self.clock)
        self.tree = Tree(
            MountTree(entries),
            self.backends,
            self.inodes,
            self.listings,
            self.freshness,
            self.clock,
            self.spawned.append,
        )

    def put(self, path: str, key: str, data: bytes) -> str:
        """Write an object behind the mount's back; returns its version."""
        return self.buckets[path].put(key, data, 1, {}).version

    def remove(self, path: str, key: str) -> None:
        """Delete an object behind the mount's back."""
        self.buckets[path].remove(key)

    async def names(self, path: str) -> list[str]:
        """What `ls` shows at a path."""
        directory = await self.tree.locate(path)
        listing = await self.tree.listing(directory)
        return sorted({*(listing.order if listing else ()), *self.tree.mounted_names(directory)})

    async def lookup(self, path: str) -> Inode:
        """What a path leads to, from the root down."""
        return await self.tree.locate(path)
