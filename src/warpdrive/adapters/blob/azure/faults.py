"""Azure's errors as ours: by error code where it has one, else by status.

Codes: "Common REST API error codes" and "Blob service error codes" of the Azure Storage REST reference.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from warpdrive.adapters.blob.http.headers import retry_after
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendError,
    BackendMisconfigured,
    Corrupted,
    ObjectNotFound,
    RangeNotSatisfiable,
    Throttled,
    Unavailable,
    Unsupported,
    VersionChanged,
)

BY_CODE: Mapping[str, type[BackendError]] = {
    # Absent
    "BlobNotFound": ObjectNotFound,
    "CannotVerifyCopySource": ObjectNotFound,
    "ResourceNotFound": ObjectNotFound,
    "ContainerNotFound": BackendMisconfigured,
    "ContainerBeingDeleted": BackendMisconfigured,
    "ContainerDisabled": BackendMisconfigured,
    # Another version than the one asked for; 409 and 412 alike
    "BlobAlreadyExists": VersionChanged,
    "BlobOverwritten": VersionChanged,
    "ConditionNotMet": VersionChanged,
    "SourceConditionNotMet": VersionChanged,
    "TargetConditionNotMet": VersionChanged,
    "UnmodifiedBlob": VersionChanged,
    # Another writer's commit drops all staged blocks of a blob, ours too.
    "InvalidBlockList": VersionChanged,
    # Refused
    "AccountIsDisabled": AccessDenied,
    "AuthenticationFailed": AccessDenied,
    "AuthorizationFailure": AccessDenied,
    "AuthorizationPermissionMismatch": AccessDenied,
    "AuthorizationProtocolMismatch": AccessDenied,
    "AuthorizationResourceTypeMismatch": AccessDenied,
    "AuthorizationServiceMismatch": AccessDenied,
    "AuthorizationSourceIPMismatch": AccessDenied,
    "BlobImmutableDueToLegalHold": AccessDenied,
    "BlobImmutableDueToPolicy": AccessDenied,
    "InsufficientAccountPermissions": AccessDenied,
    "InvalidAuthenticationInfo": AccessDenied,
    "KeyBasedAuthenticationNotPermitted": AccessDenied,
    "LeaseAlreadyPresent": AccessDenied,
    "LeaseIdMissing": AccessDenied,
    "NoAuthenticationInformation": AccessDenied,
    "PublicAccessNotPermitted": AccessDenied,
    # Not possible
    "BlobArchived": Unsupported,
    "BlobBeingRehydrated": Unsupported,
    "BlobTypeNotSupported": Unsupported,
    "BlockCountExceedsLimit": Unsupported,
    "FeatureVersionMismatch": Unsupported,
    "InvalidBlobType": Unsupported,
    "SnapshotsPresent": Unsupported,
    # Bytes
    "InvalidRange": RangeNotSatisfiable,
    "Md5Mismatch": Corrupted,
    "Crc64Mismatch": Corrupted,
    # Passing
    "AccountBeingCreated": Unavailable,
    "InternalError": Unavailable,
    "OperationTimedOut": Unavailable,
    "PendingCopyOperation": Unavailable,
    "ServerBusy": Throttled,
}

BY_STATUS: Mapping[int, type[BackendError]] = {
    HTTPStatus.NOT_MODIFIED: VersionChanged,
    HTTPStatus.BAD_REQUEST: Unsupported,
    HTTPStatus.UNAUTHORIZED: AccessDenied,
    HTTPStatus.FORBIDDEN: AccessDenied,
    HTTPStatus.NOT_FOUND: ObjectNotFound,
    HTTPStatus.REQUEST_TIMEOUT: Unavailable,
    HTTPStatus.CONFLICT: VersionChanged,
    HTTPStatus.GONE: ObjectNotFound,
    HTTPStatus.PRECONDITION_FAILED: VersionChanged,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: RangeNotSatisfiable,
    HTTPStatus.TOO_MANY_REQUESTS: Throttled,
    HTTPStatus.NOT_IMPLEMENTED: Unsupported,
}

_CODE_IN_BODY = re.compile(rb"<Code>([^<]+)</Code>")


def fault_of(what: str, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
    """Turn an answer that is no success into its fault. `what`: verb and key, for the operator.

    The code comes from the `x-ms-error-code` header (HEAD has no body) or the XML body. An unknown code falls
    back to its status: other 3xx mean a wrong endpoint, other 4xx are Unsupported, other 5xx Unavailable.
    """
    found = _CODE_IN_BODY.search(body)
    code = headers.get("x-ms-error-code") or (found.group(1).decode("ascii", "replace") if found else "")
    detail = f"{what}: HTTP {status} {code}".rstrip()
    wait = retry_after(headers)
    kind = BY_CODE.get(code) or BY_STATUS.get(status) or _by_class(status)
    if kind is Throttled or (status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None):
        return Throttled(detail, wait)
    return kind(detail)


def _by_class(status: int) -> type[BackendError]:
    if status < HTTPStatus.BAD_REQUEST:
        return BackendMisconfigured
    return Unsupported if status < HTTPStatus.INTERNAL_SERVER_ERROR else Unavailable
