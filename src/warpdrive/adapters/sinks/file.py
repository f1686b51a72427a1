"""Access records as JSON lines in a file that is rotated by size: `access.jsonl`, `access.jsonl.1`, ..."""

import os
from collections.abc import Sequence
from pathlib import Path

from warpdrive.adapters.sinks.lines import encode_lines
from warpdrive.adapters.sinks.writer import WritingLog
from warpdrive.application.ports.access_log import AccessRecord

DEFAULT_ROTATE_AT = 64 * 1024 * 1024
DEFAULT_KEPT = 5


class _RotatingFile:
    """Appends batches; opens the file when it has something to write, and again after a fault.

    It looks the path up before each batch, so that a file which logrotate moved away is begun anew.
    """

    def __init__(self, path: Path, rotate_at: int, kept: int) -> None:
        self._path = path
        self._rotate_at = rotate_at
        self._kept = kept
        self._descriptor: int | None = None
        self._torn = False
        """Whether the last write ended in the middle of a batch."""

    def write(self, batch: Sequence[AccessRecord]) -> None:
        """Append the lines; rotate first when they would pass the size. Raises OSError."""
        lines = encode_lines(batch)
        try:
            size = self._open()
            if size and size + len(lines) > self._rotate_at:
                self._rotate()
                size = self._open()
            assert self._descriptor is not None
            # A full disk may have taken half a line; the next must not become a part of it.
            left = memoryview(b"\n" + lines if self._torn and size else lines)
            while left:
                left = left[os.write(self._descriptor, left) :]
                self._torn = bool(left)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        """Hold the file that the path names now, and return its size."""
        if self._descriptor is not None:
            held = os.fstat(self._descriptor)
            try:
                named = self._path.stat()
            except FileNotFoundError:
                named = None
            if named is not None and (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino):
                return held.st_size
            self.close()
        # 0640: the records name users and paths.
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        if self._kept:
            self._path.replace(self._numbered(1))
        else:
            self._path.unlink()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class FileLog(WritingLog):
    """Sink `file`. `rotate_at` in bytes; `kept`: how many rotated files stay."""

    def __init__(
        self,
        path: Path,
        *,
        rotate_at: int = DEFAULT_ROTATE_AT,
        kept: int = DEFAULT_KEPT,
        batch_size: int = 100,
        flush_interval: float = 1.0,
        capacity: int = 100_000,
    ) -> None:
        super().__init__(
            _RotatingFile(path, rotate_at, kept),
            name="file",
            batch_size=batch_size,
            flush_interval=flush_interval,
            capacity=capacity,
        )
