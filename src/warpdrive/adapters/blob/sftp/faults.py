"""What asyncssh's and the server's errors mean here, by tables. Imports asyncssh, so only `pool` and later use it."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    Unavailable,
    Unsupported,
    VersionChanged,
)

STATUSES: dict[int, type[BackendError]] = {
    asyncssh.FX_NO_SUCH_FILE: ObjectNotFound,
    asyncssh.FX_NO_SUCH_PATH: ObjectNotFound,
    asyncssh.FX_NOT_A_DIRECTORY: ObjectNotFound,
    asyncssh.FX_FILE_IS_A_DIRECTORY: ObjectNotFound,
    asyncssh.FX_LINK_LOOP: ObjectNotFound,
    asyncssh.FX_INVALID_FILENAME: ObjectNotFound,
    asyncssh.FX_PERMISSION_DENIED: AccessDenied,
    asyncssh.FX_WRITE_PROTECT: AccessDenied,
    asyncssh.FX_FILE_ALREADY_EXISTS: VersionChanged,
    asyncssh.FX_OP_UNSUPPORTED: Unsupported,
    asyncssh.FX_CONNECTION_LOST: Unavailable,
    asyncssh.FX_NO_CONNECTION: Unavailable,
    # OpenSSH says FAILURE for every errno it has no word for, EIO among them.
    asyncssh.FX_FAILURE: Unavailable,
}
"""Status codes of SFTP; anything else (a full disk, a bad message) is a plain, permanent BackendError."""

CONNECTING: tuple[tuple[type[Exception], type[BackendError]], ...] = (
    (asyncssh.HostKeyNotVerifiable, BackendMisconfigured),
    (asyncssh.PermissionDenied, AccessDenied),
    (asyncssh.KeyExchangeFailed, BackendMisconfigured),
    (asyncssh.ProtocolNotSupported, BackendMisconfigured),
    (asyncssh.KeyImportError, BackendMisconfigured),
    (asyncssh.KeyEncryptionError, BackendMisconfigured),
    (asyncssh.DisconnectError, Unavailable),
    (asyncssh.ChannelOpenError, Unavailable),
    (OSError, Unavailable),
    (TimeoutError, Unavailable),
)
"""What may go wrong with a connection, first match wins (a TimeoutError and a refusal are OSErrors too)."""


def translated(error: Exception, what: str) -> BackendError | None:
    """Return our word for the error, or None for one that is none of the network's or the server's."""
    detail = f"{what}: {type(error).__name__}: {error}"
    if isinstance(error, asyncssh.SFTPError):
        return STATUSES.get(error.code, BackendError)(detail)
    for theirs, ours in CONNECTING:
        if isinstance(error, theirs):
            return ours(detail)
    return None


@contextmanager
def translating(what: str) -> Iterator[None]:
    """Raise our errors in place of asyncssh's."""
    try:
        yield
    except Exception as error:
        ours = None if isinstance(error, BackendError) else translated(error, what)
        if ours is None:
            raise
        raise ours from error
