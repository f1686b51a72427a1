"""Keys to remote paths and remote attributes to infos. Paths are bytes: SFTP says nothing of their encoding."""

import os
from typing import TYPE_CHECKING

from warpdrive.application.ports.errors import ObjectNotFound
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

if TYPE_CHECKING:
    import asyncssh

STAGED_PREFIX = ".warpdrive-staged-"
"""Files that are being written have such names; they are no objects."""

REGULAR = 1
DIRECTORY = 2
SYMLINK = 3
"""File types of draft-ietf-secsh-filexfer-13, section 7.2."""


def path_of(root: str, key: str) -> bytes:
    """Return the path for `key`; a trailing "/" names a directory, "" the root.

    Raises ObjectNotFound for a key that no file below `root` can have ("..", ".", empty components, NUL).
    """
    bare = key.removesuffix("/")
    if not bare and not key:
        return os.fsencode(root)
    parts = bare.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in key or parts[-1].startswith(STAGED_PREFIX):
        raise ObjectNotFound(f"{key!r} can be no file")
    return os.fsencode(f"{root}/{bare}")


def version_of(attrs: "asyncssh.SFTPAttrs") -> ObjectVersion:
    """Name what the file is now by mtime (s) and size, in hexadecimal."""
    return ObjectVersion(f"{attrs.mtime or 0:x}-{attrs.size or 0:x}")


def info_of(key: str, attrs: "asyncssh.SFTPAttrs") -> ObjectInfo | None:
    """Describe a file or a directory; None for anything else (FIFO, socket, device, link)."""
    mtime_ns = int(attrs.mtime or 0) * 1_000_000_000
    if attrs.type == REGULAR:
        return ObjectInfo(ObjectKey(key), int(attrs.size or 0), version_of(attrs), mtime_ns)
    if attrs.type == DIRECTORY:
        return ObjectInfo(ObjectKey(key), 0, ObjectVersion(""), mtime_ns, is_directory=True)
    return None
