"""What a start finds: the index opened (or begun anew), the directory brought in line with it.

After an orderly shutdown the index is believed. Otherwise files without rows are deleted, rows without files are
dropped and space that no row claims is given back, so a killed agent leaks nothing. An index that SQLite cannot read
is thrown away with all objects: it is a cache.
"""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from warpdrive.adapters.cache.extents import VERIFIED, ExtentRow, block_weights, unpack_bitmap, unrecorded_runs
from warpdrive.adapters.cache.files import ObjectFile
from warpdrive.adapters.cache.index import Change, Index
from warpdrive.adapters.cache.layout import CacheDirectory
from warpdrive.domain.content.pages import PAGE_SIZE, PAGES_PER_EXTENT, page_count

_log = structlog.get_logger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SECTOR = 512


@dataclass(slots=True)
class Found:
    """What the cache holds at start. `blocks`: (object, block, recorded bytes)."""

    index: Index
    blocks: list[tuple[bytes, int, int]] = field(default_factory=list)
    orderly: bool = True

    @property
    def recorded_bytes(self) -> int:
        """Recorded bytes of all objects."""
        return sum(weight for _, _, weight in self.blocks)


def boot_id() -> str:
    """Name the running boot of the kernel; a shutdown is orderly only within one."""
    return _BOOT_ID.read_text("ascii").strip()


def recover(directory: CacheDirectory, block_size: int) -> Found:
    """Open the index and reconcile; blocks on the disk. Raises sqlite3.Error or OSError when the disk refuses."""
    try:
        return _recover(directory, block_size)
    except sqlite3.DatabaseError as fault:
        if isinstance(fault, sqlite3.OperationalError):
            # A full or failing disk says nothing about what the index holds.
            raise
        _log.error("cache index unreadable, cache emptied", path=str(directory.path), fault=str(fault))
    for suffix in ("", "-wal", "-shm"):
        directory.index.with_name(directory.index.name + suffix).unlink(missing_ok=True)
    return _recover(directory, block_size)


def _recover(directory: CacheDirectory, block_size: int) -> Found:
    fresh = not directory.index.exists()
    index = Index(directory.index)
    try:
        orderly = index.start(boot_id()) and not fresh
        found = Found(index, orderly=orderly)
        if not orderly:
            _reconcile(directory, index)
        for identity, size, extent, bitmap in index.bitmaps():
            found.blocks += [
                (identity, block, weight) for block, weight in block_weights(bitmap, extent, size, block_size)
            ]
    except BaseException:
        index.close()
        raise
    return found


def _reconcile(directory: CacheDirectory, index: Index) -> None:
    sizes = dict(index.objects())
    claimed: dict[bytes, int] = {}
    for identity, _size, _extent, bitmap in index.bitmaps():
        claimed[identity] = claimed.get(identity, 0) + int.from_bytes(bitmap, "little").bit_count() * PAGE_SIZE
    present = set()
    deleted = punched = 0
    for identity, entry in directory.object_files():
        if identity not in claimed:
            Path(entry.path).unlink()
            deleted += 1
            continue
        present.add(identity)
        if entry.stat().st_blocks * _SECTOR > claimed[identity]:
            _punch_unclaimed(entry.path, sizes[identity], index.load(identity)[1])
            punched += 1
    vanished = {identity: Change(wiped=True) for identity in sizes if identity not in present}
    index.apply(vanished)
    if not sizes and not deleted:
        return
    _log.info(
        "cache recovered after an unclean shutdown",
        path=str(directory.path),
        objects=len(present),
        files_deleted=deleted,
        files_punched=punched,
        rows_dropped=len(vanished),
    )


def _punch_unclaimed(path: str, size: int, extents: dict[int, ExtentRow]) -> None:
    pages = page_count(size)
    states = bytearray(pages)
    for number, row in extents.items():
        first = number * PAGES_PER_EXTENT
        count = min(PAGES_PER_EXTENT, pages - first)
        states[first : first + count] = unpack_bitmap(row.bitmap, count, VERIFIED)
    file = ObjectFile(path, size)
    try:
        file.punch([(first * PAGE_SIZE, stop * PAGE_SIZE) for first, stop in unrecorded_runs(states, 0, pages)])
    finally:
        file.close()
