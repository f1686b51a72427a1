"""One blob's headers as an ObjectInfo."""

from base64 import b64decode
from collections.abc import Mapping

from warpdrive.adapters.blob.http.headers import content_range, http_date_ns
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion


def etag_version(etag: str) -> ObjectVersion:
    """Take the quotes off: headers have them, listings do not."""
    return ObjectVersion(etag.strip().removeprefix("W/").strip('"'))


def quoted(version: ObjectVersion) -> str:
    """Write a version as If-Match wants it."""
    return f'"{version}"'


def md5_digest(encoded: str | None) -> Digest | None:
    """Read the base64 of Content-MD5; None when the blob has none (written in blocks by another tool)."""
    return Digest("md5", b64decode(encoded)) if encoded else None


def info_from_head(key: ObjectKey, headers: Mapping[str, str]) -> ObjectInfo:
    """Read the answer to HEAD, or to a GET of the whole blob, where Content-MD5 is the blob's own."""
    return ObjectInfo(
        key=key,
        size=int(headers.get("Content-Length", "0")),
        version=etag_version(headers.get("ETag", "")),
        mtime_ns=http_date_ns(headers.get("Last-Modified")),
        digest=md5_digest(headers.get("Content-MD5")),
    )


def info_from_range(key: ObjectKey, headers: Mapping[str, str]) -> ObjectInfo:
    """Read the answer to a ranged GET, whose Content-MD5 would be the range's, not the blob's."""
    span = content_range(headers)
    return ObjectInfo(
        key=key,
        size=span[2] if span else 0,
        version=etag_version(headers.get("ETag", "")),
        mtime_ns=http_date_ns(headers.get("Last-Modified")),
        digest=md5_digest(headers.get("x-ms-blob-content-md5")),
    )


def is_directory_marker(headers: Mapping[str, str]) -> bool:
    """Say whether the answer describes a directory of an account with hierarchical namespace."""
    return (
        headers.get("x-ms-resource-type") == "directory" or headers.get("x-ms-meta-hdi_isfolder", "").lower() == "true"
    )
