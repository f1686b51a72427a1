"""Manifests, read faithfully: what each provider documents, and nothing guessed.

S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
Azure: https://learn.microsoft.com/azure/storage/blobs/blob-inventory
GCS: https://cloud.google.com/storage/docs/insights/inventory-reports
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from warpdrive.application.control.inventory.report import Encoding, Provider, Report, ReportFault, ReportFile
from warpdrive.application.ports.objects import ObjectKey

_RECORD_SEPARATORS: Final = ("\n", "\r\n", "")


def parse_manifest(provider: Provider, key: ObjectKey, raw: bytes) -> Report:
    """Read a manifest. Raises ReportFault when it is none, is not complete, or is of a kind that is not read here."""
    try:
        manifest = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ReportFault(f"{key} is no JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise ReportFault(f"{key} is no manifest")
    parse = {Provider.S3: _s3, Provider.AZURE: _azure, Provider.GCS: _gcs}[provider]
    try:
        return _checked(key, parse(key, manifest))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:  # the last: a time
        raise ReportFault(f"{key} is not the manifest that is documented: {error!r}") from error


def _checked(key: ObjectKey, report: Report) -> Report:
    """Hold what is only used later to its types: JSON has any. Raises ReportFault."""
    texts = (*(file.key for file in report.files), *report.columns, *report.only, report.place, report.delimiter)
    if not all(isinstance(text, str) for text in texts):
        raise ReportFault(f"{key} names files, columns, prefixes, its bucket or its delimiter by what is no text")
    if len(report.delimiter) != 1 or report.delimiter in '"\r\n':
        raise ReportFault(f"{key} separates columns by {report.delimiter!r}")
    if len({file.key for file in report.files}) != len(report.files):
        raise ReportFault(f"{key} names a file twice")
    return report


def _s3(key: ObjectKey, manifest: Mapping[str, Any]) -> Report:
    encoding = _encoding(key, manifest["fileFormat"])
    columns: tuple[str, ...] = ()
    if encoding is Encoding.CSV:
        # Files have no header line: this is it.
        columns = tuple(name.strip() for name in manifest["fileSchema"].split(","))
    return Report(
        provider=Provider.S3,
        encoding=encoding,
        manifest=key,
        taken_at=datetime.fromtimestamp(int(manifest["creationTimestamp"]) / 1000, UTC),
        files=tuple(
            ReportFile(ObjectKey(each["key"]), int(each["size"]), each["MD5checksum"].lower())
            for each in manifest["files"]
        ),
        columns=columns,
        place=manifest["sourceBucket"],
    )


def _azure(key: ObjectKey, manifest: Mapping[str, Any]) -> Report:
    if manifest["status"] != "Succeeded":
        # A partial report would have the rest of the container taken for deleted.
        raise ReportFault(f"{key} tells of a run that is {manifest['status']}, not Succeeded")
    rule = manifest["ruleDefinition"]
    if rule.get("objectType", "blob").lower() != "blob":
        raise ReportFault(f"{key} is a report about containers; one about blobs is needed")
    filters = rule.get("filters") or {}
    if filters.get("excludePrefix"):
        raise ReportFault(f"{key} leaves blobs out (excludePrefix): they would be taken for deleted")
    return Report(
        provider=Provider.AZURE,
        encoding=_encoding(key, rule["format"]),
        manifest=key,
        taken_at=moment(manifest["inventoryStartTime"]),
        files=tuple(ReportFile(ObjectKey(each["blob"]), int(each["size"])) for each in manifest["files"]),
        only=tuple(filters.get("prefixMatch") or ()),
    )


def _gcs(key: ObjectKey, manifest: Mapping[str, Any]) -> Report:
    config = manifest["report_config"]
    # Google writes its JSON in either style, by who asks.
    csv = _either(config, "csv_options", "csvOptions")
    encoding = Encoding.CSV
    if _either(config, "parquet_options", "parquetOptions") is not None:
        encoding = Encoding.PARQUET
    names = manifest["report_shards_file_names"]
    if int(manifest["shard_count"]) != len(names):
        raise ReportFault(f"{key} counts {manifest['shard_count']} files and names {len(names)}")
    if encoding is Encoding.PARQUET or csv is None:
        csv = {}
    separator = _either(csv, "record_separator", "recordSeparator") or ""
    if separator not in _RECORD_SEPARATORS:
        raise ReportFault(f"{key} separates records by {separator!r}; only line ends are read")
    headed = _either(csv, "header_required", "headerRequired")
    metadata = _either(config, "object_metadata_report_options", "objectMetadataReportOptions") or {}
    fields = _either(metadata, "metadata_fields", "metadataFields") or ()
    if encoding is Encoding.CSV and not headed and not fields:
        raise ReportFault(f"{key} says neither that files have a header line nor what their columns are")
    folder = key[: key.rfind("/") + 1]
    return Report(
        provider=Provider.GCS,
        encoding=encoding,
        manifest=key,
        taken_at=moment(manifest["snapshot_time"]),
        files=tuple(ReportFile(ObjectKey(folder + name.rpartition("/")[2])) for name in names),
        columns=() if headed or encoding is Encoding.PARQUET else tuple(fields),
        delimiter=_either(csv, "delimiter", "delimiter") or ",",
        records=int(manifest["records_processed"]),
    )


def moment(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC. Raises ValueError."""
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _encoding(key: ObjectKey, word: str) -> Encoding:
    try:
        return Encoding(word.lower())
    except ValueError:
        raise ReportFault(f"{key} is a report in {word}; only CSV and Parquet are read") from None


def _either(values: Mapping[str, Any], snake: str, camel: str) -> Any:
    return values.get(snake, values.get(camel))
