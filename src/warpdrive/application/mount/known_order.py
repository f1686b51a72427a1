"""A known order beats guessing: a manifest's files are fetched ahead of the opens that follow it.

The order is advanced by the opens that are observed, wherever they come from: each open of a listed path moves the
cursor there, and the next files are fetched up to `_AHEAD_FILES` files or what may be in flight. Readers that go
through the list in several processes at once (a DataLoader) jitter around the cursor; it only moves forward.
"""

import logging
from bisect import bisect_left
from collections.abc import Sequence

import anyio

from warpdrive.application.mount.errors import FileSystemError
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.prefetch import Prefetcher, Target
from warpdrive.application.mount.tree import Tree
from warpdrive.application.ports.errors import BackendError

log = logging.getLogger(__name__)

_AHEAD_FILES = 32
_QUIET_SECONDS = 600.0
"""A run over an order ends when nobody has opened any of its files for so long."""


class KnownOrder:
    """One manifest being followed."""

    def __init__(self, entries: Sequence[ManifestEntry], tree: Tree, prefetcher: Prefetcher) -> None:
        self._entries = entries
        self._ranks: dict[str, list[int]] = {}
        for rank, entry in enumerate(entries):
            self._ranks.setdefault(entry.path, []).append(rank)
        self._tree = tree
        self._prefetcher = prefetcher
        self.cursor = 0
        """Rank that the readers have reached; only grows."""
        self._moved = anyio.Event()
        self._scope = anyio.CancelScope()
        self.started = 0
        """Entries whose fetch was started."""
        self.failed = 0
        """Entries that could not be fetched; the reader will meet the error itself."""

    def opened(self, path: str) -> None:
        """Note an open; moves the cursor if the path is in the order and ahead of it.

        A path may have several turns. Its first may be anywhere ahead; a later one only where files have been asked
        for, else a file opened twice in one turn would skip everything up to its next.
        """
        ranks = self._ranks.get(path, ())
        turn = bisect_left(ranks, self.cursor)
        if turn < len(ranks) and (turn == 0 or ranks[turn] < self.cursor + _AHEAD_FILES):
            self.cursor = ranks[turn] + 1
            self._moved.set()

    def stop(self) -> None:
        """End the run; what is under way goes on."""
        self._scope.cancel()

    async def run(self) -> None:
        """Fetch ahead of the cursor until the whole order was asked for, or nobody follows it any more."""
        with self._scope:
            await self._run()
        log.info("prefetch order ended", extra={"started": self.started, "failed": self.failed})

    async def _run(self) -> None:
        rank = 0
        while rank < len(self._entries):
            if rank >= self.cursor + _AHEAD_FILES:
                self._moved = anyio.Event()
                with anyio.move_on_after(_QUIET_SECONDS) as quiet:
                    await self._moved.wait()
                if quiet.cancelled_caught:
                    return
                continue
            rank = max(rank, self.cursor - 1)
            await self._fetch(self._entries[rank])
            rank += 1

    async def _fetch(self, entry: ManifestEntry) -> None:
        try:
            backend, info = await self._tree.file_at(entry.path)
            target = Target(backend, info, entry.ranges)
            while not await self._prefetcher.fetch(target):
                await self._prefetcher.wait_for_room()
        except (BackendError, FileSystemError):
            self.failed += 1
        else:
            self.started += 1
