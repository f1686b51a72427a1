"""Prefetch: the task doing what `Readahead` decides, what a directory's order suggests, what a manifest knows.

Demand reads always go first (the scheduler sees to that); a prefetch asks only for what is missing and not under
way, respects the bytes in flight, and never raises: a failing prefetch is a miss that somebody may make later.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.contents import Content, Contents
from warpdrive.application.mount.fetching import FetchScheduler
from warpdrive.application.mount.handles import Handle
from warpdrive.application.mount.tree import Tree
from warpdrive.application.ports.objects import ObjectInfo
from warpdrive.domain.content.pages import page_ceil, page_floor
from warpdrive.domain.content.paths import split

FILES_AHEAD = 4
"""Files whose first block is fetched when a directory is read in name order (`dataplane.md`, The cache)."""

_SMALL_FILES_AHEAD = 16
"""The same for files no larger than this many readers' requests: their cost is the round trip, not the bytes."""
_SMALL_FILE = 1024 * 1024
_DIRECTORIES_WATCHED = 4096
_IN_ORDER = 2
"""Opens in name order, one after the other, before the order is believed."""


class _Order:
    """How far a directory has been read in name order."""

    __slots__ = ("asked_until", "rank", "read_through", "streak")

    def __init__(self) -> None:
        self.rank = -1
        self.streak = 0
        self.read_through = False
        """The file that was closed last had been read to its end."""
        self.asked_until = 0
        """Ranks before this one have been asked for."""


class Target(NamedTuple):
    """Something to fetch ahead: a version of a file and [start, stop) ranges of it; no ranges mean all of it."""

    backend: MountedBackend
    info: ObjectInfo
    ranges: Sequence[tuple[int, int | None]] = ()


class Prefetcher:
    """Starts prefetches for handles, directories and known orders."""

    def __init__(
        self,
        scheduler: FetchScheduler,
        contents: Contents,
        tree: Tree,
        spawn: Callable[[Callable[[], Coroutine[Any, Any, None]]], None],
        *,
        block_size: int,
    ) -> None:
        self._scheduler = scheduler
        self._contents = contents
        self._tree = tree
        self._spawn = spawn
        self._block_size = block_size
        self._orders: OrderedDict[str, _Order] = OrderedDict()

    def follow(self, handle: Handle) -> None:
        """Fetch what the handle's pattern says comes next. Called after each of its reads; cheap when nothing does."""
        for start, stop in handle.readahead.plan():
            if not self._ahead_of(handle.content, start, stop, handle):
                handle.readahead.postpone(start)
                return

    def stop(self, handle: Handle) -> None:
        """The handle closes: give up what was fetched ahead for it alone; remember whether it was read through."""
        order = self._orders.get(split(handle.inode.path)[0])
        if order is not None:
            order.read_through = handle.readahead.read_through
        for fetch in handle.ahead:
            self._scheduler.abandon(fetch)
        handle.ahead.clear()

    def opened(self, handle: Handle) -> None:
        """A file was opened: if its directory is being read in name order, fetch the heads of the next files.

        When the file before was read through, this one is expected to be, from its first byte on.
        """
        inode = handle.inode
        parent, name = split(inode.path)
        listing = self._tree.peek_listing(parent, inode.backend)
        if listing is None:
            return
        rank = listing.rank(name)
        if rank is None:
            return
        order = self._order(parent)
        if rank == order.rank:
            return
        in_order = order.rank < rank <= order.rank + 2  # one name may be skipped: an index beside each shard
        order.streak = order.streak + 1 if in_order else 1
        if not in_order:
            order.asked_until = rank + 1
        order.rank = rank
        if order.streak < _IN_ORDER:
            return
        if order.read_through and inode.size > self._block_size:
            handle.readahead.expect_sequence()
        small = inode.size <= _SMALL_FILE
        until = min(rank + 1 + (_SMALL_FILES_AHEAD if small else FILES_AHEAD), len(listing.order))
        first = max(order.asked_until, rank + 1)
        # Asking in groups keeps one task per several files when files are tiny.
        if first >= until or (small and until - first < _SMALL_FILES_AHEAD // 4 and until < len(listing.order)):
            return
        order.asked_until = until
        targets = []
        for each in listing.order[first:until]:
            info = listing.entries[each]
            if info is not None and info.size and inode.backend is not None:
                targets.append(Target(inode.backend, info, ((0, min(info.size, self._block_size)),)))
        self._spawn(lambda: self._fetch_heads(targets))

    async def fetch(self, target: Target) -> bool:
        """Start fetching a target ahead; False when the bytes in flight leave no room (ask again later)."""
        if not target.backend.online or not target.info.size:
            return True
        content = await self._contents.open(target.backend, target.info)
        try:
            for start, end in target.ranges or ((0, None),):
                stop = content.size if end is None else min(end, content.size)
                if start < stop and not self._ahead_of(content, start, stop, None):
                    return False
        finally:
            content.unhold()
        return True

    async def wait_for_room(self) -> None:
        """Wait until more may be in flight."""
        await self._scheduler.wait_for_room()

    async def _fetch_heads(self, targets: list[Target]) -> None:
        for target in targets:
            if not await self.fetch(target):
                return

    def _ahead_of(self, content: Content, start: int, stop: int, handle: Handle | None) -> bool:
        """Start fetches for what is missing of [start, stop); False when there is no room for them."""
        position = start
        while position < stop:
            gap = content.cached.missing(position, stop)
            if gap is None:
                return True
            position = max(page_floor(position), gap[0])
            under_way = content.find(position)
            if under_way is not None:
                position = under_way.stop
                continue
            block_end = (position // self._block_size + 1) * self._block_size
            until = min(gap[1], page_ceil(stop), content.size, block_end, position + self._scheduler.largest)
            _, until = content.clear_of_fetches(position, until)
            if until - position > self._scheduler.room_ahead():
                return False
            fetch = self._scheduler.ahead(content, position, until)
            content.unread.add(position // self._block_size)
            if handle is not None:
                handle.ahead = [each for each in handle.ahead if not each.settled]
                handle.ahead.append(fetch)
            position = until
        return True

    def _order(self, directory: str) -> _Order:
        order = self._orders.get(directory)
        if order is None:
            order = self._orders[directory] = _Order()
            if len(self._orders) > _DIRECTORIES_WATCHED:
                self._orders.popitem(last=False)
        return order
