"""What the operating system's errors mean here, by a table."""

# ruff: noqa: PTH112
# Paths here are plain str: pathlib costs a multiple of the system call, and os says which call is meant.

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    Unavailable,
    Unsupported,
)

FAULTS: dict[int, type[BackendError]] = {
    errno.ENOENT: ObjectNotFound,
    errno.ENOTDIR: ObjectNotFound,
    errno.EISDIR: ObjectNotFound,
    errno.ELOOP: ObjectNotFound,
    errno.ENAMETOOLONG: ObjectNotFound,
    errno.EINVAL: ObjectNotFound,  # a name that this file system cannot have
    errno.ENXIO: ObjectNotFound,  # a socket or a FIFO was opened
    errno.EACCES: AccessDenied,
    errno.EPERM: AccessDenied,
    errno.EROFS: AccessDenied,
    errno.EOPNOTSUPP: Unsupported,
    errno.EXDEV: Unsupported,
    errno.EMLINK: Unsupported,
    errno.EIO: Unavailable,
    errno.ESTALE: Unavailable,
    errno.ETIMEDOUT: Unavailable,
    errno.EHOSTDOWN: Unavailable,
    errno.EHOSTUNREACH: Unavailable,
    errno.ECONNRESET: Unavailable,
    errno.ENOTCONN: Unavailable,
    errno.EREMOTEIO: Unavailable,
    errno.EAGAIN: Unavailable,
    errno.EBUSY: Unavailable,
    errno.EMFILE: Unavailable,
    errno.ENFILE: Unavailable,
    errno.ENOMEM: Unavailable,
    errno.ETXTBSY: Unavailable,
}
"""Anything else (a full disk among it) is a plain, permanent BackendError."""


@contextmanager
def translating(root: str, key: str) -> Iterator[None]:
    """Turn an OSError met at `key` into one of ours. Without its root nothing can be said to be absent."""
    try:
        yield
    except OSError as error:
        detail = f"{key!r}: {error.strerror or error}"
        if not os.path.isdir(root or "/"):
            raise BackendMisconfigured(f"{detail}; the root {root!r} is not a directory (not mounted?)") from error
        raise FAULTS.get(error.errno or 0, BackendError)(detail) from error
