"""The table of refusals."""

import pytest

from warpdrive.adapters.blob.s3.faults import BY_CODE, BY_STATUS, Refusal, fault, read_refusal, retry_after
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


def _document(code: str, extra: str = "") -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>a &amp; b</Message>{extra}</Error>".encode()


def _fault(status: int, body: bytes = b"", **headers: str) -> BackendError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fault(read_refusal(status, named, body), "GET k", "us-east-1")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", AccessDenied),
        (403, "SignatureDoesNotMatch", AccessDenied),
        (403, "InvalidAccessKeyId", AccessDenied),
        (400, "ExpiredToken", AccessDenied),
        (403, "RequestTimeTooSkewed", AccessDenied),
        (404, "NoSuchKey", ObjectNotFound),
        (404, "NoSuchBucket", BackendMisconfigured),
        (301, "PermanentRedirect", BackendMisconfigured),
        (409, "ConditionalRequestConflict", VersionChanged),
        (412, "PreconditionFailed", VersionChanged),
        (416, "InvalidRange", RangeNotSatisfiable),
        (503, "SlowDown", Throttled),
        (503, "ServiceUnavailable", Unavailable),
        (500, "InternalError", Unavailable),
        (400, "RequestTimeout", Unavailable),
        (403, "InvalidObjectState", Unsupported),
        (501, "NotImplemented", Unsupported),
        (400, "SomethingNobodyKnows", Unsupported),
        (403, "SomethingNobodyKnows", AccessDenied),
        (500, "SomethingNobodyKnows", Unavailable),
    ],
)
def test_codes_go_before_statuses(status: int, code: str, kind: type[BackendError]) -> None:
    """The code says more; one that we do not know leaves the word to the status."""
    error = _fault(status, _document(code))
    assert type(error) is kind
    assert code in error.detail
    assert "a & b" in error.detail


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, BackendMisconfigured),
        (307, BackendMisconfigured),
        (400, AccessDenied),
        (401, AccessDenied),
        (403, AccessDenied),
        (404, ObjectNotFound),
        (405, Unsupported),
        (408, Unavailable),
        (409, VersionChanged),
        (412, VersionChanged),
        (416, RangeNotSatisfiable),
        (418, Unsupported),
        (429, Throttled),
        (500, Unavailable),
        (501, Unsupported),
        (502, Unavailable),
        (503, Throttled),
        (504, Unavailable),
    ],
)
def test_a_bare_status_is_enough(status: int, kind: type[BackendError]) -> None:
    """Answers to HEAD have no document."""
    assert type(_fault(status)) is kind


def test_every_status_from_300_on_has_an_answer() -> None:
    """No status falls through, and only throttling and server faults may be tried again."""
    for status in range(300, 600):
        error = _fault(status)
        assert error.transient == (status in {408, 429} or (status >= 500 and status != 501)), status


def test_the_tables_agree_where_they_overlap() -> None:
    """Every code has one meaning, and a status that two codes share is listed for a reason."""
    assert set(BY_CODE.values()) >= set(BY_STATUS.values())
    assert Refusal(404, "NoSuchBucket", "", {}).code in BY_CODE


def test_another_region_is_named() -> None:
    """Whoever configured the wrong region reads the right one, whatever the status."""
    for error in (
        _fault(301, x_amz_bucket_region="eu-west-3"),
        _fault(400, x_amz_bucket_region="eu-west-3"),
        _fault(400, _document("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")),
    ):
        assert type(error) is BackendMisconfigured
        assert "eu-west-3" in error.detail
    assert type(_fault(403, x_amz_bucket_region="us-east-1")) is AccessDenied


def test_throttling_carries_the_wait() -> None:
    """Seconds, or a date measured by the server's own clock."""
    error = _fault(503, _document("SlowDown"), retry_after="7")
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.0
    headers = {"date": "Fri, 24 May 2013 00:00:00 GMT", "retry-after": "Fri, 24 May 2013 00:00:30 GMT"}
    assert retry_after(headers) == 30.0
    assert retry_after({"retry-after": "soon", "date": headers["date"]}) is None
    assert retry_after({}) is None


def test_a_page_of_a_proxy_is_quoted() -> None:
    """What is not S3's document is shown to the operator, in part."""
    error = _fault(502, b"<html>bad gateway" + b"x" * 5000)
    assert "bad gateway" in error.detail
    assert len(error.detail) < 500
