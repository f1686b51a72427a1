"""Inventory reports as the providers document them, written into a backend by whoever tests their reading.

    report = S3Report(bucket="lake", taken_at=MOMENT)
    await report.write(writer, "inv/lake/daily/", objects)          # CSV; encoding="Parquet" for the other

Each object is a `Stored`; what a provider says beside it (old versions, delete markers, ...) comes as further rows.
"""

import csv
import gzip
import io
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, Literal
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.parquet as pq

from warpdrive.application.ports.object_writer import ObjectWriter
from warpdrive.application.ports.objects import ObjectKey

MOMENT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Stored:
    """An object. `more`: columns that say something else than usual."""

    key: str
    size: int = 10
    modified: datetime = datetime(2026, 11, 1, 12, 30, 5, tzinfo=UTC)
    content: bytes = b"x"
    storage_class: str = "STANDARD"
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def md5(self) -> bytes:
        """Of its content."""
        return md5(self.content, usedforsecurity=False).digest()


async def put(writer: ObjectWriter, key: str, content: bytes) -> None:
    """Write an object."""

    async def body() -> AsyncIterator[bytes]:
        yield content

    await writer.write(ObjectKey(key), body())


def parquet(columns: Sequence[str], rows: Sequence[Sequence[Any]], times: Sequence[str], row_group: int = 3) -> bytes:
    """Write a table; columns that are times have milliseconds, as all three providers write them."""
    arrays = {}
    for column, values in zip(columns, zip(*rows, strict=True) if rows else [()] * len(columns), strict=True):
        kind = pa.timestamp("ms") if column in times else None
        arrays[column] = pa.array(values, kind) if kind or not rows else pa.array(values)
    if not rows:
        arrays = {column: pa.array([], pa.timestamp("ms") if column in times else pa.string()) for column in columns}
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays), sink, row_group_size=row_group, compression="snappy")
    return sink.getvalue()


def csv_text(
    rows: Sequence[Sequence[Any]], *, quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL, delimiter: str = ","
) -> bytes:
    """Write CSV as RFC 4180 has it."""
    sink = io.StringIO()
    csv.writer(sink, quoting=quoting, lineterminator="\n", delimiter=delimiter).writerows(rows)
    return sink.getvalue().encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class S3Report:
    """S3 Inventory: CSV packed by gzip, every field in quotes, keys URL-encoded, no header; or Parquet."""

    bucket: str = "lake"
    taken_at: datetime = MOMENT
    encoding: str = "CSV"
    columns: tuple[str, ...] = (
        "Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "ETag",
        "StorageClass", "IsMultipartUploaded", "EncryptionStatus",
    )  # fmt: skip
    sealed: bool = True
    files: int = 2

    async def write(self, writer: ObjectWriter, prefix: str, objects: Sequence[Stored]) -> str:
        """Write all of it below `prefix`, which names bucket and configuration; returns the manifest's key."""
        rows = [self._row(each) for each in objects]
        data = []
        for number in range(self.files):
            share = rows[number :: self.files]
            if self.encoding == "CSV":
                content = gzip.compress(csv_text(share, quoting=csv.QUOTE_ALL))
            else:
                content = parquet([_snake(each) for each in self.columns], share, ["last_modified_date"])
            name = f"{prefix}data/{self.taken_at:%H%M}-{number}.{'csv.gz' if self.encoding == 'CSV' else 'parquet'}"
            await put(writer, name, content)
            data.append({"key": name, "size": len(content), "MD5checksum": md5(content).hexdigest()})
        schema = ", ".join(self.columns)
        manifest = {
            "sourceBucket": self.bucket,
            "destinationBucket": "arn:aws:s3:::reports",
            "version": "2016-11-30",
            "creationTimestamp": str(int(self.taken_at.timestamp() * 1000)),
            "fileFormat": self.encoding,
            "fileSchema": schema if self.encoding == "CSV" else "message s3.inventory { ... }",
            "files": data,
        }
        key = f"{prefix}{self.taken_at:%Y-%m-%dT%H-%MZ}/manifest.json"
        await sealed(writer, key, manifest, seal=self.sealed)
        await put(writer, f"{prefix}hive/dt={self.taken_at:%Y-%m-%d-%H-%M}/symlink.txt", b"s3://reports/...")
        return key

    def _row(self, each: Stored) -> list[Any]:
        csv_wanted = self.encoding == "CSV"
        usual = {
            "Bucket": self.bucket,
            "Key": quote_plus(each.key, errors="surrogateescape") if csv_wanted else each.key,
            "VersionId": "v1",
            "IsLatest": "true" if csv_wanted else True,
            "IsDeleteMarker": "false" if csv_wanted else False,
            "Size": str(each.size) if csv_wanted else each.size,
            "LastModifiedDate": f"{each.modified:%Y-%m-%dT%H:%M:%S}.000Z" if csv_wanted else each.modified,
            "ETag": each.md5.hex(),
            "StorageClass": each.storage_class,
            "IsMultipartUploaded": "false" if csv_wanted else False,
            "EncryptionStatus": "SSE-S3",
        }
        return [{**usual, **each.more}[column] for column in self.columns]


