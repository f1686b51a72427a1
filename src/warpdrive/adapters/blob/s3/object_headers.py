"""What a response's headers say about an object."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

from warpdrive.adapters.blob.s3.http.head import MalformedResponse
from warpdrive.application.ports.errors import VersionChanged
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion

NS = 1_000_000_000
_MD5 = re.compile(r"[0-9a-f]{32}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")
_NOT_MD5 = ("x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm")
"""With these the ETag is 32 hexadecimal digits as well, and still not the MD5 of the bytes we get."""
_PLAIN_ENCRYPTION = frozenset({"", "AES256"})


def described(key: ObjectKey, size: int, headers: Mapping[str, str]) -> ObjectInfo:
    """Make the object's description.

    Raises MalformedResponse when ETag or Last-Modified is missing or unreadable.
    """
    etag = headers.get("etag")
    if not etag:
        raise MalformedResponse("the response has no ETag")
    return ObjectInfo(
        key, size, version_of(etag), modified_ns(headers.get("last-modified", "")), _digest(etag, headers)
    )


def version_of(etag: str) -> ObjectVersion:
    """The version is the ETag without its quotes; a weak ETag (no S3 sends one) stays as it is."""
    return ObjectVersion(etag[1:-1] if len(etag) > 1 and etag[0] == etag[-1] == '"' else etag)


def etag_of(version: ObjectVersion) -> str:
    """The ETag of a version, for If-Match.

    Raises VersionChanged for what cannot be one: a listing could bring line breaks, and with them headers.
    """
    if not (version.isascii() and version.isprintable()):
        raise VersionChanged(f"{version!r} is no version of an object")
    return version if version.startswith("W/") else f'"{version}"'


@lru_cache(maxsize=1024)
def modified_ns(date: str) -> int:
    """Parse an HTTP date into ns since the epoch. Raises MalformedResponse."""
    try:
        when = parsedate_to_datetime(date)
    except ValueError as error:
        raise MalformedResponse(f"not a date: {date!r}") from error
    return int(when.replace(tzinfo=when.tzinfo or UTC).timestamp()) * NS


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int]:
    """Parse Content-Range into (start, stop, size), stop exclusive. Raises MalformedResponse."""
    value = headers.get("content-range", "")
    match = _CONTENT_RANGE.fullmatch(value)
    if match is None:
        raise MalformedResponse(f"not the content range of one part: {value!r}")
    start, last, size = map(int, match.groups())
    if not start <= last < size:
        raise MalformedResponse(f"an impossible content range: {value!r}")
    return start, last + 1, size


def _digest(etag: str, headers: Mapping[str, str]) -> Digest | None:
    bare = etag.strip('"')
    if not _MD5.fullmatch(bare) or any(name in headers for name in _NOT_MD5):
        return None
    if headers.get("x-amz-server-side-encryption", "") not in _PLAIN_ENCRYPTION:
        return None
    return Digest("md5", bytes.fromhex(bare))
