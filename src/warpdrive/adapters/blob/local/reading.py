"""One ranged read of a file into the caller's buffer."""

import asyncio
import os
import stat

from warpdrive.adapters.blob.local.faults import translating
from warpdrive.adapters.blob.local.keys import info_of, path_of
from warpdrive.application.ports.errors import (
    ObjectNotFound,
    RangeNotSatisfiable,
    ShortBody,
    VersionChanged,
)
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ObjectInfo, ObjectVersion

_PIECE = 1024 * 1024
"""Bytes per call: readers learn of each piece, and a cancelled read ends within one."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""O_NONBLOCK: opening what turns out to be a FIFO must not wait for its writer."""


class Reading:
    """Made on the event loop, `run` in a thread, finished on the loop.

    Invariant: bytes are announced only after the file's status was found unchanged behind them, so what was
    announced stays valid whatever comes next.
    """

    def __init__(
        self,
        root: str,
        key: str,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None,
        sink: BodySink | None,
    ) -> None:
        self._root = root
        self._key = key
        self._offset = offset
        self._into = into
        self._version = version
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._started = False
        self._stopped = False

    def stop(self) -> None:
        """Nobody wants the rest."""
        self._stopped = True

    def run(self) -> ObjectInfo:
        """Fill the buffer; in a thread."""
        path = path_of(self._root, self._key)
        if path is None:
            raise ObjectNotFound(f"{self._key!r} can be no file")
        with translating(self._root, self._key):
            descriptor = os.open(path, _FLAGS)
            try:
                return self._fill(descriptor)
            finally:
                os.close(descriptor)

    def _fill(self, descriptor: int) -> ObjectInfo:
        before = os.fstat(descriptor)
        info = info_of(self._key, before) if stat.S_ISREG(before.st_mode) else None
        if info is None:
            raise ObjectNotFound(f"{self._key!r} is not a file")
        if self._version is not None and info.version != self._version:
            raise VersionChanged(f"{self._key!r} is {info.version}, not {self._version}")
        if self._offset >= info.size:
            raise RangeNotSatisfiable(f"{self._key!r} has {info.size} bytes, none at {self._offset}")
        filled = 0
        wanted = len(self._into)
        while filled < wanted and not self._stopped:
            count = os.preadv(descriptor, [self._into[filled : filled + _PIECE]], self._offset + filled)
            after = os.fstat(descriptor)
            if after.st_mtime_ns != before.st_mtime_ns or after.st_size != before.st_size:
                raise VersionChanged(f"{self._key!r} changed while it was read")
            if not count:
                raise ShortBody(f"{self._key!r} ends at {self._offset + filled}", filled)
            filled += count
            if filled < wanted:
                self._announce(info, filled)
        return info

    def _announce(self, info: ObjectInfo, filled: int) -> None:
        if self._sink is None:
            return
        # In order, and before the coroutine that waits for this thread goes on.
        if not self._started:
            self._started = True
            self._loop.call_soon_threadsafe(self._sink.started, info)
        self._loop.call_soon_threadsafe(self._sink.advanced, filled)

    def finish(self, info: ObjectInfo) -> None:
        """Announce the last piece; a read of one piece (most are) wakes the loop only once."""
        if self._sink is None:
            return
        if not self._started:
            self._sink.started(info)
        self._sink.advanced(len(self._into))
