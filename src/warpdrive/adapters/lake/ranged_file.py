"""An object as a file that can be read and sought, for a library that knows nothing of event loops.

The library runs in a worker thread; each read goes back to the loop and waits there. Nothing is kept here: what is read
at once is as large as the library asks for, which is told to read columns through a buffer.
"""

import io

import anyio.from_thread

from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo


class RangedFile(io.RawIOBase):
    """One version of one object. To be used in threads that anyio started, by one at a time."""

    def __init__(self, reader: ObjectReader, info: ObjectInfo) -> None:
        super().__init__()
        self._reader = reader
        self._info = info
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._info.size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all that are left when it is negative. Raises any BackendError."""
        left = max(0, self._info.size - self._position)
        wanted = left if size < 0 else min(size, left)
        content = bytearray(wanted)
        if wanted:
            anyio.from_thread.run(self._fill, memoryview(content))
            self._position += wanted
        return bytes(content)

    async def _fill(self, into: memoryview) -> None:
        await self._reader.read_range(self._info.key, self._position, into, version=self._info.version)
