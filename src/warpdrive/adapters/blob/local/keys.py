"""Keys to paths and file status to versions.

Paths are `str` with surrogate escapes, as `os.fsdecode` makes them, so a name that is not UTF-8 survives.
"""

import os
import stat

from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

STAGED_PREFIX = ".warpdrive-staged-"
"""Files that are being written have such names; they are no objects."""


def path_of(root: str, key: str) -> str | None:
    """Return the path for `key`, or None for a key that no file below `root` can have.

    A trailing "/" names a directory; "" the root itself. "." and ".." are refused, so no key leaves the
    root by itself (a symbolic link may lead out; whoever made it had the right to).
    """
    if "\0" in key:
        return None
    bare = key.removesuffix("/")
    if not bare:
        return root if not key else None
    parts = bare.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or parts[-1].startswith(STAGED_PREFIX):
        return None
    return f"{root}/{key}"


def version_of(status: os.stat_result) -> ObjectVersion:
    """Name what the file is now by mtime (ns), size and inode, in hexadecimal."""
    return ObjectVersion(f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}")


def info_of(key: str, status: os.stat_result) -> ObjectInfo | None:
    """Describe a file or a directory; None for anything else (FIFO, socket, device)."""
    if stat.S_ISREG(status.st_mode):
        return ObjectInfo(ObjectKey(key), status.st_size, version_of(status), status.st_mtime_ns)
    if stat.S_ISDIR(status.st_mode):
        return ObjectInfo(ObjectKey(key), 0, ObjectVersion(""), status.st_mtime_ns, is_directory=True)
    return None
