"""Rows as objects, as a listing of the same bucket would show them, so that the two can take turns.

Keys are whole, from the bucket's beginning. Only what is there now: no old versions, no snapshots, no delete markers,
nothing soft-deleted, no directories.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote_plus

from warpdrive.application.control.inventory.manifests import moment
from warpdrive.application.control.inventory.report import Encoding, Provider, ReportFault
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion

Row = Sequence[Any]
"""Values in the order of the columns: texts from CSV, typed values or None from Parquet."""


_NEEDED: Final[Mapping[Provider, tuple[str, ...]]] = MappingProxyType(
    {
        Provider.S3: ("Key", "Size", "LastModifiedDate", "ETag"),
        Provider.AZURE: ("Name", "Content-Length", "Last-Modified", "Etag"),
        Provider.GCS: ("name", "size", "updated", "generation"),
    }
)
_USED: Final[Mapping[Provider, tuple[str, ...]]] = MappingProxyType(
    {
        Provider.S3: ("Bucket", "StorageClass", "IsLatest", "IsDeleteMarker", "EncryptionStatus"),
        Provider.AZURE: ("AccessTier", "Content-MD5", "IsCurrentVersion", "Snapshot", "Deleted", "hdi_isfolder"),
        Provider.GCS: ("bucket", "storageClass", "md5Hash", "crc32c", "timeDeleted"),
    }
)
_PLAIN_MD5: Final = re.compile(r"[0-9a-f]{32}")
_MD5_ETAGS: Final = ("SSE-S3", "NOT-SSE")
"""Encryptions under which the ETag of an object that was uploaded in one piece is its MD5."""
_NS: Final = 1_000_000_000
_TIMES_KEPT: Final = 100_000
"""Some MiB."""


def normal(column: str) -> str:
    """Write a column's name in one way: CSV says LastModifiedDate where Parquet says last_modified_date."""
    return re.sub(r"[^a-z0-9]", "", column.lower())


def wanted_columns(provider: Provider, there: Sequence[str]) -> list[str]:
    """Choose, of the columns that are there, those that are read. Raises ReportFault when one that must be is not."""
    by_name = {normal(column): column for column in there}
    missing = [column for column in _NEEDED[provider] if normal(column) not in by_name]
    if missing:
        raise ReportFault(f"the report lacks the columns {', '.join(missing)}: add them to its configuration")
    names = (*_NEEDED[provider], *_USED[provider])
    return [by_name[normal(column)] for column in names if normal(column) in by_name]


Reading = Callable[[Iterable[Row]], list[ObjectInfo]]


def reading(provider: Provider, encoding: Encoding, columns: Sequence[str], place: str) -> Reading:
    """Return what turns rows with these columns into objects of the bucket `place`; it raises ReportFault."""
    wanted_columns(provider, columns)
    index = {normal(column): position for position, column in enumerate(columns)}
    convert = _KINDS[provider](index, place, encoding)

    def objects(rows: Iterable[Row]) -> list[ObjectInfo]:
        row: Row = ()
        found = []
        try:
            for row in rows:
                each = convert(row)
                if each is not None:
                    found.append(each)
        except (ValueError, IndexError, TypeError, AttributeError, NotBase64) as error:
            raise ReportFault(f"a row that cannot be read, {list(row)!r:.300}: {error}") from error
        return found

    return objects


class _Times:
    """Reads times; most rows of a report share their seconds with others."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}

    def ns(self, value: Any) -> int:
        """Nanoseconds since the epoch, cut to whole seconds: that is all that listings tell. Raises ValueError."""
        ns = self._known.get(value)
        if ns is None:
            if len(self._known) > _TIMES_KEPT:
                self._known.clear()
            ns = self._known[value] = int(_read_time(value).timestamp() // 1) * _NS
        return ns


def _read_time(value: Any) -> datetime:
    """Read ISO 8601, or a date as HTTP writes it."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return moment(value) if value[:1].isdigit() else parsedate_to_datetime(value)


def _true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


