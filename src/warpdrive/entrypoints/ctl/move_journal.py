"""A move's journal as a file: lines of JSON, appended and on the disk before the deed that they announce."""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import anyio.to_thread

from warpdrive.application.ports.objects import ObjectKey, ObjectVersion
from warpdrive.application.transfer.journal import Entry

_FORMAT: Final = "warpdrive-move 1"


class JournalFault(Exception):
    """Raised when a file cannot be a move's journal: another process has it, or it is about something else."""


def journal_name(source: str, target: str) -> str:
    """Name the journal of a move by where from and where to, so that the same command finds it again."""
    return hashlib.sha256(f"{source}\0{target}".encode("utf-8", "surrogateescape")).hexdigest()[:32] + ".journal"


def state_directory(preferred: Path, home: Path) -> Path:
    """Return the directory for journals: the agent's state directory, or one's own where that is closed to us."""
    directory = preferred / "moves"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        pass
    else:
        if os.access(directory, os.W_OK | os.X_OK):
            return directory
    directory = home / ".local" / "state" / "warpdrive" / "moves"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


class FileJournal:
    """Entries in memory, and in a file that only grows. Open it by `open_journal`."""

    def __init__(self, file: BinaryIO, found: "_Found") -> None:
        self._file = file
        self._entries = found.entries
        self.resumed = found.whole > 0
        """Whether an earlier run was broken off, or could not move everything."""
        self.prefix = found.prefix
        """What the source's key meant when the move began; None before that. An object that was moved is gone."""

    def settle(self, *, prefix: bool) -> None:
        """Keep what the source's key means."""
        self._append(_encoded({"prefix": prefix}))
        self.prefix = prefix

    def entry(self, key: ObjectKey) -> Entry | None:
        """Return what is known of an object."""
        return self._entries.get(key)

    async def note(self, key: ObjectKey, entry: Entry | None) -> None:
        """Keep the entry, on the disk when this returns. Raises OSError."""
        await anyio.to_thread.run_sync(self._append, _line(key, entry))
        _put(self._entries, key, entry)

    def _append(self, line: bytes) -> None:
        # Unbuffered and in append mode: lines of several threads do not mix.
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._file.name)
        os.fdatasync(self._file.fileno())

    def discard(self) -> None:
        """Remove the file: all is done, and a later move of the same name begins anew."""
        Path(self._file.name).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._file.close()


@contextmanager
def open_journal(path: Path, source: str, target: str) -> Iterator[FileJournal]:
    """Open the journal of a move, a new one if there is none. Raises JournalFault and OSError."""
    head = {"journal": _FORMAT, "source": source, "target": target}
    with path.open("a+b", buffering=0) as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalFault(f"another process is at this move now; it holds {path}") from None
        found = _read(path, head)
        file.truncate(found.whole)  # a line that was cut off would spoil the next
        if not found.whole:
            file.write(_encoded(head))
        with FileJournal(file, found) as journal:
            yield journal


@dataclass(slots=True)
class _Found:
    """What a file says. `whole`: bytes of it that are whole lines."""

    entries: dict[ObjectKey, Entry] = field(default_factory=dict)
    prefix: bool | None = None
    whole: int = 0


def _read(path: Path, head: dict[str, str]) -> _Found:
    found = _Found()
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                # A first line that was cut off is ours to write anew; anybody else's is not.
                if not found.whole and not _encoded(head).startswith(line):
                    raise _no_journal(path)
                break
            said = _parsed(line)
            if found.whole:
                _take(found, said)
            elif said != head:
                raise _no_journal(path)
            found.whole += len(line)
    return found


def _no_journal(path: Path) -> JournalFault:
    return JournalFault(f"{path} is no journal of this move; name another file with --journal")


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _take(found: _Found, said: Any) -> None:
    """Take one line in. What cannot be read (a disk was full) is as if it had not been noted: it costs a refusal."""
    match said:
        case {"prefix": bool(prefix)}:
            found.prefix = prefix
        case {"key": str(key), "moved": True}:
            _put(found.entries, ObjectKey(key), None)
        case {"key": str(key), "source": str(source), "target": str(target), "copy": copy, "replaces": replaces}:
            _put(found.entries, ObjectKey(key), Entry(ObjectVersion(source), ObjectKey(target), copy, replaces))
        case _:
            pass


def _put(entries: dict[ObjectKey, Entry], key: ObjectKey, entry: Entry | None) -> None:
    if entry is None:
        entries.pop(key, None)
    else:
        entries[key] = entry


def _line(key: ObjectKey, entry: Entry | None) -> bytes:
    if entry is None:
        return _encoded({"key": key, "moved": True})
    said = {"source": entry.source, "target": entry.target, "copy": entry.copy, "replaces": entry.replaces}
    return _encoded({"key": key, **said})


def _encoded(said: dict[str, Any]) -> bytes:
    # ASCII, so that names which are no UTF-8 survive as escapes.
    return json.dumps(said).encode("ascii") + b"\n"
