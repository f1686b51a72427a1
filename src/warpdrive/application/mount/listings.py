"""Directory listings: read page by page from a backend, kept for `dir_ttl`, bounded by names over all.

A listing is complete before it is shown. It has to be: a key that is also a prefix is shown as the directory (R4),
and between the two any number of other keys may sort ("a", "a-1", ..., "a/").
"""

import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.mount.single_flight import SingleFlight
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey
from warpdrive.domain.content.paths import HiddenReason, why_hidden, why_prefix_hidden

_HIDDEN_EXAMPLES = 20
_SURELY_SHORT = 63
"""Characters that are at most 252 bytes in UTF-8: such a name fits in 255."""
SMALL_DIRECTORY = 50_000
"""Names that a listing made on a guess may have: some fifty pages, a second or two."""

_LARGE_REMEMBERED = 10_000
_BURST = 8
"""Lookups with outdated attributes in one directory after which listing it again is cheaper than asking one by one."""


class HiddenKey(NamedTuple):
    """A key that cannot be shown as a name, and why."""

    key: str
    reason: HiddenReason


class Listing:
    """One directory's names, complete. `entries[name]` is the object, or None for a directory."""

    __slots__ = (
        "_columns",
        "backend",
        "complete",
        "entries",
        "hidden",
        "hidden_counts",
        "listed_at",
        "order",
        "outdated_lookups",
        "ranks",
    )

    def __init__(self, listed_at: float, backend: MountedBackend | None = None) -> None:
        self.listed_at = listed_at
        self.backend = backend
        """Whose names these are: where another serves the path now, they say nothing. None: nobody's, it is empty."""
        self.entries: dict[str, ObjectInfo | None] = {}
        self.order: list[str] = []
        """Names in byte order: readdir's order, and the order that readers of a directory usually follow."""
        self.ranks: dict[str, int] = {}
        """Made when first asked for: position of each name in `order`."""
        self.hidden: list[HiddenKey] = []
        self.hidden_counts: Counter[HiddenReason] = Counter()
        self.outdated_lookups = 0
        self.complete = False
        self._columns: tuple[list[bytes], list[ObjectInfo | None]] | None = None

    def columns(self) -> tuple[list[bytes], list[ObjectInfo | None]]:
        """Raw names and their objects in `order`, made once: every `ls` walks them."""
        if self._columns is None:
            entries = self.entries
            self._columns = [os.fsencode(name) for name in self.order], [entries[name] for name in self.order]
        return self._columns

    def hide(self, key: str, reason: HiddenReason) -> None:
        """Count a key that is not shown, and keep some as examples."""
        self.hidden_counts[reason] += 1
        if len(self.hidden) < _HIDDEN_EXAMPLES:
            self.hidden.append(HiddenKey(key, reason))

    def rank(self, name: str) -> int | None:
        """Position of the name in `order`."""
        if not self.ranks and self.order:
            self.ranks = {each: at for at, each in enumerate(self.order)}
        return self.ranks.get(name)

    def burst(self) -> bool:
        """Note one lookup with outdated attributes; True when it is time to list again."""
        self.outdated_lookups += 1
        return self.outdated_lookups >= _BURST


