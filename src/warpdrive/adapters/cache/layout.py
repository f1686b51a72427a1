"""The cache directory on disk: what lies where, who owns it, which format it has.

    FORMAT         one line, written once; anything else than what we expect is refused, never overwritten
    LOCK           held with flock for the owner's whole life; contains the owner's pid for the message
    index.sqlite   which pages of which object are recorded (`index.py`)
    objects/ab/..  one sparse file per object version, named by a hash, so a key can hold any bytes

Functions here block on the disk: call them before the event loop matters, or in a worker thread.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from warpdrive.adapters.cache.errors import CacheForeign, CacheFormatUnknown, CacheInUse, CacheUnusable
from warpdrive.application.ports.page_cache import ContentId

FORMAT = 1
"""Raised whenever the meaning of a stored byte changes; it is part of every object's name as well."""

_FORMAT_WORDS = "warpdrive page cache, format"
_OURS = {"LOCK", "FORMAT.new"}
"""What a first start that was interrupted may have left before FORMAT existed."""
_HARMLESS = {"lost+found"}
"""Directories that a file system itself puts into its root."""

ID_BYTES = 16


def object_id(content: ContentId) -> bytes:
    """Name an object version by a hash of its fields and the format; 128 bits, so collisions do not happen."""
    digest = hashlib.blake2b(digest_size=ID_BYTES, person=b"warpdrive-pages")
    digest.update(FORMAT.to_bytes(4, "little"))
    for field in content:
        raw = field.encode("utf-8", "surrogateescape")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.digest()


class CacheDirectory:
    """An owned cache directory. Build with `claim`; `release` gives it up."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.index = path / "index.sqlite"
        self._objects = str(path / "objects")
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> "CacheDirectory":
        """Take ownership, creating the directory if need be.

        Raises CacheForeign, CacheFormatUnknown, CacheInUse; CacheUnusable when the disk says no.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            _check_format(path)
            lock = _take_lock(path)
        except OSError as fault:
            raise CacheUnusable(path, fault.strerror or str(fault)) from fault
        try:
            _check_format(path)
            _write_format(path)
            (path / "objects").mkdir(exist_ok=True)
            for first in range(256):
                (path / "objects" / f"{first:02x}").mkdir(exist_ok=True)
        except OSError as fault:
            os.close(lock)
            raise CacheUnusable(path, fault.strerror or str(fault)) from fault
        except BaseException:
            os.close(lock)
            raise
        return cls(path, lock)

    def object_path(self, identity: bytes) -> str:
        """Return where the object's sparse file is, whether or not it exists."""
        name = identity.hex()
        return f"{self._objects}/{name[:2]}/{name}"

    def object_files(self) -> Iterator[tuple[bytes, os.DirEntry[str]]]:
        """Walk the object files that exist; names that are not ours are left alone."""
        for first in range(256):
            with os.scandir(f"{self._objects}/{first:02x}") as entries:
                for entry in entries:
                    try:
                        identity = bytes.fromhex(entry.name)
                    except ValueError:
                        continue
                    if len(identity) == ID_BYTES:
                        yield identity, entry

    def free_bytes(self) -> int:
        """Return what the file system still gives to us."""
        figures = os.statvfs(self.path)
        return figures.f_bavail * figures.f_frsize

    def release(self) -> None:
        """Give the directory up. Safe to call twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _check_format(path: Path) -> None:
    try:
        words = (path / "FORMAT").read_text("utf-8", errors="replace")
    except FileNotFoundError:
        for entry in sorted(found.name for found in path.iterdir()):
            if entry not in _OURS and entry not in _HARMLESS:
                raise CacheForeign(path, entry) from None
        return
    if words.strip() == f"{_FORMAT_WORDS} {FORMAT}":
        return
    if words.startswith(_FORMAT_WORDS):
        raise CacheFormatUnknown(path, words.removeprefix(_FORMAT_WORDS).strip()[:40], FORMAT)
    raise CacheForeign(path, "FORMAT")


def _take_lock(path: Path) -> int:
    lock = os.open(path / "LOCK", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(lock, 32, 0).strip()
        os.close(lock)
        raise CacheInUse(path, int(said) if said.isdigit() else None) from None
    except OSError:
        os.close(lock)
        raise
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    return lock


def _write_format(path: Path) -> None:
    if (path / "FORMAT").exists():
        return
    fresh = path / "FORMAT.new"
    fresh.write_text(f"{_FORMAT_WORDS} {FORMAT}\n", "utf-8")
    fresh.replace(path / "FORMAT")