@dataclass(frozen=True)
class AzureReport:
    """Azure Blob Inventory: CSV with a header, names that begin with the container; or Parquet."""

    container: str = "lake"
    rule: str = "Rule_1"
    taken_at: datetime = MOMENT
    encoding: str = "csv"
    status: str = "Succeeded"
    filters: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = (
        "Name", "Creation-Time", "Last-Modified", "Etag", "Content-Length", "Content-MD5", "BlobType", "AccessTier",
        "Snapshot", "VersionId", "IsCurrentVersion", "Deleted",
    )  # fmt: skip

    async def write(self, writer: ObjectWriter, prefix: str, objects: Sequence[Stored]) -> str:
        """Write all of it below `prefix`; returns the manifest's key."""
        folder = f"{prefix}{self.taken_at:%Y/%m/%d/%H-%M-%S}/{self.rule}/"
        rows = [self._row(each) for each in objects]
        if self.encoding == "csv":
            content = csv_text([self.columns, *rows])
        else:
            content = parquet(self.columns, rows, ["Creation-Time", "Last-Modified"])
        await put(writer, f"{folder}{self.rule}.{self.encoding}", content)
        manifest = {
            "destinationContainer": "reports",
            "endpoint": "https://account.blob.core.windows.net",
            "files": [{"blob": f"{folder}{self.rule}.{self.encoding}", "size": len(content)}],
            "inventoryCompletionTime": "2026-11-22T00:10:00Z",
            "inventoryStartTime": f"{self.taken_at:%Y-%m-%dT%H:%M:%S}Z",
            "ruleDefinition": {
                "filters": {"blobTypes": ["blockBlob"], **self.filters},
                "format": self.encoding,
                "objectType": "blob",
                "schedule": "daily",
                "schemaFields": list(self.columns),
            },
            "ruleName": self.rule,
            "status": self.status,
            "summary": {"objectCount": len(objects), "totalObjectSize": sum(each.size for each in objects)},
            "version": "1.0",
        }
        key = f"{folder}{self.rule}-manifest.json"
        await sealed(writer, key, manifest, seal=True)
        return key

    def _row(self, each: Stored) -> list[Any]:
        text = self.encoding == "csv"
        usual = {
            "Name": f"{self.container}/{each.key}",
            "Creation-Time": f"{each.modified:%Y-%m-%dT%H:%M:%S}.0000000Z" if text else each.modified,
            "Last-Modified": f"{each.modified:%Y-%m-%dT%H:%M:%S}.0000000Z" if text else each.modified,
            "Etag": f"0x{each.md5.hex()[:15].upper()}",
            "Content-Length": str(each.size) if text else each.size,
            "Content-MD5": b64encode(each.md5).decode(),
            "BlobType": "BlockBlob",
            "AccessTier": each.storage_class,
            "Snapshot": "" if text else None,
            "VersionId": "2026-11-01T12:30:05.0000000Z",
            "IsCurrentVersion": "true" if text else True,
            "Deleted": "" if text else None,
        }
        return [{**usual, **each.more}[column] for column in self.columns]


