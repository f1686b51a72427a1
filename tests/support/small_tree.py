"""A namespace of a few files and a cache for them, in memory, with faults and a gate."""

from collections.abc import AsyncIterator, Callable, Sequence

import anyio

from warpdrive.application.mount.errors import NoSuchEntry
from warpdrive.application.mount.warming import TreeFile, Unlisted
from warpdrive.application.ports.errors import BackendError, Unavailable

PAGE = 10


class SmallTree:
    """Files by path, in the order given; directories are what their names say."""

    def __init__(self, sizes: dict[str, int], *, unlisted: Sequence[str] = ()) -> None:
        self.sizes = sizes
        self.unlisted = unlisted

    async def walk(self, path: str, *, recursive: bool) -> AsyncIterator[TreeFile | Unlisted]:
        """Yield what is at or below the path."""
        top = "" if path == "/" else path
        found = False
        for name in self.unlisted:
            if name == path or name.startswith(f"{top}/"):
                found = True
                yield Unlisted(name, "unavailable: connection refused")
        for name, size in self.sizes.items():
            below = name.startswith(f"{top}/") and (recursive or "/" not in name[len(top) + 1 :])
            if name == path or below:
                found = True
                await anyio.lowlevel.checkpoint()
                yield TreeFile(name, size, "photos", name.removeprefix("/photos/"), "v1")
            found = found or name.startswith(f"{top}/")
        if not found and path != "/":
            raise NoSuchEntry(path)


class SmallFiller:
    """Cached bytes by path, added page by page. `capacity` bytes in all, the oldest file goes first."""

    def __init__(self, *, capacity: int = 1 << 40, broken: Sequence[str] = ()) -> None:
        self.cached: dict[str, int] = {}
        self.capacity = capacity
        self.broken = broken
        self.fetched: list[tuple[str, int]] = []
        self.busy = 0
        self.busiest = 0
        self.cancelled = 0
        self.gate = anyio.Event()
        self.gate.set()
        """Replace it by an unset one to hold fills before their first page: those of `held`, or all."""
        self.held: Sequence[str] = ()

    async def fill(
        self, file: TreeFile, ranges: Sequence[tuple[int, int]] | None, progress: Callable[[int], None]
    ) -> None:
        """Fetch to the end of the only range, or of the file."""
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if not self.held or file.path in self.held:
                await self.gate.wait()
            if file.path in self.broken:
                raise Unavailable(f"cannot reach {file.path}")
            stop = file.size if ranges is None else ranges[0][1]
            while (held := self.cached.get(file.path, 0)) < stop:
                await anyio.lowlevel.checkpoint()
                count = min(PAGE, file.size - held)
                self.cached[file.path] = held + count
                self.fetched.append((file.path, count))
                progress(count)
                self._make_room(file.path)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.busy -= 1

    def cached_bytes(self, file: TreeFile) -> int:
        """Bytes held."""
        return self.cached.get(file.path, 0)

    async def evict(self, file: TreeFile) -> int:
        """Drop the file. A broken one cannot be dropped."""
        await anyio.lowlevel.checkpoint()
        if file.path in self.broken:
            raise BackendError("stuck")
        return self.cached.pop(file.path, 0)

    def _make_room(self, keep: str) -> None:
        while sum(self.cached.values()) > self.capacity:
            del self.cached[next(path for path in self.cached if path != keep)]
