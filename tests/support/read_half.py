"""A mount's data half over memory: fetches, contents, read path, prefetch and files, without a kernel."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tests.support.faulty_reader import FaultyReader
from tests.support.small_mount import SmallMount
from warpdrive.adapters.cache.memory import MemoryCache
from warpdrive.application.mount.attributes import Caller
from warpdrive.application.mount.buffers import BufferPool
from warpdrive.application.mount.contents import Content, Contents
from warpdrive.application.mount.counters import ReadCounters
from warpdrive.application.mount.fetching import Fetch, FetchScheduler
from warpdrive.application.mount.files import Files
from warpdrive.application.mount.filling import CacheFiller
from warpdrive.application.mount.prefetch import Prefetcher
from warpdrive.application.mount.read_path import ReadPath
from warpdrive.application.mount.walking import TreeWalker

KIB = 1024
MIB = 1024 * KIB
PAGE = 64 * KIB
BLOCK = 256 * KIB
NOBODY = Caller(0, 0, 0)


def pattern(size: int, seed: int = 1) -> bytes:
    """Bytes that differ at every position a mistake could confuse: each page has its own, and each seed."""
    return b"".join((f"{seed}:{at}:".encode() * 16)[:64] for at in range(0, size, 64))[:size]


class ReadHalf:
    """Everything below the verbs; one bucket at /d. `limit` is the memory limit in bytes."""

    def __init__(
        self, tasks: TaskGroup, objects: Mapping[str, bytes], *, limit: int, block: int, max_parallel: int
    ) -> None:
        self.tasks = tasks
        self.mount = SmallMount({"/d": objects})
        self.reader: FaultyReader = self.mount.readers["/d"]
        self.cache = MemoryCache(256 * MIB, block)
        self.counters = ReadCounters()
        self.pool = BufferPool(limit=limit, block_size=block)
        self.failed: list[Exception] = []
        self.scheduler = FetchScheduler(
            tasks,
            self.pool,
            self.counters,
            max_parallel=max_parallel,
            on_error=lambda _, error: self.failed.append(error),
        )
        self.contents = Contents(self.cache, self.counters)
        self.read_path = ReadPath(self.scheduler, self.counters)
        tree = self.mount.tree
        self.prefetcher = Prefetcher(self.scheduler, self.contents, tree, self._spawn, block_size=block)
        self.files = Files(
            tree,
            self.mount.inodes,
            self.contents,
            self.read_path,
            self.prefetcher,
            self.counters,
            self.mount.clock,
            block_size=block,
            readahead_blocks=2,
            max_parallel=max_parallel,
            collector=None,
        )
        self.filler = CacheFiller(tree, self.contents, self.read_path, self.cache)
        self.walker = TreeWalker(tree, self.mount.inodes)

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.tasks.start_soon(work)

    async def content(self, name: str) -> Content:
        """The content of /d/name as it is now, held once for the caller."""
        backend, info = await self.mount.tree.file_at(f"/d/{name}")
        return await self.contents.open(backend, info)

    async def open(self, name: str) -> int:
        """Open /d/name as the kernel does: look up, open, forget. Returns the handle."""
        inode = await self.mount.lookup(f"/d/{name}")
        return (await self.files.open(inode.number, writable=False, caller=NOBODY)).handle

    async def read(self, handle: int, offset: int, length: int) -> bytes:
        """Read and copy at once, as a transport replies at once."""
        return bytes(await self.files.read(handle, offset, length))

    async def quiet(self) -> None:
        """Return when every task waits for something."""
        await anyio.wait_all_tasks_blocked()

    def hold_bodies(self) -> anyio.Event:
        """Let headers through and no bytes until the event is set."""
        self.reader.gate = gate = anyio.Event()
        return gate

    def let_bodies(self, gate: anyio.Event) -> None:
        """End a `hold_bodies`."""
        self.reader.gate = None
        gate.set()

    @property
    def asked(self) -> list[tuple[int, int]]:
        """(offset, length) of every request so far."""
        return [(offset, length) for _, offset, length in self.reader.requests]


def as_asked(offset: int, stop: int) -> tuple[int, int]:
    """A demand plan that fetches no more than the pages asked for."""
    return offset - offset % PAGE, -(-stop // PAGE) * PAGE


def fetches_of(content: Content) -> list[tuple[int, int, bool]]:
    """(start, stop, demand) of what is under way or lingers."""
    return sorted((each.start, each.stop, each.demand) for each in content.fetches)


def only_fetch(content: Content) -> Fetch:
    """The one fetch of a content."""
    (fetch,) = content.fetches
    return fetch


@asynccontextmanager
async def reading(
    objects: Mapping[str, bytes], *, limit: int = 16 * MIB, block: int = BLOCK, max_parallel: int = 4
) -> AsyncIterator[ReadHalf]:
    """Keep a data half in service; whatever is still under way at the end is cancelled."""
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            half = ReadHalf(tasks, objects, limit=limit, block=block, max_parallel=max_parallel)
            yield half
            tasks.cancel_scope.cancel()
        half.scheduler.drop_lingering()
