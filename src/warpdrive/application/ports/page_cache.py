"""The local cache as the read path sees it: pages of immutable object versions.

A page (64 KiB, `domain.content.pages.PAGE_SIZE`) is the unit that is recorded; a block (4 MiB by default) is the
unit of eviction. Everything here runs on the event loop; a cache that needs the disk hands that to its own thread.
A cache never fails a reader: a page it lost, could not verify or could not read is simply missing.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from warpdrive.application.ports.objects import Digest


class ContentId(NamedTuple):
    """Names bytes that never change: one version of one object in one place.

    `backend` is the fingerprint (type, endpoint, account or bucket, prefix), not a name out of a config, so two
    configs that name the same place share pages and one name pointed elsewhere does not.
    """

    backend: str
    key: str
    version: str


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Totals since start (`hits` ... `evicted_bytes`) and the state now. Bytes are recorded bytes on disk."""

    size_bytes: int
    max_bytes: int
    objects: int
    evicted_blocks: int
    evicted_bytes: int
    corrupt_pages: int
    """Pages whose checksum did not match when verified; they were dropped."""
    store_failures: int
    """Stores refused by the disk (ENOSPC, EIO)."""
    degraded: bool
    """True while stores are suspended because the disk refuses them; reading goes on uncached."""


class CachedObject(Protocol):
    """One object version in the cache, open. Offsets are bytes in the object."""

    @property
    def size(self) -> int:
        """Length of the object in bytes."""

    @property
    def cached_bytes(self) -> int:
        """Bytes recorded now, whole pages (the last page counts its real length)."""

    def peek(self, offset: int, length: int) -> memoryview | None:
        """Return the bytes if they are recorded, verified and resident in memory (RWF_NOWAIT); else None, at once.

        The view is valid only until the calling task next awaits; a caller that keeps it longer copies it.
        """

    async def read(self, offset: int, length: int) -> bytes | memoryview | None:
        """Return the bytes if they are recorded, from the disk in a worker thread; None if any page is missing.

        After an unclean shutdown pages are verified here before they are served; one that fails is dropped.
        The result belongs to the caller.
        """

    def missing(self, start: int, stop: int) -> tuple[int, int] | None:
        """First maximal run of unrecorded pages that meets [start, stop), as page-aligned bytes clipped to the size.

        None when all of it is recorded. The run may extend past `stop` only up to the end of its last page.
        """

    async def store(self, offset: int, data: memoryview) -> bool:
        """Write `data` at page-aligned `offset` (whole pages, but for the object's end), then record its pages.

        Returns False, and records nothing, when the disk refused; never raises for a disk fault. Raises Corrupted,
        and keeps nothing, when `data` is the whole object and does not match its digest. `data` may be reused once
        this returns. Storing recorded pages again is harmless.
        """

    def touch(self, block: int) -> None:
        """Tell the eviction policy that a reader entered block number `block`. Cheap; once per pass, not per read."""

    def pin(self, block: int) -> None:
        """Keep the block from eviction until `unpin`. Counted."""

    def unpin(self, block: int) -> None:
        """Undo one `pin`."""

    def close(self) -> None:
        """Give the object back; opens are counted, the last close may drop file descriptors."""


class PageCache(Protocol):
    """The whole cache: open an object, ask for totals, drop things."""

    @property
    def block_size(self) -> int:
        """Bytes of a block."""

    async def open(self, content: ContentId, size: int, digest: Digest | None = None) -> CachedObject:
        """Open (and create if need be) the entry of one object version; never fails a reader.

        With `digest` the whole object is checked when its last page is recorded; on a mismatch all its pages are
        dropped, counted and logged.
        """

    def cached_bytes(self, content: ContentId, size: int) -> int:
        """Recorded bytes of a version that need not be open (xattr `user.warpdrive.cached`)."""

    async def evict(self, content: ContentId) -> int:
        """Drop what is recorded of the version (pinned blocks stay); returns bytes freed."""

    def stats(self) -> CacheStats:
        """Totals and state, cheap enough for every scrape."""