class Listings:
    """The cache of listings, by directory path; least recently used go first when too many names are kept."""

    def __init__(self, freshness: Freshness, clock: Clock) -> None:
        self._freshness = freshness
        self._clock = clock
        self._kept: OrderedDict[str, Listing] = OrderedDict()
        self._names = 0
        """Invariant: the sum of names over `_kept`."""
        self._flights: SingleFlight[tuple[str, MountedBackend, bool], Listing] = SingleFlight()
        """By path, backend, and whether it is a guess that may end early."""
        self._large: OrderedDict[str, float] = OrderedDict()
        """Directories found too large to guess at, and when."""

    def peek(self, path: str, backend: MountedBackend | None = None) -> Listing | None:
        """The listing if it is younger than `dir_ttl` and the backend's (None: whose ever); no backend is asked."""
        listing = self._kept.get(path)
        if listing is None or (backend is not None and listing.backend is not backend):
            return None
        if self._clock.monotonic() - listing.listed_at > self._freshness.dir_ttl:
            self.drop(path)
            return None
        self._kept.move_to_end(path)
        return listing

    async def get_if_small(self, path: str, backend: MountedBackend, prefix: str) -> None:
        """List the directory unless it turns out to have more than `SMALL_DIRECTORY` names. Raises BackendError.

        For guesses: nobody waits for the answer, and a huge directory is left alone for `dir_ttl`.
        """
        now = self._clock.monotonic()
        large_at = self._large.get(path)
        if large_at is not None and now - large_at <= self._freshness.dir_ttl:
            return
        listing = await self._flights.run(
            (path, backend, True), lambda: self._read(path, backend, prefix, SMALL_DIRECTORY)
        )
        if not listing.complete:
            self._large[path] = now
            if len(self._large) > _LARGE_REMEMBERED:
                self._large.popitem(last=False)

    async def get(self, path: str, backend: MountedBackend, prefix: str, *, renew: bool = False) -> Listing:
        """The directory's listing, from the backend when none is kept (or `renew`). Raises BackendError."""
        if not renew:
            listing = self.peek(path, backend)
            if listing is not None:
                return listing
        return await self._flights.run((path, backend, False), lambda: self._read(path, backend, prefix))

    def drop(self, path: str) -> None:
        """Forget one directory's listing."""
        listing = self._kept.pop(path, None)
        if listing is not None:
            self._names -= len(listing.entries)

    def forget_name(self, path: str, name: str) -> None:
        """One name turned out to be outdated: the listing no longer answers for it."""
        listing = self._kept.get(path)
        if listing is not None and name in listing.entries:
            self.drop(path)

    def drop_changed(
        self, tops: frozenset[str], below: tuple[str, ...], serving: Callable[[str], MountedBackend | None]
    ) -> None:
        """Forget listings of `tops` and of what starts with `below`, unless their backend still serves the path."""
        changed = [path for path in self._kept if path in tops or path.startswith(below)]
        for path in changed:
            if self._kept[path].backend is not serving(path):
                self.drop(path)
        self._large.clear()

    def hidden(self) -> Iterator[tuple[str, Listing]]:
        """Every kept listing that hides something, with its path."""
        for path, listing in self._kept.items():
            if listing.hidden_counts:
                yield path, listing

    async def _read(self, path: str, backend: MountedBackend, prefix: str, most: int | None = None) -> Listing:
        # Taken before the first page: what the listing says may already be that old when the last page is in.
        listing = Listing(self._clock.monotonic(), backend)
        cursor: str | None = None
        with backend.held() as reader:
            limit = reader.capabilities.list_limit
            while True:
                page = await reader.list_page(ObjectKey(prefix), cursor=cursor, limit=limit)
                _add_page(listing, prefix, page.objects, page.prefixes)
                cursor = page.cursor
                if cursor is None:
                    break
                if most is not None and len(listing.entries) > most:
                    return listing
        listing.complete = True
        listing.order = sorted(listing.entries, key=os.fsencode) if _needs_bytes(listing) else sorted(listing.entries)
        if not backend.retired:
            self._keep(path, listing)
        return listing

    def _keep(self, path: str, listing: Listing) -> None:
        self.drop(path)
        self._kept[path] = listing
        self._names += len(listing.entries)
        while self._names > self._freshness.max_listed and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            self.drop(oldest)


def _needs_bytes(listing: Listing) -> bool:
    # Code points sort like their UTF-8, but surrogate escapes (raw bytes) sort above everything as code points.
    return any(not name.isascii() for name in listing.entries)


def _add_page(listing: Listing, prefix: str, objects: list[ObjectInfo], prefixes: list[ObjectKey]) -> None:
    """Put one page's keys where they belong. Runs for every object of every listing: kept tight."""
    cut = len(prefix)
    entries = listing.entries
    for info in objects:
        name = info.key[cut:]
        if not name:
            continue  # the marker object of the directory itself
        # A short plain name needs no closer look.
        if (len(name) > _SURELY_SHORT or name[0] == "." or "\0" in name or "/" in name) and (
            why := why_hidden(info.key, prefix)
        ):
            listing.hide(info.key, why)
        elif name in entries:
            listing.hide(info.key, HiddenReason.SHADOWED)
        else:
            entries[name] = info
    for each in prefixes:
        name = each[cut:-1]
        why = why_prefix_hidden(each, prefix)
        if why is not None:
            listing.hide(each, why)
            continue
        if entries.get(name) is not None:
            listing.hide(each[:-1], HiddenReason.SHADOWED)
        entries[name] = None
