"""The sparse file of one object: every system call on it, made in a worker thread but for `peek`'s preadv.

A job does all it has to in one hop: open or create, write, checksum. Nothing here knows what is recorded.
"""

import ctypes
import hashlib
import os
import threading
from pathlib import Path
from typing import NamedTuple

import xxhash

from warpdrive.domain.content.pages import PAGE_SIZE

_FALLOC_FL_KEEP_SIZE = 0x01
_FALLOC_FL_PUNCH_HOLE = 0x02
# use_errno: the errno of exactly this call, whatever other threads do.
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_libc.fallocate.restype = ctypes.c_int

_VERIFY_CHUNK = 4 * 1024 * 1024

digest_of = xxhash.xxh3_64_digest


class Written(NamedTuple):
    """What a store job found out: xxh3_64 of each page, and the whole object's digest if it was asked for."""

    checksums: bytes
    digest: bytes | None


class ObjectFile:
    """One object's file, opened when first needed. Methods raise OSError; they may run in several threads at once."""

    __slots__ = ("_opening", "_writing", "fd", "path", "size")

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.fd = -1
        """-1 while closed. Set under `_opening`; reset only by the loop when no job can be using it."""
        self._opening = threading.Lock()
        self._writing = threading.Lock()

    def open(self) -> int:
        """Return the descriptor, creating the file if there is none."""
        if self.fd >= 0:
            return self.fd
        with self._opening:
            if self.fd < 0:
                self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            return self.fd

    def write(self, offset: int, data: memoryview, digest: str | None) -> Written:
        """Write whole pages at `offset`; `digest` "md5" asks for that of `data` as well."""
        fd = self.open()
        done = 0
        # The kernel lets one write into an inode at a time and makes the others spin: three threads writing to one
        # file cost a cold read a third of two CPUs. Here they sleep.
        with self._writing:
            while done < len(data):
                done += os.pwrite(fd, data[done:] if done else data, offset + done)
        sums = [digest_of(data[at : at + PAGE_SIZE]) for at in range(0, len(data), PAGE_SIZE)]
        whole = hashlib.md5(data, usedforsecurity=False).digest() if digest == "md5" else None
        return Written(b"".join(sums), whole)

    def read(self, offset: int, length: int) -> bytes | None:
        """Read the range; None when the file ends before it."""
        fd = self.open()
        data = os.pread(fd, length, offset)
        if len(data) == length:
            return data
        parts = [data]
        done = len(data)
        while done < length:
            more = os.pread(fd, length - done, offset + done)
            if not more:
                return None
            parts.append(more)
            done += len(more)
        return b"".join(parts)

    def checksums(self, first: int, stop: int) -> list[bytes]:
        """Checksum the pages [first, stop) as they are on the file; past its end, of what there is."""
        fd = self.open()
        sums = []
        per_read = _VERIFY_CHUNK // PAGE_SIZE
        for page in range(first, stop, per_read):
            until = min(page + per_read, stop)
            data = memoryview(os.pread(fd, min(until * PAGE_SIZE, self.size) - page * PAGE_SIZE, page * PAGE_SIZE))
            sums += [digest_of(data[at * PAGE_SIZE : (at + 1) * PAGE_SIZE]) for at in range(until - page)]
        return sums

    def punch(self, ranges: list[tuple[int, int]]) -> None:
        """Give the disk back the space of byte ranges (start, stop); the file's length stays."""
        fd = self.open()
        for start, stop in ranges:
            punch_hole(fd, start, stop - start)

    def unlink(self) -> None:
        """Remove the file and close it; the next job creates an empty one. No other job may be using it."""
        self.close()
        Path(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the descriptor. Safe to call twice; no job may be using it."""
        with self._opening:
            fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def punch_hole(fd: int, offset: int, length: int) -> None:
    """Deallocate a byte range of the file. Raises OSError (EOPNOTSUPP where the file system cannot)."""
    if _libc.fallocate(fd, _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE, offset, length):
        fault = ctypes.get_errno()
        raise OSError(fault, os.strerror(fault))
