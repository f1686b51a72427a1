"""Azure's answers other than success, each held against what the ports promise."""

import pytest

from warpdrive.adapters.blob.azure.faults import BY_CODE, BY_STATUS, fault_of
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

DOCUMENTED = [
    (304, "ConditionNotMet", VersionChanged),
    (400, "InvalidAuthenticationInfo", AccessDenied),
    (400, "InvalidBlockList", VersionChanged),
    (400, "InvalidQueryParameterValue", Unsupported),
    (400, "Md5Mismatch", Corrupted),
    (401, "NoAuthenticationInformation", AccessDenied),
    (403, "AuthenticationFailed", AccessDenied),
    (403, "AuthorizationPermissionMismatch", AccessDenied),
    (403, "AccountIsDisabled", AccessDenied),
    (404, "BlobNotFound", ObjectNotFound),
    (404, "CannotVerifyCopySource", ObjectNotFound),
    (404, "ContainerNotFound", BackendMisconfigured),
    (409, "BlobAlreadyExists", VersionChanged),
    (409, "BlobArchived", Unsupported),
    (409, "BlobImmutableDueToPolicy", AccessDenied),
    (409, "ContainerBeingDeleted", BackendMisconfigured),
    (409, "PendingCopyOperation", Unavailable),
    (409, "PublicAccessNotPermitted", AccessDenied),
    (409, "SnapshotsPresent", Unsupported),
    (412, "ConditionNotMet", VersionChanged),
    (412, "LeaseIdMissing", AccessDenied),
    (412, "SourceConditionNotMet", VersionChanged),
    (416, "InvalidRange", RangeNotSatisfiable),
    (500, "InternalError", Unavailable),
    (500, "OperationTimedOut", Unavailable),
    (503, "ServerBusy", Throttled),
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
    (410, ObjectNotFound),
    (412, VersionChanged),
    (413, Unsupported),
    (416, RangeNotSatisfiable),
    (429, Throttled),
    (500, Unavailable),
    (501, Unsupported),
    (502, Unavailable),
    (503, Unavailable),
    (504, Unavailable),
]


@pytest.mark.parametrize(("status", "code", "kind"), DOCUMENTED)
def test_code_in_the_header_decides(status: int, code: str, kind: type[BackendError]) -> None:
    """The x-ms-error-code header, which HEAD has too, names the fault, and its words reach the operator."""
    fault = fault_of("stat 'k'", status, {"x-ms-error-code": code}, b"")
    assert type(fault) is kind
    assert fault.detail == f"stat 'k': HTTP {status} {code}"


@pytest.mark.parametrize(("status", "code", "kind"), DOCUMENTED)
def test_code_in_the_body_decides_without_a_header(status: int, code: str, kind: type[BackendError]) -> None:
    """A body without the header does as well."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    assert type(fault_of("x", status, {}, body)) is kind


@pytest.mark.parametrize(("status", "kind"), BARE_STATUS)
def test_status_decides_without_a_code(status: int, kind: type[BackendError]) -> None:
    """A proxy's answer has no code: the status alone is enough, for every class of status."""
    assert type(fault_of("x", status, {}, b"<html>")) is kind


def test_unknown_code_falls_back_to_the_status() -> None:
    """A code of a later API version does not turn into a wrong fault."""
    assert type(fault_of("x", 403, {"x-ms-error-code": "SomethingNew"}, b"")) is AccessDenied


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_makes_it_throttled(status: int) -> None:
    """429 and 503 with Retry-After say how long to wait."""
    fault = fault_of("x", status, {"Retry-After": "7"}, b"")
    assert isinstance(fault, Throttled)
    assert fault.retry_after == 7.0


def test_server_busy_without_a_time_is_throttled() -> None:
    """503 ServerBusy asks for patience also where it names no time."""
    fault = fault_of("x", 503, {"x-ms-error-code": "ServerBusy"}, b"")
    assert isinstance(fault, Throttled)
    assert fault.retry_after is None


def test_every_entry_of_the_tables_is_tried_above() -> None:
    """The tables hold nothing that no documented case covers by kind."""
    assert set(BY_CODE.values()) == {kind for _, _, kind in DOCUMENTED}
    assert set(BY_STATUS) <= {status for status, _ in BARE_STATUS}
