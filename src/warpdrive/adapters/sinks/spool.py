"""Batches on disk while nobody takes them: one file each, oldest first, bounded, whole or not at all.

A file is written under another name, synced and renamed; its name says everything but the records, so that starting
again reads no file. A checksum tells what a disk has spoilt: such a file is set aside for who wants to look.
All of this blocks: the backlog calls it in worker threads, one call at a time. A directory is one process's: another
one would send, count and clear away what is not its own.
"""

import errno
import fcntl
import json
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from warpdrive.adapters.sinks.batch import Batch, BatchMark, Span

DEFAULT_LIMIT: Final = 256 * 1024 * 1024

MOST_BATCHES: Final = 65_536
"""Small ones take a disk block and a kilobyte of our memory each, whatever is in them."""

_MAGIC: Final = b"WDBATCH1"
_HEAD: Final = len(_MAGIC) + 4
_NAME: Final = re.compile(
    r"(\d{16})-(\d{1,16})-(\d{1,12})-(\d{1,18})-(\d{1,16})-(\d{1,16})-([0-9a-f]{8})-([0-9a-f]{32})\.batch"
)
_LOSSES: Final = "losses.json"
_ASIDE: Final = ".spoilt"
_MOST_ASIDE: Final = 8
_PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR})
"""Why a file cannot be opened now that says nothing about the file."""


class SpoiltBatch(Exception):
    """Raised when a file does not hold what was written to it. It has been set aside."""


@dataclass(frozen=True, slots=True)
class _Entry:
    mark: BatchMark
    path: Path
    size: int


