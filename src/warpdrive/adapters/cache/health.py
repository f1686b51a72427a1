"""Whether the cache disk takes stores now: after a refusal they are suspended for a while, then tried again."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)

PAUSE = 30.0
"""Seconds without stores after the disk refused one."""


class DiskHealth:
    """Counts refusals and says each change of state once. `monotonic`: seconds, from outside."""

    def __init__(self, path: Path, monotonic: Callable[[], float], pause: float = PAUSE) -> None:
        self._path = path
        self._monotonic = monotonic
        self._pause = pause
        self._retry_at: float | None = None
        self._index_failing = False
        self.failures = 0
        """Stores refused by the disk."""
        self.corrupt_pages = 0

    @property
    def degraded(self) -> bool:
        """Stores are suspended, or the index cannot be written."""
        return self._retry_at is not None or self._index_failing

    def admits(self) -> bool:
        """Answer whether a store may try the disk."""
        return self._retry_at is None or self._monotonic() >= self._retry_at

    def refused(self, fault: OSError) -> None:
        """Note a refused store: suspends stores for the pause; the first one is logged."""
        self.failures += 1
        if self._retry_at is None:
            name = errno.errorcode.get(fault.errno or 0, "unknown")
            _log.error("cache disk refuses stores, reading on uncached", path=str(self._path), errno=name)
        self._retry_at = self._monotonic() + self._pause

    def stored(self) -> None:
        """Note a store that succeeded: ends the suspension."""
        if self._retry_at is not None:
            self._retry_at = None
            _log.info("cache disk takes stores again", path=str(self._path))

    def index_failed(self, fault: sqlite3.Error) -> None:
        """Note that the index could not be written or read; its changes stay pending."""
        if not self._index_failing:
            self._index_failing = True
            _log.error("cache index fails", path=str(self._path), fault=str(fault))

    def index_written(self) -> None:
        """Note that the index was written."""
        if self._index_failing:
            self._index_failing = False
            _log.info("cache index is written again", path=str(self._path))

    def corrupted(self, key: str, pages: int, why: str) -> None:
        """Count pages that were dropped because their bytes were not what was recorded."""
        self.corrupt_pages += pages
        _log.warning("cached pages dropped", path=str(self._path), key=key, pages=pages, why=why)

    def unreadable(self, key: str, fault: OSError) -> None:
        """Note that recorded pages could not be read; they were dropped."""
        name = errno.errorcode.get(fault.errno or 0, "unknown")
        _log.warning("cached pages unreadable", path=str(self._path), key=key, errno=name)