@dataclass(frozen=True)
class GcsReport:
    """A GCS inventory report (Storage Insights): CSV in shards, with a header or without; or Parquet."""

    bucket: str = "lake"
    config: str = "6c7c6a1f-0000-4000-8000-000000000001"
    taken_at: datetime = MOMENT
    encoding: str = "csv"
    header: bool = True
    delimiter: str = ","
    camel: bool = False
    shards: int = 2
    records: int | None = None
    columns: tuple[str, ...] = (
        "project", "bucket", "name", "size", "timeDeleted", "updated", "storageClass", "etag", "crc32c", "md5Hash",
        "generation",
    )  # fmt: skip

    async def write(self, writer: ObjectWriter, prefix: str, objects: Sequence[Stored]) -> str:
        """Write all of it below `prefix`; returns the manifest's key."""
        stem = f"{self.config}_{self.taken_at:%Y-%m-%dT%H:%M}"
        rows = [self._row(each) for each in objects]
        names = []
        for number in range(self.shards):
            share = rows[number :: self.shards]
            if self.encoding == "csv":
                content = csv_text([self.columns, *share] if self.header else share, delimiter=self.delimiter)
            else:
                content = parquet(self.columns, share, ["updated", "timeDeleted"])
            names.append(f"{stem}_{number}.{self.encoding}")
            await put(writer, prefix + names[-1], content)

        def word(snake: str) -> str:
            head, *rest = snake.split("_")
            return head + "".join(map(str.title, rest)) if self.camel else snake

        options = {
            word("delimiter"): self.delimiter,
            word("record_separator"): "\n",
            word("header_required"): self.header,
        }
        manifest = {
            "report_config": {
                "name": f"projects/p/locations/us/reportConfigs/{self.config}",
                **({word("csv_options"): options} if self.encoding == "csv" else {word("parquet_options"): {}}),
                word("object_metadata_report_options"): {word("metadata_fields"): list(self.columns)},
            },
            "records_processed": len(rows) if self.records is None else self.records,
            "snapshot_time": f"{self.taken_at:%Y-%m-%dT%H:%M:%S}Z",
            "shard_count": self.shards,
            "report_shards_file_names": names,
        }
        await put(writer, f"{prefix}{stem}_manifest.json", json.dumps(manifest).encode())
        return f"{prefix}{stem}_manifest.json"

    def _row(self, each: Stored) -> list[Any]:
        text = self.encoding == "csv"
        usual = {
            "project": "p",
            "bucket": self.bucket,
            "name": each.key,
            "size": str(each.size) if text else each.size,
            "timeDeleted": "" if text else None,
            "updated": f"{each.modified:%Y-%m-%dT%H:%M:%S}.123Z" if text else each.modified,
            "storageClass": each.storage_class,
            "etag": "CJ==",
            "crc32c": b64encode(b"\x01\x02\x03\x04").decode(),
            "md5Hash": b64encode(each.md5).decode(),
            "generation": "1700000000000001" if text else 1700000000000001,
        }
        return [{**usual, **each.more}[column] for column in self.columns]


async def sealed(writer: ObjectWriter, key: str, manifest: Mapping[str, Any], *, seal: bool) -> None:
    """Write a manifest, and the checksum beside it that says that everything is there."""
    raw = json.dumps(manifest).encode()
    await put(writer, key, raw)
    if seal:
        await put(writer, key.removesuffix(".json") + ".checksum", md5(raw).hexdigest().encode())


def _snake(name: str) -> str:
    """Write the name of a CSV column as Parquet has it: LastModifiedDate, ETag -> last_modified_date, e_tag."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