class Spool:
    """A directory of batches. `limit`: bytes of all files together; `most`: how many files."""

    def __init__(self, folder: Path, *, limit: int = DEFAULT_LIMIT, most: int = MOST_BATCHES) -> None:
        self._folder = folder
        self._limit = limit
        self._most = most
        self._entries: dict[int, _Entry] = {}
        """By sequence, in its order: a batch is always younger than all that are here."""
        self.bytes = 0
        """Sum of the sizes of `_entries`."""
        self._aside: list[Path] = []
        self._lock: int | None = None
        """A descriptor of the directory, locked while it is ours."""

    def __len__(self) -> int:
        """Count the batches."""
        return len(self._entries)

    @property
    def records(self) -> int:
        """Records in all batches."""
        return sum(entry.mark.records for entry in self._entries.values())

    @property
    def last_sequence(self) -> int:
        """The youngest batch's, 0 without one."""
        return max(self._entries, default=0)

    def open(self) -> Mapping[int, int]:
        """Find what an earlier process left; returns the losses that it noted. Raises OSError."""
        self._hold()
        found = []
        for path in sorted(self._folder.iterdir()):
            if path.suffix == ".tmp":
                path.unlink()  # a process ended while it wrote
            elif path.suffix == _ASIDE:
                self._aside.append(path)
            elif (mark := _mark_in(path.name)) is not None:
                found.append(_Entry(mark, path, path.stat().st_size))
        self._entries = {entry.mark.sequence: entry for entry in sorted(found, key=lambda each: each.mark.sequence)}
        self.bytes = sum(entry.size for entry in self._entries.values())
        return self._noted()

    def close(self) -> None:
        """Leave the directory to the next process."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _hold(self) -> None:
        """Make the directory ours. Raises OSError, BlockingIOError while it is another process's."""
        if self._lock is not None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                words = "another agent has it; give each its own agent.state_dir"
                raise BlockingIOError(error.errno, words, str(self._folder)) from None
            raise
        self._lock = descriptor

    def oldest(self, origin: int | None = None) -> BatchMark | None:
        """Say which batch is next, of one origin or of all."""
        marks = (entry.mark for entry in self._entries.values())
        return next((mark for mark in marks if origin in {None, mark.origin}), None)

    def excess(self, size: int, *, keep: int | None) -> list[BatchMark]:
        """Say which batches must go, oldest first, before one of `size` bytes fits; never that of sequence `keep`."""
        over = self.bytes + size + _HEAD - self._limit
        many = len(self._entries) + 1 - self._most
        victims = []
        for entry in self._entries.values():
            if over <= 0 and many <= 0:
                break
            if entry.mark.sequence != keep:
                victims.append(entry.mark)
                over -= entry.size
                many -= 1
        return victims

    def put(self, batch: Batch) -> None:
        """Write a batch so that no end of the process or the machine leaves half of it. Raises OSError."""
        self._hold()
        path = self._folder / _name_of(batch.mark)
        data = _MAGIC + zlib.crc32(batch.body).to_bytes(4, "big") + batch.body
        self._write(path, data)
        self._entries[batch.mark.sequence] = _Entry(batch.mark, path, len(data))
        self.bytes += len(data)

    def read(self, mark: BatchMark) -> Batch:
        """Return a batch. Raises SpoiltBatch, when the file is no part of the spool any more; OSError to try later."""
        entry = self._entries[mark.sequence]
        try:
            data = entry.path.read_bytes()
        except OSError as error:
            if error.errno in _PASSING:
                raise
            self._set_aside(entry)
            raise SpoiltBatch(f"{entry.path} cannot be read: {error.strerror}") from error
        body = data[_HEAD:]
        if data[:_HEAD] != _MAGIC + zlib.crc32(body).to_bytes(4, "big"):
            self._set_aside(entry)
            raise SpoiltBatch(f"{entry.path} is not what was written")
        return Batch(mark, body)

    def remove(self, mark: BatchMark) -> None:
        """Forget a batch. Harmless when it is not here. Raises OSError."""
        entry = self._entries.pop(mark.sequence, None)
        if entry is not None:
            self.bytes -= entry.size
            entry.path.unlink(missing_ok=True)

    def note(self, losses: Mapping[int, int]) -> None:
        """Keep losses (records by the start of their day, milliseconds) that no batch tells of yet. Raises OSError."""
        self._hold()
        path = self._folder / _LOSSES
        if losses:
            self._write(path, json.dumps({str(day): count for day, count in losses.items()}).encode())
        else:
            path.unlink(missing_ok=True)

    def _noted(self) -> Mapping[int, int]:
        try:
            return {int(day): int(count) for day, count in json.loads((self._folder / _LOSSES).read_bytes()).items()}
        except (FileNotFoundError, ValueError, AttributeError):
            return {}  # a tally that a disk has spoilt tells nothing

    def _write(self, path: Path, data: bytes) -> None:
        draft = path.with_suffix(".tmp")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, for its mode
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            draft.rename(path)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _set_aside(self, entry: _Entry) -> None:
        del self._entries[entry.mark.sequence]
        self.bytes -= entry.size
        aside = entry.path.with_suffix(_ASIDE)
        try:
            entry.path.rename(aside)
            self._aside.append(aside)
            while len(self._aside) > _MOST_ASIDE:
                self._aside.pop(0).unlink(missing_ok=True)
        except OSError:
            # A disk that spoils files becomes read-only, too. What is wrong is said by who calls; the next process
            # finds the file again and says it again.
            return


def _name_of(mark: BatchMark) -> str:
    covers = f"{mark.covers.from_ms}-{mark.covers.to_ms}"
    return (
        f"{mark.sequence:016d}-{mark.cut_ms}-{mark.records}-{mark.lost}-{covers}-{mark.origin:08x}-{mark.id.hex}.batch"
    )


def _mark_in(name: str) -> BatchMark | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    sequence, cut_ms, records, lost, from_ms, to_ms = map(int, found.groups()[:6])
    covers, origin = Span(from_ms, to_ms), int(found.group(7), 16)
    return BatchMark(sequence, UUID(found.group(8)), cut_ms, records, lost, covers, origin)
