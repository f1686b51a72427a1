"""The recorder: gathers which extents changed and has them written in groups by the index thread.

Snapshots are taken on the loop at the moment they are handed over, and handed over in order, so an older snapshot
of an extent can never come after the one in which an evicted page is gone.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Protocol

from warpdrive.adapters.cache.extents import ExtentRow, PageTable
from warpdrive.adapters.cache.health import DiskHealth
from warpdrive.adapters.cache.index import Change, Index, ObjectRow
from warpdrive.adapters.cache.workers import Workers
from warpdrive.application.ports.page_cache import ContentId
from warpdrive.domain.content.pages import PAGES_PER_EXTENT

GROUP_SECONDS = 0.5
"""At most this long a recorded page waits for its row; a crash before costs one more fetch."""

GROUP_OBJECTS = 2048
"""With this many changed objects a group is written at once."""


class Recordable(Protocol):
    """What the recorder needs of an object."""

    identity: bytes
    content: ContentId
    table: PageTable
    listed: bool


class Recorder:
    """Owns the way from page tables to the index."""

    def __init__(self, index: Index, workers: Workers, health: DiskHealth) -> None:
        self._index = index
        self._workers = workers
        self._health = health
        self._dirty: dict[bytes, tuple[Recordable, set[int]]] = {}
        self._wiped: set[bytes] = set()
        self._changed = asyncio.Event()
        self._full = asyncio.Event()

    def is_dirty(self, identity: bytes) -> bool:
        """Answer whether the object has changes that are not handed over yet."""
        return identity in self._dirty

    def mark(self, obj: Recordable, first: int, stop: int) -> None:
        """Note that the pages [first, stop) of the object changed."""
        extents = range(first // PAGES_PER_EXTENT, (stop - 1) // PAGES_PER_EXTENT + 1)
        entry = self._dirty.get(obj.identity)
        if entry is None:
            self._dirty[obj.identity] = (obj, set(extents))
            self._changed.set()
            if len(self._dirty) >= GROUP_OBJECTS:
                self._full.set()
        else:
            entry[1].update(extents)

    def wipe(self, identity: bytes) -> None:
        """Note that nothing of the object is left; earlier changes of it are moot."""
        entry = self._dirty.pop(identity, None)
        if entry is not None:
            entry[0].listed = False
        self._wiped.add(identity)
        self._changed.set()

    async def commit(self, afterwards: Callable[[], None] | None = None) -> bool:
        """Hand over all changes and wait until they are written; False when the index refused (they stay pending).

        `afterwards` runs on the index thread once they are written, or refused. What is handed over is carried out
        even if the caller is cancelled.
        """
        changes = self._snapshot()
        try:
            await self._workers.on_index(self._write, changes, afterwards)
        except sqlite3.Error as fault:
            self._health.index_failed(fault)
            self._changed.set()
            return False
        self._health.index_written()
        return True

    async def load(self, identity: bytes, size: int) -> PageTable | None:
        """Read an object's page table; None when the index cannot say or the rows do not fit `size`."""
        try:
            row, extents = await self._workers.on_index(self._index.load, identity)
        except sqlite3.Error as fault:
            self._health.index_failed(fault)
            return None
        if row is None or row.size != size:
            return None
        table = PageTable(size)
        if all(table.load(number, extent) for number, extent in extents.items()):
            return table
        return None

    async def row_of(self, identity: bytes) -> ObjectRow | None:
        """Look up an object that is not in memory."""
        try:
            row, _ = await self._workers.on_index(self._index.load, identity)
        except sqlite3.Error as fault:
            self._health.index_failed(fault)
            return None
        return row

    async def run(self) -> None:
        """Write groups for ever: soon after the first change, sooner when there are many."""
        while True:
            await self._changed.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), GROUP_SECONDS)
            self._changed.clear()
            self._full.clear()
            await self.commit()

    def _write(self, changes: dict[bytes, Change], afterwards: Callable[[], None] | None) -> None:
        try:
            self._index.apply(changes)
        finally:
            if afterwards is not None:
                afterwards()

    def _snapshot(self) -> dict[bytes, Change]:
        changes = {identity: Change(wiped=True) for identity in self._wiped}
        for identity, (obj, extents) in self._dirty.items():
            rows: dict[int, ExtentRow] = {number: obj.table.row(number) for number in extents}
            row = None if obj.listed else ObjectRow(obj.content, obj.table.size)
            obj.listed = True
            changes[identity] = Change(identity in self._wiped, row, rows)
        self._dirty = {}
        self._wiped = set()
        return changes
