"""Objects as the JSON API describes them: in resources, in listings, and in the headers of a read."""

from base64 import b64decode
from collections.abc import Mapping

import msgspec

from warpdrive.adapters.blob.http.headers import content_range, http_date_ns, rfc3339_ns
from warpdrive.application.ports.errors import VersionChanged
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion

OBJECT_FIELDS = "name,size,generation,updated,md5Hash,crc32c,storageClass"
"""Partial response: only what is used travels."""


class Resource(msgspec.Struct, rename="camel"):
    """One object's metadata. Numbers of 64 bits are strings in Google's JSON."""

    name: str
    size: str = "0"
    generation: str = ""
    updated: str = ""
    md5_hash: str | None = None
    crc32c: str | None = None
    storage_class: str = ""

    def info(self) -> ObjectInfo:
        """Put it as an ObjectInfo."""
        return ObjectInfo(
            key=ObjectKey(self.name),
            size=int(self.size),
            version=ObjectVersion(self.generation),
            mtime_ns=rfc3339_ns(self.updated),
            digest=_digest(self.md5_hash, self.crc32c),
            storage_class=self.storage_class,
        )


class Listing(msgspec.Struct, rename="camel"):
    """One page of objects.list."""

    items: list[Resource] = []
    prefixes: list[str] = []
    next_page_token: str | None = None


class Rewrite(msgspec.Struct, rename="camel"):
    """One answer of objects.rewrite."""

    done: bool = False
    rewrite_token: str | None = None
    resource: Resource | None = None


def generation(version: ObjectVersion) -> str:
    """Write a version as the parameter of a precondition. Raises VersionChanged when it is no generation."""
    if not version.isdecimal():
        raise VersionChanged(f"{version!r} is no generation, so no object is at it")
    return version


def info_from_media(key: ObjectKey, headers: Mapping[str, str], hashes: list[str]) -> ObjectInfo:
    """Read the headers of a ranged media answer; `hashes` are its x-goog-hash values, however many lines."""
    values = dict(part.strip().partition("=")[::2] for line in hashes for part in line.split(","))
    span = content_range(headers)
    return ObjectInfo(
        key=key,
        size=span[2] if span else int(headers.get("Content-Length", "0")),
        version=ObjectVersion(headers.get("x-goog-generation", "")),
        mtime_ns=http_date_ns(headers.get("Last-Modified")),
        digest=_digest(values.get("md5"), values.get("crc32c")),
    )


def _digest(md5: str | None, crc32c: str | None) -> Digest | None:
    # Composite objects have only a crc32c (big-endian).
    if md5:
        return Digest("md5", b64decode(md5))
    return Digest("crc32c", b64decode(crc32c)) if crc32c else None
