"""Google's errors as ours: by reason where the answer has one that says more than its status, else by status.

Reasons and statuses: "HTTP status and error codes for JSON" of the Cloud Storage reference.
"""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from warpdrive.adapters.blob.http.headers import retry_after
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    RangeNotSatisfiable,
    Throttled,
    Unavailable,
    Unsupported,
    VersionChanged,
)

BY_REASON: Mapping[str, type[BackendError]] = {
    # 403 is mostly a refusal, but these ask for patience.
    "rateLimitExceeded": Throttled,
    "userRateLimitExceeded": Throttled,
    "quotaExceeded": Throttled,
    "dailyLimitExceeded": Throttled,
    # Refusals that come as 400 or 403
    "authError": AccessDenied,
    "required": AccessDenied,
    "forbidden": AccessDenied,
    "insufficientPermissions": AccessDenied,
    "retentionPolicyNotMet": AccessDenied,
    "objectUnderActiveHold": AccessDenied,
    # The project or the bucket, not the object
    "accessNotConfigured": BackendMisconfigured,
    "accountDisabled": BackendMisconfigured,
    "UserProjectAccountProblem": BackendMisconfigured,
    "userProjectMissing": BackendMisconfigured,
    "billingNotEnabled": BackendMisconfigured,
    # A precondition by another name
    "conditionNotMet": VersionChanged,
    "conflict": VersionChanged,
    "notModified": VersionChanged,
    # Passing
    "backendError": Unavailable,
    "internalError": Unavailable,
    "transientError": Unavailable,
}

BY_STATUS: Mapping[int, type[BackendError]] = {
    HTTPStatus.NOT_MODIFIED: VersionChanged,
    HTTPStatus.BAD_REQUEST: Unsupported,
    HTTPStatus.UNAUTHORIZED: AccessDenied,
    HTTPStatus.FORBIDDEN: AccessDenied,
    HTTPStatus.NOT_FOUND: ObjectNotFound,
    HTTPStatus.REQUEST_TIMEOUT: Unavailable,
    HTTPStatus.CONFLICT: VersionChanged,
    # A resumable session that ended: only beginning again helps.
    HTTPStatus.GONE: Unavailable,
    HTTPStatus.PRECONDITION_FAILED: VersionChanged,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: RangeNotSatisfiable,
    HTTPStatus.TOO_MANY_REQUESTS: Throttled,
    HTTPStatus.NOT_IMPLEMENTED: Unsupported,
}


class _Cause(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    errors: list[_Cause] = []


class _Refusal(msgspec.Struct):
    error: _Error


def fault_of(what: str, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
    """Turn an answer that is no success into its fault. `what`: verb and key, for the operator.

    The body is JSON for most calls and plain text for reads of media; both are quoted in the detail. Other 3xx
    mean a wrong endpoint, other 4xx are Unsupported, other 5xx Unavailable.
    """
    reason, message = _words(body)
    detail = f"{what}: HTTP {status} {reason} {message}".rstrip()
    wait = retry_after(headers)
    kind = BY_REASON.get(reason) or BY_STATUS.get(status) or _by_class(status)
    if kind is Throttled or (status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None):
        return Throttled(detail, wait)
    return kind(detail)


def _words(body: bytes) -> tuple[str, str]:
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", body[:200].decode("utf-8", "replace").strip()
    return (error.errors[0].reason if error.errors else ""), error.message


def _by_class(status: int) -> type[BackendError]:
    if status < HTTPStatus.BAD_REQUEST:
        return BackendMisconfigured
    return Unsupported if status < HTTPStatus.INTERNAL_SERVER_ERROR else Unavailable