class _S3:
    """Keys in CSV are URL-encoded. A report about all versions says which one is the latest."""

    def __init__(self, index: Mapping[str, int], place: str, encoding: Encoding) -> None:
        self._key, self._size, self._modified, self._etag = (index[normal(each)] for each in _NEEDED[Provider.S3])
        self._bucket, self._class, self._latest, self._marker, self._encryption = (
            index.get(normal(each)) for each in _USED[Provider.S3]
        )
        self._place = place
        self._encoded = encoding is Encoding.CSV
        self._times = _Times()

    def __call__(self, row: Row) -> ObjectInfo | None:
        if self._latest is not None and not _true(row[self._latest]):
            return None
        if self._marker is not None and _true(row[self._marker]):
            return None
        if self._bucket is not None and row[self._bucket] != self._place:
            msg = f"it is about the bucket {row[self._bucket]!r}, not {self._place!r}"
            raise ValueError(msg)
        key = row[self._key]
        if self._encoded and ("%" in key or "+" in key):
            key = unquote_plus(key, errors="surrogateescape")
        etag = row[self._etag].strip('"')
        digest = None
        # Without knowing the encryption nobody knows what an ETag is.
        if (
            self._encryption is not None
            and row[self._encryption] in _MD5_ETAGS
            and _PLAIN_MD5.fullmatch(etag) is not None
        ):
            digest = Digest("md5", bytes.fromhex(etag))
        return ObjectInfo(
            ObjectKey(key),
            int(row[self._size]),
            ObjectVersion(etag),
            self._times.ns(row[self._modified]),
            digest,
            storage_class=(row[self._class] or "") if self._class is not None else "",
        )


class _Azure:
    """Names begin with the container; a report may be about several."""

    def __init__(self, index: Mapping[str, int], place: str, encoding: Encoding) -> None:
        del encoding
        self._name, self._size, self._modified, self._etag = (index[normal(each)] for each in _NEEDED[Provider.AZURE])
        self._tier, self._md5, self._current, self._snapshot, self._deleted, self._folder = (
            index.get(normal(each)) for each in _USED[Provider.AZURE]
        )
        self._begins = f"{place}/"
        self._times = _Times()

    def __call__(self, row: Row) -> ObjectInfo | None:
        name = row[self._name]
        if not name.startswith(self._begins):
            return None
        if self._current is not None and row[self._current] in {"false", "False", False}:
            return None
        if self._snapshot is not None and row[self._snapshot]:
            return None
        if any(column is not None and _true(row[column]) for column in (self._deleted, self._folder)):
            return None
        md5 = row[self._md5] if self._md5 is not None else None
        return ObjectInfo(
            ObjectKey(name[len(self._begins) :]),
            int(row[self._size] or 0),
            ObjectVersion(row[self._etag].strip().removeprefix("W/").strip('"')),
            self._times.ns(row[self._modified]),
            Digest("md5", b64decode(md5, validate=True)) if md5 else None,
            storage_class=(row[self._tier] or "") if self._tier is not None else "",
        )


class _Gcs:
    """The version is the generation, as everywhere with GCS. Noncurrent ones have a time of deletion."""

    def __init__(self, index: Mapping[str, int], place: str, encoding: Encoding) -> None:
        del encoding
        self._name, self._size, self._updated, self._generation = (
            index[normal(each)] for each in _NEEDED[Provider.GCS]
        )
        self._bucket, self._class, self._md5, self._crc, self._gone = (
            index.get(normal(each)) for each in _USED[Provider.GCS]
        )
        self._place = place
        self._times = _Times()

    def __call__(self, row: Row) -> ObjectInfo | None:
        if self._gone is not None and row[self._gone]:
            return None
        if self._bucket is not None and row[self._bucket] != self._place:
            msg = f"it is about the bucket {row[self._bucket]!r}, not {self._place!r}"
            raise ValueError(msg)
        digest = None
        if self._md5 is not None and row[self._md5]:
            digest = Digest("md5", b64decode(row[self._md5], validate=True))
        elif self._crc is not None and row[self._crc]:
            digest = Digest("crc32c", b64decode(row[self._crc], validate=True))
        return ObjectInfo(
            ObjectKey(row[self._name]),
            int(row[self._size]),
            ObjectVersion(str(row[self._generation])),
            self._times.ns(row[self._updated]),
            digest,
            storage_class=(row[self._class] or "") if self._class is not None else "",
        )


_KINDS: Final[Mapping[Provider, type[_S3] | type[_Azure] | type[_Gcs]]] = MappingProxyType(
    {Provider.S3: _S3, Provider.AZURE: _Azure, Provider.GCS: _Gcs}
)
