"""The objects in memory: those that are open, and the most recently closed ones with their descriptors.

A closed object stays for its next open (no row to load, no file to open) until more than `keep_closed` are closed;
that bounds descriptors and page tables. An object whose changes are not handed over yet is never dropped: it would
be loaded again from rows that lack them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from warpdrive.adapters.cache.object import DiskObject

KEEP_CLOSED = 4096
"""Closed objects that keep their descriptor; the process limit is usually 20,000 or more."""


class Shelf:
    """Finds, loads, keeps and drops objects. `is_dirty`: has changes that the index does not know."""

    def __init__(self, is_dirty: Callable[[bytes], bool], keep_closed: int = KEEP_CLOSED) -> None:
        self._is_dirty = is_dirty
        self._keep_closed = keep_closed
        self._objects: dict[bytes, DiskObject] = {}
        self._closed: OrderedDict[bytes, DiskObject] = OrderedDict()
        self._loading: dict[bytes, asyncio.Future[None]] = {}

    def find(self, identity: bytes) -> DiskObject | None:
        """Return the object if it is in memory."""
        return self._objects.get(identity)

    def is_loading(self, identity: bytes) -> bool:
        """Answer whether the object is on its way into memory."""
        return identity in self._loading

    def put(self, obj: DiskObject) -> None:
        """Take an object that nobody has open yet."""
        self._objects[obj.identity] = obj
        self._closed[obj.identity] = obj

    def opened(self, obj: DiskObject) -> None:
        """Count one open."""
        obj.opens += 1
        if obj.opens == 1:
            self._closed.pop(obj.identity, None)

    def closed(self, obj: DiskObject) -> None:
        """Note the last close."""
        if self._objects.get(obj.identity) is obj:
            self._closed[obj.identity] = obj
            self.trim()
        else:
            obj.file.close()

    def discard(self, obj: DiskObject) -> None:
        """Drop a closed object at once; the caller deals with its file."""
        if self._objects.get(obj.identity) is obj:
            del self._objects[obj.identity]
            self._closed.pop(obj.identity, None)

    async def load(self, identity: bytes, fetch: Callable[[], Awaitable[DiskObject]]) -> DiskObject:
        """Bring an object into memory, once for all who ask meanwhile."""
        while True:
            found = self._objects.get(identity)
            if found is not None:
                return found
            under_way = self._loading.get(identity)
            if under_way is None:
                break
            await asyncio.wait((under_way,))
        done = self._loading[identity] = asyncio.get_running_loop().create_future()
        try:
            obj = await fetch()
            self.put(obj)
            return obj
        finally:
            del self._loading[identity]
            done.set_result(None)

    def trim(self) -> None:
        """Drop the longest closed objects beyond the bound."""
        while len(self._closed) > self._keep_closed:
            identity, obj = next(iter(self._closed.items()))
            if obj.holds or self._is_dirty(identity):
                # Its turn comes after the next group is written, or when the job ends.
                self._closed.move_to_end(identity)
                return
            del self._closed[identity]
            del self._objects[identity]
            obj.file.close()

    def close(self) -> None:
        """Close every descriptor; no job may be running."""
        for obj in self._objects.values():
            obj.file.close()
        self._objects.clear()
        self._closed.clear()
