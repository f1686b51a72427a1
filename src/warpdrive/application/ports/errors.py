"""What a backend can answer other than success: facts with fields, said once for every vendor.

Adapters translate their SDK's errors into these by a table; `adapters/fuse/errnos.py` turns them into errno.
An adapter only says whether a fault is transient; the one retry wrapper decides what to do about it.
"""

from typing import ClassVar


class BackendError(Exception):
    """Base of every answer other than success. `transient`: trying again may help."""

    transient: ClassVar[bool] = False
    kind: ClassVar[str] = "error"
    """Stable short name: the value of the `error_type` metric label."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ObjectNotFound(BackendError):
    """Raised when no object has the key (now)."""

    kind = "not_found"


class AccessDenied(BackendError):
    """Raised when the backend knows us, or refuses to, and says no: bad credentials or missing rights."""

    kind = "denied"


class VersionChanged(BackendError):
    """Raised when a conditional request lost: the object is no longer (or not) the version asked for.

    409 and 412 both mean this. A conditional create that finds an object raises it as well.
    """

    kind = "version_changed"


class RangeNotSatisfiable(BackendError):
    """Raised when a range starts at or past the end of the object."""

    kind = "range"


class BackendMisconfigured(BackendError):
    """Raised when the backend itself is not there or not usable: no such bucket, unknown host key, missing extra."""

    kind = "misconfigured"


class CursorUnknown(BackendError):
    """Raised when a listing cannot go on at this cursor: another process gave it out, or it was given up since.

    The listing has to begin anew.
    """

    kind = "cursor"


class Unsupported(BackendError):
    """Raised when the backend cannot do what was asked (see `Capabilities`)."""

    kind = "unsupported"


class Corrupted(BackendError):
    """Raised when bytes arrived whole but do not match the backend's own digest."""

    kind = "corrupted"


class Unavailable(BackendError):
    """Raised when the backend cannot be reached or answers 5xx: connection refused or reset, name not resolved."""

    transient = True
    kind = "unavailable"


class Throttled(BackendError):
    """Raised when the backend asks us to slow down (429, 503 SlowDown). `retry_after`: seconds, or None."""

    transient = True
    kind = "throttled"

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ShortBody(BackendError):
    """Raised when a body ended before its announced length. `received`: bytes that did arrive, all usable."""

    transient = True
    kind = "short_body"

    def __init__(self, detail: str, received: int) -> None:
        super().__init__(detail)
        self.received = received


class Stalled(BackendError):
    """Raised when a single attempt made no progress within the adapter's attempt time-out."""

    transient = True
    kind = "stalled"


class DeadlineExceeded(BackendError):
    """Raised by the retry wrapper when the operation's whole deadline has passed. Carries the last fault's words."""

    kind = "deadline"
