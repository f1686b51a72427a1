"""What headers say about an object."""

import pytest

from warpdrive.adapters.blob.s3.http.head import MalformedResponse
from warpdrive.adapters.blob.s3.object_headers import content_range, described, etag_of, version_of
from warpdrive.application.ports.errors import VersionChanged
from warpdrive.application.ports.objects import ObjectKey, ObjectVersion

_MD5 = "9dd4e461268c8034f5c8564e155c67a6"
_HEADERS = {"etag": f'"{_MD5}"', "last-modified": "Thu, 29 Feb 2024 12:00:00 GMT"}


def test_a_plain_etag_is_the_digest() -> None:
    """Of an object put in one piece, unencrypted or under S3's own key."""
    for headers in (_HEADERS, {**_HEADERS, "x-amz-server-side-encryption": "AES256"}):
        info = described(ObjectKey("k"), 1, headers)
        assert (info.version, info.mtime_ns) == (_MD5, 1_709_208_000 * 10**9)
        assert info.digest is not None
        assert info.digest == ("md5", bytes.fromhex(_MD5))


@pytest.mark.parametrize(
    "extra",
    [
        {"etag": f'"{_MD5}-3"'},
        {"etag": '"not hexadecimal at all, 32 chars."'},
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption": "aws:kms:dsse"},
        {"x-amz-server-side-encryption-aws-kms-key-id": "arn"},
        {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    ],
)
def test_other_etags_are_no_digest(extra: dict[str, str]) -> None:
    """Multipart uploads and other encryptions have ETags that are not the MD5 of the bytes."""
    assert described(ObjectKey("k"), 1, {**_HEADERS, **extra}).digest is None


@pytest.mark.parametrize("missing", ["etag", "last-modified"])
def test_an_object_without_version_or_time_is_refused(missing: str) -> None:
    """Nothing could be promised about it."""
    headers = {name: value for name, value in _HEADERS.items() if name != missing}
    with pytest.raises(MalformedResponse):
        described(ObjectKey("k"), 1, headers)


def test_versions_and_etags_are_each_other() -> None:
    """The quotes are the ETag's, not the version's."""
    for etag in ('"abc"', '"abc-2"', 'W/"abc"'):
        assert etag_of(version_of(etag)) == etag
    assert version_of("bare") == "bare"
    assert etag_of(ObjectVersion("bare")) == '"bare"'


@pytest.mark.parametrize("version", ['a"\r\nx-amz-acl: public', "\x00", "é"])
def test_a_version_cannot_smuggle_headers(version: str) -> None:
    """What is not printable ASCII never reaches a request."""
    with pytest.raises(VersionChanged):
        etag_of(ObjectVersion(version))


def test_content_range() -> None:
    """Start and stop as offsets, with the whole size."""
    assert content_range({"content-range": "bytes 5-9/20"}) == (5, 10, 20)


@pytest.mark.parametrize("value", ["", "bytes 5-9/*", "bytes */20", "bytes 9-5/20", "bytes 5-20/20", "lines 5-9/20"])
def test_impossible_content_ranges(value: str) -> None:
    """Are refused."""
    with pytest.raises(MalformedResponse):
        content_range({"content-range": value})
