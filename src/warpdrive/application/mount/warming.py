"""Warm: fill the cache on purpose before a job, and say honestly afterwards what is not there.

A run walks the tree, fills files with a bounded number of workers and ends with a second walk that counts
what is missing: a set larger than the cache pushes its own beginning out, and only a look at the end can
tell. It is resumable by nature, since bytes that are recorded already are never fetched again. Stopping one
is cancelling the task that runs it; what was recorded stays.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from warpdrive.application.mount.errors import FileSystemError
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.ports.objects import Digest

log = logging.getLogger(__name__)

MAX_WORKERS = 256
NAMED_LIMIT = 200
"""Failures and missing files that a run names; it counts all of them."""
_WALK_AHEAD = 10_000
"""Files the walk may be ahead of the workers: enough for an early total, little enough for memory."""


class TreeFile(NamedTuple):
    """One file of the namespace. `path` is absolute, `size` in bytes, `backend` the configured name."""

    path: str
    size: int
    backend: str
    key: str
    version: str
    digest: Digest | None = None
    """The backend's own digest of the whole, where its listing tells it."""


class Unlisted(NamedTuple):
    """A directory that could not be listed; the walk goes on beside it."""

    path: str
    detail: str


class FileTree(Protocol):
    """The files below a path, in the order of the tree."""

    def walk(self, path: str, *, recursive: bool) -> AsyncIterator[TreeFile | Unlisted]:
        """Yield the file at `path`, or the files in that directory (and, recursively, below it).

        Raises NoSuchEntry when nothing has that path. A backend's fault costs one `Unlisted` per directory
        and never ends the walk.
        """


class Filler(Protocol):
    """Moves one file's bytes into the cache and out of it."""

    async def fill(
        self, file: TreeFile, ranges: Sequence[tuple[int, int]] | None, progress: Callable[[int], None]
    ) -> None:
        """Fetch what is missing of `ranges` ([start, stop) in bytes; None: all).

        `progress` takes the bytes just added, on the event loop. Raises BackendError;
        VersionChanged when the file is no longer the one that was walked.
        """

    def cached_bytes(self, file: TreeFile) -> int:
        """Recorded bytes of this version."""

    async def evict(self, file: TreeFile) -> int:
        """Drop what is recorded of this version; returns bytes freed."""


@dataclass(frozen=True, slots=True)
class WarmRequest:
    """What to warm. `max_size`: at most so many bytes, in walking order, the last file in part; None: all."""

    path: str
    recursive: bool = False
    max_size: int | None = None
    workers: int = 8
    check: bool = False
    """Fetch nothing, only report what is missing."""

    def __post_init__(self) -> None:
        """Raise ValueError for a relative path or a number out of range."""
        if not self.path.startswith("/"):
            raise ValueError(f"path must start with '/': {self.path!r}")
        if not 1 <= self.workers <= MAX_WORKERS:
            raise ValueError(f"workers must be from 1 to {MAX_WORKERS}, not {self.workers}")
        if self.max_size is not None and self.max_size <= 0:
            raise ValueError(f"max_size must be positive, not {self.max_size}")


