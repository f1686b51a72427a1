"""S3's answers other than success, translated by two tables: first by error code, then by status."""

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from html import unescape
from types import MappingProxyType
from typing import NamedTuple

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

_Maker = Callable[[str], BackendError]

BY_CODE: Mapping[str, _Maker] = MappingProxyType(
    {
        "AccessDenied": AccessDenied,
        "AccountProblem": AccessDenied,
        "AllAccessDisabled": AccessDenied,
        "ExpiredToken": AccessDenied,
        "InvalidAccessKeyId": AccessDenied,
        "InvalidToken": AccessDenied,
        "RequestExpired": AccessDenied,
        "RequestTimeTooSkewed": AccessDenied,
        "SignatureDoesNotMatch": AccessDenied,
        "TokenRefreshRequired": AccessDenied,
        "NoSuchKey": ObjectNotFound,
        "NoSuchVersion": ObjectNotFound,
        "NoSuchBucket": BackendMisconfigured,
        "AuthorizationHeaderMalformed": BackendMisconfigured,
        "IllegalLocationConstraintException": BackendMisconfigured,
        "InvalidBucketName": BackendMisconfigured,
        "PermanentRedirect": BackendMisconfigured,
        "TemporaryRedirect": BackendMisconfigured,
        "BucketRegionError": BackendMisconfigured,
        "ConditionalRequestConflict": VersionChanged,
        "OperationAborted": VersionChanged,
        "PreconditionFailed": VersionChanged,
        "InvalidRange": RangeNotSatisfiable,
        "BandwidthLimitExceeded": Throttled,
        "RequestLimitExceeded": Throttled,
        "SlowDown": Throttled,
        "Throttling": Throttled,
        "ThrottlingException": Throttled,
        "TooManyRequests": Throttled,
        "InternalError": Unavailable,
        "NoSuchUpload": Unavailable,
        "RequestTimeout": Unavailable,
        "ServiceUnavailable": Unavailable,
        "InvalidObjectState": Unsupported,
        "KeyTooLongError": Unsupported,
        "MethodNotAllowed": Unsupported,
        "NotImplemented": Unsupported,
    }
)
"""RequestTimeout comes with a 400, InvalidObjectState (archived, restore it first) with a 403: codes go
first. NoSuchUpload: the server lost or expired a multipart upload; a new one may succeed."""

BY_STATUS: Mapping[int, _Maker] = MappingProxyType(
    {
        301: BackendMisconfigured,
        302: BackendMisconfigured,
        307: BackendMisconfigured,
        308: BackendMisconfigured,
        400: AccessDenied,
        401: AccessDenied,
        403: AccessDenied,
        404: ObjectNotFound,
        405: Unsupported,
        408: Unavailable,
        409: VersionChanged,
        411: Unsupported,
        412: VersionChanged,
        416: RangeNotSatisfiable,
        429: Throttled,
        501: Unsupported,
        503: Throttled,
    }
)
"""For answers without a known code, as all answers to HEAD. A bare 400 to a HEAD is how S3 says that a
token expired or the region is wrong. Other 5xx: Unavailable; other 4xx: Unsupported."""

_SERVER_FAULT = 500
_BAD_REQUEST = 400
_REGION_HEADER = "x-amz-bucket-region"
_ELEMENT = re.compile(rb"<(Code|Message|Region)>([^<]*)</")
_EXCERPT = 300


class Refusal(NamedTuple):
    """What the server said: status, code and message ("" when it gave none), headers by lower-case name."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str]
    region: str = ""
    """The region that the bucket is in, when the answer names it."""


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    """Read an error document; anything that is not one is kept as an excerpt for the operator."""
    found = {
        name.decode(): unescape(value.decode("utf-8", "replace")) for name, value in _ELEMENT.findall(body[:65536])
    }
    message = found.get("Message", "")
    if "Code" not in found:
        message = body[:_EXCERPT].decode("utf-8", "replace").strip()
    region = headers.get(_REGION_HEADER, "") or found.get("Region", "")
    return Refusal(status, found.get("Code", ""), message, headers, region)


def fault(refusal: Refusal, what: str, region: str) -> BackendError:
    """Translate a refusal of `what` ("GET <key>") by an endpoint that we believe to be in `region`."""
    said = f"{what}: HTTP {refusal.status}"
    if refusal.code:
        said += f" {refusal.code}"
    if refusal.message:
        said += f": {refusal.message}"
    status_moved = BY_STATUS.get(refusal.status) is BackendMisconfigured
    if refusal.region and refusal.region != region and (status_moved or refusal.status in {_BAD_REQUEST, 403}):
        return BackendMisconfigured(f"{said} (the bucket is in region {refusal.region}, not {region})")
    maker = BY_CODE.get(refusal.code) or _by_status(refusal)
    if maker is Throttled:
        return Throttled(said, retry_after(refusal.headers))
    return maker(said)


def _by_status(refusal: Refusal) -> _Maker:
    if refusal.status == _BAD_REQUEST and refusal.code:
        return Unsupported  # A code we do not know: the request itself is at fault, not who sent it.
    known = BY_STATUS.get(refusal.status)
    if known is not None:
        return known
    return Unavailable if refusal.status >= _SERVER_FAULT else Unsupported


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server asks, from a number or a date (measured from the server's own `Date`)."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
