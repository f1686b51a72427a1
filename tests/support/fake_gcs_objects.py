"""What the fake Cloud Storage keeps, and its rules: generations, preconditions, listings.

Rules as Google documents them: "Request preconditions" and the JSON API reference (objects). No HTTP here.
"""

import hashlib
import itertools
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.support.crc32c import crc32c


class Refusal(Exception):
    """An answer other than success: HTTP status, Google's reason, the message."""

    def __init__(self, status: int, reason: str, message: str, location: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.location = location
        """The header or parameter at fault, where Google names it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One generation of one object."""

    bucket: str
    name: str
    data: bytes
    generation: int
    metageneration: int
    content_type: str
    metadata: Mapping[str, str]
    created: datetime
    updated: datetime
    md5: bytes
    crc: int

    @property
    def etag(self) -> str:
        """Opaque; changes with generation and metageneration."""
        return b64encode(f"{self.generation}/{self.metageneration}".encode()).decode()

    @property
    def md5_hash(self) -> str:
        """Base64 of the MD5."""
        return b64encode(self.md5).decode()

    @property
    def crc32c(self) -> str:
        """Base64 of the big-endian CRC-32C."""
        return b64encode(self.crc.to_bytes(4, "big")).decode()

    def resource(self, root: str) -> dict[str, object]:
        """Put it as the JSON API's object resource; 64-bit numbers are strings."""
        result: dict[str, object] = {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{root}/storage/v1/b/{self.bucket}/o/{self.name}",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "contentType": self.content_type,
            "storageClass": "STANDARD",
            "size": str(len(self.data)),
            "md5Hash": self.md5_hash,
            "crc32c": self.crc32c,
            "etag": self.etag,
            "timeCreated": _rfc3339(self.created),
            "updated": _rfc3339(self.updated),
        }
        if self.metadata:
            result["metadata"] = dict(self.metadata)
        return result


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The four documented ones. 0 as a generation means: no live object."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], infix: str = "") -> "Preconditions":
        """Read them from a query; `infix` "Source" reads those of a copy's source."""

        def number(name: str) -> int | None:
            value = query.get(name)
            if value is None:
                return None
            if not value.lstrip("-").isdigit():
                raise Refusal(400, "invalid", f"Invalid value for: {name}", name)
            return int(value)

        return cls(
            number(f"if{infix}GenerationMatch"),
            number(f"if{infix}GenerationNotMatch"),
            number(f"if{infix}MetagenerationMatch"),
            number(f"if{infix}MetagenerationNotMatch"),
        )

    def check(self, live: StoredObject | None, *, reading: bool = False) -> None:
        """Raise 412 for one that does not hold; a Not-Match that does not hold is 304 when `reading`."""
        generation = live.generation if live else 0
        metageneration = live.metageneration if live else 0
        for wanted, actual in ((self.generation, generation), (self.metageneration, metageneration)):
            if wanted is not None and wanted != actual:
                raise _condition_not_met(412)
        for unwanted, actual in ((self.not_generation, generation), (self.not_metageneration, metageneration)):
            if unwanted is not None and unwanted == actual:
                raise _condition_not_met(304 if reading else 412)


@dataclass(slots=True)
class Bucket:
    """Live objects by name. `public`: anybody may read and list."""

    name: str
    public: bool = False
    objects: dict[str, StoredObject] = field(default_factory=dict)


class Shelves:
    """All buckets, and the clock of generations."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        # Real generations are microseconds since the epoch; all that is promised is that they grow.
        self._generations = itertools.count(1_700_000_000_000_001)

    def bucket(self, name: str) -> Bucket:
        """Find a bucket, or 404."""
        try:
            return self.buckets[name]
        except KeyError:
            raise Refusal(404, "notFound", "The specified bucket does not exist.") from None

    def live(self, bucket: str, name: str) -> StoredObject:
        """Find an object; a missing bucket reads the same as a missing object, as with the real service."""
        held = self.buckets.get(bucket)
        found = held.objects.get(name) if held else None
        if found is None:
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}")
        return found

    def read(self, bucket: str, name: str, query: Mapping[str, str]) -> StoredObject:
        """objects.get: existence first, then `generation`, then the preconditions."""
        found = self.live(bucket, name)
        if "generation" in query and query["generation"] != str(found.generation):
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}#{query['generation']}")
        Preconditions.of(query).check(found, reading=True)
        return found

    def insert(
        self, bucket: str, name: str, data: bytes, resource: Mapping[str, object], wanted: Preconditions
    ) -> StoredObject:
        """objects.insert: a new generation, if the preconditions hold and the hashes sent along are right."""
        held = self.bucket(bucket)
        if not 1 <= len(name.encode()) <= 1024:
            raise Refusal(400, "invalid", "The specified object name is not valid.")
        wanted.check(held.objects.get(name))
        now = datetime.now(UTC)
        metadata = resource.get("metadata")
        stored = StoredObject(
            bucket=bucket,
            name=name,
            data=data,
            generation=next(self._generations),
            metageneration=1,
            content_type=str(resource.get("contentType", "application/octet-stream")),
            metadata={str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {},
            created=now,
            updated=now,
            md5=hashlib.md5(data).digest(),
            crc=crc32c(data),
        )
        for name_of_hash, actual in (("md5Hash", stored.md5_hash), ("crc32c", stored.crc32c)):
            sent = resource.get(name_of_hash)
            if sent is not None and sent != actual:
                raise Refusal(400, "invalid", f'Provided {name_of_hash} "{sent}" doesn\'t match "{actual}".')
        held.objects[name] = stored
        return stored

    def delete(self, bucket: str, name: str, query: Mapping[str, str]) -> None:
        """objects.delete."""
        found = self.live(bucket, name)
        if "generation" in query and query["generation"] != str(found.generation):
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}#{query['generation']}")
        Preconditions.of(query).check(found)
        del self.buckets[bucket].objects[name]

    def listing(self, bucket: str, query: Mapping[str, str]) -> tuple[list[StoredObject], list[str], str | None]:
        """objects.list: items and prefixes together fill a page, in the order of the UTF-8 bytes of names."""
        held = self.bucket(bucket)
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start, end = query.get("startOffset", "").encode(), query.get("endOffset", "").encode()
        limit = min(int(query.get("maxResults", "1000")), 1000)
        if limit < 1:
            raise Refusal(400, "invalid", "Invalid value for: maxResults", "maxResults")
        after = _read_token(query.get("pageToken", ""))
        items: list[StoredObject] = []
        prefixes: list[str] = []
        last = b""
        for name in sorted(held.objects, key=str.encode):
            encoded = name.encode()
            if not name.startswith(prefix) or encoded < start or (end and encoded >= end):
                continue
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            folded = name[: cut + len(delimiter)] if cut >= 0 else ""
            entry = (folded or name).encode()
            # A token names the last entry given; names that were folded into it are behind us too.
            if (after and entry <= after) or (folded and prefixes and prefixes[-1] == folded):
                continue
            if len(items) + len(prefixes) >= limit:
                return items, prefixes, urlsafe_b64encode(last).decode()
            if folded:
                prefixes.append(folded)
            else:
                items.append(held.objects[name])
            last = entry
        return items, prefixes, None


def _read_token(token: str) -> bytes:
    try:
        return b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        raise Refusal(400, "invalid", "Invalid page token.", "pageToken") from None


def _condition_not_met(status: int) -> Refusal:
    return Refusal(
        status, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.", "If-Match"
    )


def _rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
