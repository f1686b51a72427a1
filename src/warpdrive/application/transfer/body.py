"""An object's bytes on their way from one backend into another: one piece in memory, hashed as it passes."""

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import anyio.to_thread

from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo

PIECE: Final = 4 * 1024 * 1024
"""Bytes asked for at once."""

_INLINE: Final = 64 * 1024
"""Bytes below which handing them to a thread takes longer than hashing them."""


class SourceBody:
    """The bytes of one version of an object, from the start on each `aiter()`, so that a write can be repeated.

    `passed` is told how many bytes went by; a negative count takes back those of an attempt that began anew.
    Iterating raises what `ObjectReader.read_range` raises, VersionChanged when the object became another.
    """

    def __init__(
        self, reader: ObjectReader, info: ObjectInfo, passed: Callable[[int], None], *, piece: int = PIECE
    ) -> None:
        self._reader = reader
        self._info = info
        self._passed = passed
        self._piece = piece
        self._digest = hashlib.md5(usedforsecurity=False)
        self._done = 0

    def __aiter__(self) -> AsyncIterator[memoryview]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[memoryview]:
        self.take_back()
        self._digest = hashlib.md5(usedforsecurity=False)
        while self._done < self._info.size:
            # New memory for each piece: a writer may still hold the last one.
            piece = memoryview(bytearray(min(self._piece, self._info.size - self._done)))
            await self._reader.read_range(self._info.key, self._done, piece, version=self._info.version)
            await hash_in(self._digest, piece)
            self._done += len(piece)
            self._passed(len(piece))
            yield piece

    def take_back(self) -> None:
        """Uncount what has passed: it came to nothing."""
        self._passed(-self._done)
        self._done = 0

    @property
    def md5(self) -> bytes:
        """The digest of what has passed; of the object once all of it has."""
        return self._digest.digest()


async def md5_of(reader: ObjectReader, info: ObjectInfo, *, piece: int = PIECE) -> bytes:
    """Read one version of an object and return its MD5. Raises what `ObjectReader.read_range` raises."""
    digest = hashlib.md5(usedforsecurity=False)
    at = 0
    buffer = memoryview(bytearray(min(piece, info.size)))
    while at < info.size:
        part = buffer[: min(len(buffer), info.size - at)]
        await reader.read_range(info.key, at, part, version=info.version)
        await hash_in(digest, part)
        at += len(part)
    return digest.digest()


async def hash_in(digest: Any, piece: memoryview) -> None:
    """Feed a digest; large pieces in a thread, because hashlib lets go of the interpreter for them."""
    if len(piece) < _INLINE:
        digest.update(piece)
    else:
        await anyio.to_thread.run_sync(digest.update, piece)
