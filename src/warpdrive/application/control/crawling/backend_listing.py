"""A place's objects by listing its backends, several parts of the keys at once.

Parts are found level by level, as names are: a level that lists soon and has not too many names below is split into
them, until there are enough for everybody to work on; what is left is listed whole. So one deep tree is spread out, a
flat one is one part, and a million small folders are not asked one by one.
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from warpdrive.application.control.crawling.gathering import Item, aside, unfailed
from warpdrive.application.ports.errors import BackendError, ObjectNotFound
from warpdrive.application.ports.listing_source import ListedPage, ListedPart, ListingFailed
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey
from warpdrive.domain.content.texts import storable
from warpdrive.domain.governance.attribution import topmost
from warpdrive.domain.governance.recorded_texts import recorded_key
from warpdrive.domain.namespace.values import BackendDefinition

WORKERS: Final = 16
"""Listings under way at once, where the backend bears so many."""
_WALKERS: Final = 8
"""The same where directories exist by themselves: adapters keep so many walks."""
_PARTS_PER_WORKER: Final = 4
"""With so many parts for each worker nothing more is split: enough for parts of different size."""
_MOST_PARTS: Final = 2_000
"""A level that would make more of them is listed whole: each part costs a request at least."""


@dataclass(frozen=True, slots=True)
class Root:
    """A backend whose keys are to be listed. `prefix`: what its keys have before them in the place."""

    name: str
    prefix: str
    reader: ObjectReader


def roots_of(definitions: Sequence[BackendDefinition]) -> list[BackendDefinition]:
    """Choose the backends of one place that show all that any of them shows, each object once."""
    by_prefix: dict[str, BackendDefinition] = {}
    for each in sorted(definitions, key=lambda definition: definition.name):
        by_prefix.setdefault(each.prefix, each)
    return [by_prefix[prefix] for prefix in topmost(by_prefix)]


class BackendListing:
    """`ListingSource` over the backends of one place. `workers`: fewer or more than WORKERS."""

    kind: Final = "list"
    as_of: Final = None

    def __init__(self, roots: Sequence[Root], *, workers: int = WORKERS) -> None:
        self._roots = tuple(roots)
        walked = any(root.reader.capabilities.directories for root in roots)
        bearable = min((root.reader.capabilities.max_parallel for root in roots), default=1)
        self._workers = max(1, min(workers, bearable, _WALKERS if walked else workers))

    @property
    def roots(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(root.prefix for root in self._roots)

    @asynccontextmanager
    async def pages(self, parts: Sequence[ListedPart]) -> AsyncIterator[AsyncIterator[ListedPage]]:
        """See the port."""
        send: MemoryObjectSendStream[Item]
        receive: MemoryObjectReceiveStream[Item]
        send, receive = anyio.create_memory_object_stream[Item](self._workers)
        named = {part.name for part in parts}
        # A root is always a part; after a break it is only known if a page of it was merged before.
        known = [*parts, *(ListedPart(prefix) for prefix in self.roots if prefix not in named)]
        run = _Run(self._roots, known, enough=self._workers * _PARTS_PER_WORKER)
        with receive:
            async with aside() as tasks:
                with send:
                    for _ in range(self._workers):
                        tasks.start_soon(run.work, send.clone())
                async with aclosing(unfailed(receive)) as pages:
                    yield pages


class _Run:
    """The parts of one listing, shared by its workers."""

    def __init__(self, roots: Sequence[Root], parts: Sequence[ListedPart], *, enough: int) -> None:
        self._roots = roots
        self._open = deque(part for part in parts if not part.done)
        self._known = len(parts)
        self._enough = enough
        self._busy = 0
        # Notified when parts were found or a worker became idle.
        self._change = anyio.Condition()

    async def work(self, send: MemoryObjectSendStream[Item]) -> None:
        """List parts until there are no more, or one fails: then the fault is sent."""
        with send:
            while (part := await self._take()) is not None:
                try:
                    await self._list(part, send)
                except BackendError as error:
                    await send.send(ListingFailed(_told(self._root(part), part, error)))
                    return
                finally:
                    self._busy -= 1
                async with self._change:
                    self._change.notify_all()

    async def _take(self) -> ListedPart | None:
        async with self._change:
            while not self._open:
                if not self._busy:
                    return None
                await self._change.wait()
            self._busy += 1
            return self._open.popleft()

    async def _list(self, part: ListedPart, send: MemoryObjectSendStream[Item]) -> None:
        root = self._root(part)
        level = await self._level(root, part) if self._may_split(root, part) else None
        if level is None:
            await self._list_whole(root, part, send)
            return
        objects, names = level
        found = tuple(root.prefix + name for name in names)
        self._known += len(found)
        await send.send(ListedPage(part.name, root.prefix, objects, "", done=True, found=found))
        # Only now: whoever records parts hears of them before their own pages come.
        self._open.extend(ListedPart(name) for name in found)

    def _may_split(self, root: Root, part: ListedPart) -> bool:
        if part.cursor or len(self._open) + self._busy > self._enough:
            return False
        # A link that leads back up would be followed once for every level that is split.
        return not root.reader.capabilities.directories or part.name == root.prefix

    async def _level(self, root: Root, part: ListedPart) -> tuple[list[ObjectInfo], list[ObjectKey]] | None:
        """List one level; None when it has more than a page, or too many names: that page was asked for in vain."""
        page = await _page(root, part, None, recursive=False)
        few = self._known + len(page.prefixes) <= _MOST_PARTS
        if page.cursor is not None or not few or not all(_nameable(root.prefix + name) for name in page.prefixes):
            return None
        return page.objects, page.prefixes

    async def _list_whole(self, root: Root, part: ListedPart, send: MemoryObjectSendStream[Item]) -> None:
        cursor = part.cursor or None
        # One from before a break may be of no use any more.
        inherited = cursor is not None
        while True:
            try:
                page = await _page(root, part, cursor, recursive=True)
            except BackendError as error:
                if not inherited or error.transient:
                    raise
                cursor, inherited = None, False
                continue
            inherited = False
            kept = page.cursor if page.cursor is not None and storable(page.cursor) else ""
            await send.send(ListedPage(part.name, root.prefix, page.objects, kept, done=page.cursor is None))
            if page.cursor is None:
                return
            cursor = page.cursor

    def _root(self, part: ListedPart) -> Root:
        return next(root for root in self._roots if part.name.startswith(root.prefix))


async def _page(root: Root, part: ListedPart, cursor: str | None, *, recursive: bool) -> ListPage:
    prefix = ObjectKey(part.name[len(root.prefix) :])
    limit = root.reader.capabilities.list_limit
    try:
        return await root.reader.list_page(prefix, cursor=cursor, limit=limit, recursive=recursive)
    except ObjectNotFound:
        return ListPage([], [], None)


def _nameable(part: str) -> bool:
    """Say whether a part can be remembered under this name."""
    return storable(part) and recorded_key("", part) == part


def _told(root: Root, part: ListedPart, error: BackendError) -> str:
    where = f"{part.name!r} of backend {root.name!r}" if part.name else f"backend {root.name!r}"
    return f"listing {where} failed ({error.kind}): {error.detail}"
