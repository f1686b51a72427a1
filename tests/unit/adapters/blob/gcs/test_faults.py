"""Google's answers other than success, each held against what the ports promise."""

import json

import pytest

from warpdrive.adapters.blob.gcs.faults import BY_REASON, BY_STATUS, fault_of
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

DOCUMENTED = [
    (304, "notModified", VersionChanged),
    (400, "invalid", Unsupported),
    (400, "required", AccessDenied),
    (401, "authError", AccessDenied),
    (401, "required", AccessDenied),
    (403, "accountDisabled", BackendMisconfigured),
    (403, "accessNotConfigured", BackendMisconfigured),
    (403, "forbidden", AccessDenied),
    (403, "insufficientPermissions", AccessDenied),
    (403, "objectUnderActiveHold", AccessDenied),
    (403, "rateLimitExceeded", Throttled),
    (403, "retentionPolicyNotMet", AccessDenied),
    (403, "userRateLimitExceeded", Throttled),
    (404, "notFound", ObjectNotFound),
    (409, "conflict", VersionChanged),
    (410, "gone", Unavailable),
    (412, "conditionNotMet", VersionChanged),
    (416, "requestedRangeNotSatisfiable", RangeNotSatisfiable),
    (429, "rateLimitExceeded", Throttled),
    (500, "backendError", Unavailable),
    (503, "backendError", Unavailable),
]

BARE_STATUS = [
    (302, BackendMisconfigured),
    (304, VersionChanged),
    (400, Unsupported),
    (401, AccessDenied),
    (403, AccessDenied),
    (404, ObjectNotFound),
    (405, Unsupported),
    (408, Unavailable),
    (409, VersionChanged),
    (410, Unavailable),
    (412, VersionChanged),
    (413, Unsupported),
    (416, RangeNotSatisfiable),
    (429, Throttled),
    (499, Unsupported),
    (500, Unavailable),
    (501, Unsupported),
    (502, Unavailable),
    (503, Unavailable),
    (504, Unavailable),
]


@pytest.mark.parametrize(("status", "reason", "kind"), DOCUMENTED)
def test_reason_decides(status: int, reason: str, kind: type[BackendError]) -> None:
    """The first error's reason names the fault; its words reach the operator."""
    error = {"code": status, "message": "words", "errors": [{"domain": "global", "reason": reason}]}
    fault = fault_of("stat 'k'", status, {}, json.dumps({"error": error}).encode())
    assert type(fault) is kind
    assert fault.detail == f"stat 'k': HTTP {status} {reason} words"


@pytest.mark.parametrize(("status", "kind"), BARE_STATUS)
@pytest.mark.parametrize("body", [b"", b"No such object: b/o", b"<html>", b'{"error": "invalid_grant"}', b"\xff{"])
def test_status_decides_without_a_reason(status: int, kind: type[BackendError], body: bytes) -> None:
    """Refused media answer in plain text and proxies in HTML: the status alone is enough."""
    assert type(fault_of("x", status, {}, body)) is kind


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_makes_it_throttled(status: int) -> None:
    """429 and 503 with Retry-After say how long to wait."""
    fault = fault_of("x", status, {"Retry-After": "7"}, b"")
    assert isinstance(fault, Throttled)
    assert fault.retry_after == 7.0


def test_every_entry_of_the_tables_is_tried_above() -> None:
    """The tables hold no kind and no status that no case covers."""
    assert set(BY_REASON.values()) <= {kind for _, _, kind in DOCUMENTED}
    assert set(BY_STATUS) <= {status for status, _ in BARE_STATUS}
