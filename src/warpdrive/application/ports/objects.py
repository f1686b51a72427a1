"""Values that every backend speaks: keys, versions, what an object is, a page of a listing.

An ObjectKey is `str`; bytes that are not UTF-8 travel as surrogate escapes (`os.fsdecode`), so a raw POSIX
name survives the round trip. Keys are relative to the backend's `prefix` and never start with "/" for names
that can be files.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, NewType

ObjectKey = NewType("ObjectKey", str)
ObjectVersion = NewType("ObjectVersion", str)
"""Opaque: an ETag, a generation, or, where the backend has neither, mtime-size-inode."""


class Digest(NamedTuple):
    """The backend's own digest of the whole object: `algorithm` is "md5" or "crc32c", `value` its raw bytes."""

    algorithm: str
    value: bytes


class ObjectInfo(NamedTuple):
    """One version of one object. `size` in bytes, `mtime_ns` in nanoseconds since the epoch (UTC)."""

    key: ObjectKey
    size: int
    version: ObjectVersion
    mtime_ns: int
    digest: Digest | None = None
    is_directory: bool = False
    """Only backends with `Capabilities.directories` say True (size 0, version "")."""
    storage_class: str = ""
    """As the backend calls it; "" where it has none or does not say: listings do, reading and describing need not."""


class ListPage(NamedTuple):
    """One page: objects, then sub-prefixes, each complete key from the backend's prefix; each prefix ends in "/"."""

    objects: list[ObjectInfo]
    prefixes: list[ObjectKey]
    cursor: str | None
    """Give it back to continue; None when this page is the last."""


class VersionStrength(Enum):
    """How far `ObjectVersion` can be trusted (R1)."""

    STRONG = "strong"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do; the application asks here and never by type name."""

    directories: bool = False
    """Directories exist by themselves: `stat` finds them, empty ones too."""
    version_strength: VersionStrength = VersionStrength.STRONG
    conditional_write: bool = False
    """If-Match / If-None-Match on write are honoured by the server."""
    server_side_copy: bool = False
    max_parallel: int = 64
    """Requests under way at once that this backend bears well."""
    list_limit: int = field(default=1000)
    """Largest useful page of a listing."""
