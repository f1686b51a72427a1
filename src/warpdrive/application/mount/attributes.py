"""Small frozen values that the mount answers with; transports turn them into their own structures."""

from enum import Enum
from typing import NamedTuple

ROOT_INODE = 1


class FileKind(Enum):
    """What a name stands for."""

    FILE = "file"
    DIRECTORY = "directory"


class Attributes(NamedTuple):
    """One inode as seen from outside. Times in ns since the epoch, lifetimes in seconds, size in bytes.

    Ownership and mode bits are presentation and belong to the transport.
    """

    inode: int
    kind: FileKind
    size: int
    mtime_ns: int
    entry_ttl: float
    """How long the kernel may believe that this name leads to this inode."""
    attr_ttl: float
    """How long the kernel may believe these attributes."""


class OpenedFile(NamedTuple):
    """Answer to open. `keep_cache`: pages the kernel holds of the inode are still true."""

    handle: int
    keep_cache: bool
    direct_io: bool = False


class Caller(NamedTuple):
    """Who asked, as the kernel says at open."""

    uid: int
    gid: int
    pid: int


class SpaceFigures(NamedTuple):
    """Answer to statfs; bytes and counts. Object stores have no end, so `total_bytes` is a declared large number."""

    total_bytes: int
    free_bytes: int
    files: int
    read_only: bool
