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
from itertools import islice, repeat
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote_plus

from warpdrive.application.control.inventory.manifests import moment
from warpdrive.application.control.inventory.report import Encoding, Provider, ReportFault
from warpdrive.application.ports.objects import Digest, ObjectInfo

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
_LARGEST: Final = 2**53
"""Bytes: a thousand times the largest object that any provider takes; sums of them stay numbers of 64 bits."""
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


Reading = Callable[[Sequence[Row]], list[ObjectInfo]]


def reading(provider: Provider, encoding: Encoding, columns: Sequence[str], place: str) -> Reading:
    """Return what turns rows with these columns into objects of the bucket `place`; it raises ReportFault."""
    wanted_columns(provider, columns)
    index = {normal(column): position for position, column in enumerate(columns)}
    convert = _KINDS[provider](index, place, encoding)

    def objects(rows: Sequence[Row]) -> list[ObjectInfo]:
        try:
            return convert(rows)
        except (ValueError, IndexError, TypeError, AttributeError, ArithmeticError, NotBase64) as error:
            raise ReportFault(f"rows that cannot be read: {error}") from error

    return objects


class _Times:
    """Reads times; most rows of a report share their seconds with others."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}

    def column(self, rows: Sequence[Row], column: int) -> list[int]:
        """Read a column. Raises ValueError."""
        values = [row[column] for row in rows]
        if len(self._known) > _TIMES_KEPT:
            self._known.clear()
        for value in set(values) - self._known.keys():
            self._known[value] = _ns(value)
        return list(map(self._known.__getitem__, values))


def _ns(value: Any) -> int:
    """Read nanoseconds since the epoch, cut to whole seconds: that is all that listings tell. Raises ValueError."""
    return int(_read_time(value).timestamp() // 1) * _NS


def _read_time(value: Any) -> datetime:
    """Read ISO 8601, or a date as HTTP writes it."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return moment(value) if value[:1].isdigit() else parsedate_to_datetime(value)


def _true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _false(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


def _without(rows: Sequence[Row], column: int | None, unwanted: Callable[[Any], bool]) -> Sequence[Row]:
    """Leave rows out by a column's value, of which there are few different ones; None: the column is not there."""
    if column is None:
        return rows
    gone = {value for value in {row[column] for row in rows} if unwanted(value)}
    return [row for row in rows if row[column] not in gone] if gone else rows


def _of_one_place(rows: Sequence[Row], column: int | None, place: str) -> None:
    others = set() if column is None else {row[column] for row in rows} - {place}
    if others:
        msg = f"they are about {', '.join(map(repr, sorted(others)))}, not {place!r}"
        raise ValueError(msg)


def _texts(rows: Sequence[Row], column: int | None) -> Iterable[str]:
    return repeat("") if column is None else [row[column] or "" for row in rows]


def _unquoted(keys: list[str]) -> list[str]:
    """Decode URL-encoded keys, all at once: NUL stands between them, unless one has it."""
    together = "\0".join(keys)
    if "%" not in together and "+" not in together:
        return keys
    if "%00" in together or together.count("\0") >= len(keys):
        return [unquote_plus(key, errors="surrogateescape") for key in keys]
    return unquote_plus(together, errors="surrogateescape").split("\0")


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

    def __call__(self, rows: Sequence[Row]) -> list[ObjectInfo]:
        rows = _without(rows, self._latest, lambda value: not _true(value))
        rows = _without(rows, self._marker, _true)
        _of_one_place(rows, self._bucket, self._place)
        keys = [row[self._key] for row in rows]
        etags = [row[self._etag].strip('"') for row in rows]
        digests: Iterable[Digest | None] = repeat(None)
        # Without knowing the encryption nobody knows what an ETag is.
        if self._encryption is not None:
            digests = [
                Digest("md5", bytes.fromhex(etag))
                if row[self._encryption] in _MD5_ETAGS and _PLAIN_MD5.fullmatch(etag)
                else None
                for row, etag in zip(rows, etags, strict=True)
            ]
        return _infos(
            _unquoted(keys) if self._encoded and keys else keys,
            [int(row[self._size]) for row in rows],
            etags,
            self._times.column(rows, self._modified),
            digests,
            _texts(rows, self._class),
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

    def __call__(self, rows: Sequence[Row]) -> list[ObjectInfo]:
        rows = _without(rows, self._current, _false)
        rows = _without(rows, self._snapshot, bool)
        rows = _without(_without(rows, self._deleted, _true), self._folder, _true)
        rows = [row for row in rows if row[self._name].startswith(self._begins)]
        cut = len(self._begins)
        return _infos(
            [row[self._name][cut:] for row in rows],
            [int(row[self._size] or 0) for row in rows],
            [row[self._etag].strip().removeprefix("W/").strip('"') for row in rows],
            self._times.column(rows, self._modified),
            [_digest("md5", text) for text in _texts(rows, self._md5)] if self._md5 is not None else repeat(None),
            _texts(rows, self._tier),
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

    def __call__(self, rows: Sequence[Row]) -> list[ObjectInfo]:
        rows = _without(rows, self._gone, bool)
        _of_one_place(rows, self._bucket, self._place)
        pairs = zip(_texts(rows, self._md5), _texts(rows, self._crc), rows, strict=False)
        return _infos(
            [row[self._name] for row in rows],
            [int(row[self._size]) for row in rows],
            [str(row[self._generation]) for row in rows],
            self._times.column(rows, self._updated),
            # Composite objects have only a CRC32C.
            [_digest("md5", md5) or _digest("crc32c", crc) for md5, crc, _ in pairs],
            _texts(rows, self._class),
        )


def _digest(algorithm: str, text: str) -> Digest | None:
    return Digest(algorithm, b64decode(text, validate=True)) if text else None


def _infos(
    keys: Sequence[str],
    sizes: Sequence[int],
    versions: Sequence[str],
    times: Sequence[int],
    digests: Iterable[Digest | None],
    classes: Iterable[str],
) -> list[ObjectInfo]:
    """Put columns together; all of it runs in C. Raises ValueError for what no listing shows."""
    assert len(keys) == len(sizes) == len(versions) == len(times), "columns of one page"
    classes = list(islice(classes, len(keys)))  # an endless one where there is no such column
    # Columns of Parquet have types of their own.
    if {*map(type, keys), *map(type, versions), *map(type, classes)} - {str}:
        msg = "a key, a version or a class that is no text"
        raise ValueError(msg)
    if sizes and not (min(sizes) >= 0 and max(sizes) <= _LARGEST):
        msg = f"a size outside 0 to {_LARGEST}"
        raise ValueError(msg)
    rows = zip(keys, sizes, versions, times, digests, repeat(object=False), classes, strict=False)
    return list(map(ObjectInfo._make, rows))


_KINDS: Final[Mapping[Provider, type[_S3] | type[_Azure] | type[_Gcs]]] = MappingProxyType(
    {Provider.S3: _S3, Provider.AZURE: _Azure, Provider.GCS: _Gcs}
)