class PathFault(NamedTuple):
    """Something under the path that could not be warmed, and why."""

    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class WarmProgress:
    """A run at one moment. Sizes in bytes, times in seconds; totals grow until `walked`."""

    files: int = 0
    files_total: int = 0
    bytes: int = 0
    """In the cache now, of the selection: found there and fetched."""
    bytes_total: int = 0
    bytes_found: int = 0
    """Part of `bytes` that was recorded before the run."""
    walked: bool = False
    limited: bool = False
    """`max_size` ended the walk before the tree did."""
    elapsed: float = 0.0
    bytes_per_second: float = 0.0
    eta: float | None = None
    """None while the total or the rate is unknown."""
    failed: int = 0
    failures: tuple[PathFault, ...] = ()
    finished: bool = False
    missing_files: int = 0
    """Known when finished: files that are not wholly in the cache, and the bytes they lack."""
    missing_bytes: int = 0
    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Finished, and everything that was selected is in the cache."""
        return self.finished and not self.failed and not self.missing_files


class WarmRun:
    """One run. `run` does it once; `progress` may be asked at any time from the same loop."""

    def __init__(self, request: WarmRequest, tree: FileTree, filler: Filler, clock: Clock) -> None:
        self.request = request
        self._tree = tree
        self._filler = filler
        self._clock = clock
        self._started: float | None = None
        self._now = WarmProgress()
        self._failures: list[PathFault] = []
        self._missing: list[str] = []
        # Plain numbers, bumped by workers; `progress` makes a value of them.
        self._files = self._fetched = self._found = self._failed = 0

    def progress(self) -> WarmProgress:
        """Return the state of the run now."""
        now = self._now
        elapsed = now.elapsed
        if self._started is not None and not now.finished:
            elapsed = self._clock.monotonic() - self._started
        rate = self._fetched / elapsed if elapsed > 0 else 0.0
        done = self._found + self._fetched
        left = max(0, now.bytes_total - done)
        return replace(
            now,
            files=self._files,
            bytes=done,
            bytes_found=self._found,
            elapsed=elapsed,
            bytes_per_second=rate,
            eta=left / rate if now.walked and rate > 0 and not now.finished else None,
            failed=self._failed,
            failures=tuple(self._failures),
            missing=tuple(self._missing),
        )

    async def run(self) -> WarmProgress:
        """Walk, fill, and look again. Raises what the walk raises for the path itself; counts all other faults."""
        self._started = self._clock.monotonic()
        if not self.request.check:
            await self._fill_all()
        await self._look()
        self._now = replace(self._now, walked=True, finished=True, elapsed=self._clock.monotonic() - self._started)
        result = self.progress()
        log.info(
            "warm finished",
            extra={
                "path": self.request.path,
                "files": result.files,
                "bytes": result.bytes,
                "fetched": self._fetched,
                "failed": result.failed,
                "missing_files": result.missing_files,
                "seconds": round(result.elapsed, 3),
            },
        )
        return result

    async def _selected(self) -> AsyncIterator[tuple[TreeFile, int] | Unlisted]:
        """Yield each file of the selection with how many of its first bytes belong to it."""
        budget = self.request.max_size
        async for item in self._tree.walk(self.request.path, recursive=self.request.recursive):
            if isinstance(item, Unlisted):
                yield item
                continue
            wanted = item.size if budget is None else min(item.size, budget)
            if budget is not None:
                if wanted < item.size or not budget:
                    self._now = replace(self._now, limited=True)
                if not budget:
                    return
                budget -= wanted
            yield item, wanted

    async def _fill_all(self) -> None:
        async with anyio.create_task_group() as workers:
            send, receive = anyio.create_memory_object_stream[tuple[TreeFile, int]](_WALK_AHEAD)
            with receive:
                for _ in range(self.request.workers):
                    workers.start_soon(self._work, receive.clone())
            refusal = await self._walk(send)
        if refusal is not None:
            # Raised out here, so that the caller gets the error and not a group around it.
            raise refusal

    async def _walk(self, send: MemoryObjectSendStream[tuple[TreeFile, int]]) -> BackendError | FileSystemError | None:
        with send:
            try:
                async for item in self._selected():
                    if isinstance(item, Unlisted):
                        self._fail(item.path, item.detail)
                        continue
                    self._count(item[1])
                    await send.send(item)
            except (BackendError, FileSystemError) as error:
                return error
        self._now = replace(self._now, walked=True)
        return None

    async def _work(self, receive: MemoryObjectReceiveStream[tuple[TreeFile, int]]) -> None:
        with receive:
            async for file, wanted in receive:
                await self._fill_one(file, wanted)

    async def _fill_one(self, file: TreeFile, wanted: int) -> None:
        found = min(self._filler.cached_bytes(file), wanted)
        self._found += found
        if found < wanted:
            added = 0

            def progress(count: int) -> None:
                # Whole pages arrive, so the sum may pass what was asked for; the total must not.
                nonlocal added
                count = min(count, wanted - found - added)
                added += count
                self._fetched += count

            ranges = None if wanted == file.size else ((0, wanted),)
            try:
                await self._filler.fill(file, ranges, progress)
            except BackendError as error:
                self._fail(file.path, f"{error.kind}: {error.detail}")
                return
            except FileSystemError as error:
                self._fail(file.path, str(error))
                return
        self._files += 1

    async def _look(self) -> None:
        """Count what is missing of the selection now; in check mode this is the whole run."""
        missing_files = missing_bytes = 0
        async for item in self._selected():
            if isinstance(item, Unlisted):
                # A filling run has named this directory already, unless it fell out between the walks.
                if all(fault.path != item.path for fault in self._failures):
                    self._fail(item.path, item.detail)
                continue
            file, wanted = item
            found = min(self._filler.cached_bytes(file), wanted)
            if self.request.check:
                self._count(wanted)
                self._files += found == wanted
                self._found += found
            if found < wanted:
                missing_files += 1
                missing_bytes += wanted - found
                if len(self._missing) < NAMED_LIMIT:
                    self._missing.append(file.path)
        self._now = replace(self._now, missing_files=missing_files, missing_bytes=missing_bytes)

    def _count(self, wanted: int) -> None:
        now = self._now
        self._now = replace(now, files_total=now.files_total + 1, bytes_total=now.bytes_total + wanted)

    def _fail(self, path: str, detail: str) -> None:
        self._failed += 1
        if len(self._failures) < NAMED_LIMIT:
            self._failures.append(PathFault(path, detail))


class Warmer:
    """Makes runs over one tree and one cache."""

    def __init__(self, tree: FileTree, filler: Filler, clock: Clock) -> None:
        self._tree = tree
        self._filler = filler
        self._clock = clock

    def plan(self, request: WarmRequest) -> WarmRun:
        """Prepare a run; nothing happens before its `run`."""
        return WarmRun(request, self._tree, self._filler, self._clock)
