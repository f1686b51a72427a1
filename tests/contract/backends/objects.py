"""Small verbs for the contract's tests: put, read, list everything, and a sink that remembers."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from warpdrive.adapters.blob.factory import Backend
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion


def pattern(size: int) -> bytes:
    """`size` bytes in which every position differs from its neighbours far and near (period 251 * 256 * 8)."""
    words = bytearray()
    for number in range(min(size // 8 + 1, 251 * 256)):
        words += (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little")
    return bytes((words * (size // len(words) + 1))[:size])


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    """A body that can be read once."""
    for chunk in chunks:
        yield chunk


class Body:
    """A body that can be read again: each `aiter` starts anew."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Start from the first chunk."""
        return parts(*self._chunks)


async def put(backend: Backend, key: str, data: bytes, *, precondition: Precondition = None) -> ObjectInfo:
    """Write the object in one piece."""
    return await backend.writer.write(ObjectKey(key), Body(data), size=len(data), precondition=precondition)


async def read(
    backend: Backend, key: str, offset: int, length: int, *, version: ObjectVersion | None = None
) -> tuple[bytes, ObjectInfo]:
    """Read one range into a buffer of its own."""
    buffer = bytearray(length)
    info = await backend.reader.read_range(ObjectKey(key), offset, memoryview(buffer), version=version)
    return bytes(buffer), info


async def listed(
    backend: Backend, prefix: str = "", *, limit: int = 1000, recursive: bool = False
) -> tuple[list[ObjectInfo], list[ObjectKey]]:
    """List all pages; fails on a listing that does not end."""
    objects: list[ObjectInfo] = []
    prefixes: list[ObjectKey] = []
    cursor: str | None = None
    for _ in range(10_000):
        page = await backend.reader.list_page(ObjectKey(prefix), cursor=cursor, limit=limit, recursive=recursive)
        objects += page.objects
        prefixes += page.prefixes
        cursor = page.cursor
        if cursor is None:
            return objects, prefixes
    raise AssertionError(f"the listing of {prefix!r} does not end")


def names(folder: Path) -> list[str]:
    """Every name in a local directory, sorted: hidden and staged ones too."""
    return sorted(path.name for path in folder.iterdir())


class Arrival:
    """A sink that holds what is announced against what the bytes should be, at the moment of the announcement."""

    def __init__(self, buffer: bytearray, expected: bytes) -> None:
        self._buffer = buffer
        self._expected = expected
        self.infos: list[ObjectInfo] = []
        self.fills: list[int] = []
        self.wrong = 0
        self.first = ""
        self.on_progress: Callable[[], object] = lambda: None

    def started(self, info: ObjectInfo) -> None:
        """Remember the headers."""
        self.first = self.first or "started"
        self.infos.append(info)

    def advanced(self, filled: int) -> None:
        """Check the bytes that are new since the last time."""
        self.first = self.first or "advanced"
        done = self.fills[-1] if self.fills else 0
        self.wrong += self._buffer[done:filled] != self._expected[done:filled]
        self.fills.append(filled)
        self.on_progress()
