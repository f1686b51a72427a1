"""A report as its manifest describes it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from warpdrive.application.ports.objects import ObjectKey


class Provider(Enum):
    """Who wrote the report; the words are those of the settings."""

    S3 = "s3"
    AZURE = "azureblob"
    GCS = "gcs"


class Encoding(Enum):
    """How the data files are written."""

    CSV = "csv"
    PARQUET = "parquet"


class ReportFault(Exception):
    """Raised when a report cannot be believed or read; the words say why, for an operator."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One data file. `size` None and `md5` "" where the manifest does not say."""

    key: ObjectKey
    size: int | None = None
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A complete report. `place`: the bucket that it says it is about, "" where rows say it."""

    provider: Provider
    encoding: Encoding
    manifest: ObjectKey
    taken_at: datetime
    """When its making began: what was written later may be missing."""
    files: tuple[ReportFile, ...]
    columns: tuple[str, ...] = ()
    """Names of a CSV file's columns in order; empty: the first line of each file says them."""
    delimiter: str = ","
    place: str = ""
    records: int | None = None
    """How many rows there are, where the manifest says it."""
    only: tuple[str, ...] = ()
    """What listed keys begin with, where the manifest says that the report was bounded; empty: it was not."""
