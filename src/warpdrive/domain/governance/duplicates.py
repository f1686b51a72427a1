"""When two objects are taken for the same bytes: by size and the checksum that their backends tell, nothing is read.

Only equal kinds of checksums compare: of an object known by MD5 and one known by CRC32C nobody can say whether they are
the same. Empty objects are no duplicates: nothing is gained by removing them.
"""

import re
from enum import StrEnum
from typing import Final

_PLAIN_ETAG: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

SHOWN_COPIES: Final = 20
"""Copies of a group that are shown; their number is told."""


class Confidence(StrEnum):
    """How sure it is that objects of equal size and checksum are the same bytes."""

    HIGH = "high"
    """By MD5: nobody has them equal by chance."""
    MEDIUM = "medium"
    """By CRC32C: of 77,000 different objects of one size it is likely that two have the same."""


_CONFIDENCE: Final = {"md5": Confidence.HIGH, "crc32c": Confidence.MEDIUM}

CHECKSUMS: Final = tuple(_CONFIDENCE)
"""Kinds of checksums that objects are compared by."""


def confidence_of(checksum: str) -> Confidence:
    """Return how much a kind of checksum says. Raises KeyError for a kind that nothing is compared by."""
    return _CONFIDENCE[checksum]


def wasted_bytes(size: int, copies: int) -> int:
    """Return the bytes that would be free if one copy was left."""
    return size * max(0, copies - 1)


def has_etags(place: str) -> bool:
    """Tell whether the versions of a place's objects are ETags of S3, which lists no other checksum."""
    return place.startswith("s3|")


def md5_of_etag(etag: str) -> bytes | None:
    """Return the checksum in an S3 ETag, to compare objects by; None when it is none.

    The ETag of a multipart upload is a digest of digests with a number of parts ("...-7"): it depends on the parts'
    size and compares with nothing. Of an object that was encrypted with a key of KMS it is no MD5, but it looks like
    one: such an object is equal to none, not even to its own copy. So what is found equal is the same bytes, and what
    is not found may be. Never check bytes against it.
    """
    return bytes.fromhex(etag) if _PLAIN_ETAG.fullmatch(etag) else None
