"""From faults to errno: the only place where either meets the other. Exhaustive; a test walks both class trees.

What a process sees is an errno; what the operator sees is the fault's own words in the log line of the
operation. EIO is the honest answer for everything that neither the path nor the caller's rights explain.
"""

import errno
from collections.abc import Mapping
from types import MappingProxyType

from warpdrive.application.mount import errors as refusals
from warpdrive.application.ports import errors as faults

ERRNO_BY_FAULT: Mapping[type[BaseException], int] = MappingProxyType(
    {
        refusals.FileSystemError: errno.EIO,
        refusals.NoSuchEntry: errno.ENOENT,
        refusals.NotADirectory: errno.ENOTDIR,
        refusals.IsADirectory: errno.EISDIR,
        refusals.StaleInode: errno.ESTALE,
        refusals.ReadOnlyEntry: errno.EROFS,
        refusals.NoSuchAttribute: errno.ENODATA,
        refusals.BadHandle: errno.EBADF,
        refusals.NameTooLong: errno.ENAMETOOLONG,
        refusals.BackendOffline: errno.EIO,
        refusals.TenantRestricted: errno.EACCES,
        refusals.MemoryExhausted: errno.EIO,
        faults.BackendError: errno.EIO,
        faults.ObjectNotFound: errno.ENOENT,
        faults.AccessDenied: errno.EACCES,
        faults.VersionChanged: errno.ESTALE,
        faults.RangeNotSatisfiable: errno.EIO,
        faults.BackendMisconfigured: errno.EIO,
        faults.Unsupported: errno.EIO,
        faults.Corrupted: errno.EIO,
        faults.Unavailable: errno.EIO,
        faults.Throttled: errno.EIO,
        faults.CursorUnknown: errno.EIO,
        faults.ShortBody: errno.EIO,
        faults.Stalled: errno.EIO,
        faults.DeadlineExceeded: errno.ETIMEDOUT,
    }
)

QUIET = frozenset({errno.ENOENT, errno.ENODATA, errno.EROFS, errno.ESTALE})
"""Answers that are part of normal life: not worth a log line each."""


def errno_of(fault: BaseException) -> int | None:
    """Return the errno of a known fault; None for one that no port or verb announces (a defect, or a new class)."""
    for kind in type(fault).__mro__:
        code = ERRNO_BY_FAULT.get(kind)
        if code is not None:
            return code
    return None
