"""Access records as Parquet: plain columns, zstd, texts as dictionaries inside the file, times in UTC.

Nothing of ours is needed to read it: no types beyond numbers, texts and timestamps, no schema beside the file's.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from warpdrive.application.ports.telemetry_archive import COLUMNS

ROW_GROUP: Final = 131_072
"""Rows: large enough for dictionaries and statistics to pay, small enough to hold (170 MiB measured, all in all)."""

_NUMBERS: Final = {
    "window_ms": "int32",
    "uid": "int64",
    "opens": "int32",
    "bytes_read": "int64",
    "hits": "int32",
    "misses": "int32",
    "latency_ms": "float32",
    "latency_max_ms": "float32",
}
"""Types of the columns that are neither the time nor texts."""


@cache
def _schema() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra, see the package

    def kind(column: str) -> Any:
        if column == "ts":
            return pa.timestamp("us", tz="UTC")
        return getattr(pa, _NUMBERS[column])() if column in _NUMBERS else pa.string()

    return pa.schema([pa.field(column, kind(column), nullable=False) for column in COLUMNS])


class ParquetRecordFiles:
    """See `RecordFiles`."""

    @property
    def suffix(self) -> str:
        """See the port."""
        return ".parquet"

    def begin(self) -> "ParquetRecordFile":
        """See the port."""
        return ParquetRecordFile()


class ParquetRecordFile:
    """See `RecordFile`: one whose finished bytes leave at once."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._writer: Any = None
        self._batches: list[Any] = []
        self._held = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> bytes:
        """See the port."""
        from pyarrow import RecordBatch, array  # noqa: PLC0415 - an extra, see the package

        columns = zip(*rows, strict=True)
        arrays = [array(values, field.type) for values, field in zip(columns, _schema(), strict=True)]
        self._batches.append(RecordBatch.from_arrays(arrays, schema=_schema()))
        self._held += len(rows)
        if self._held >= ROW_GROUP:
            self._write()
        return self._sink.take()

    def end(self) -> bytes:
        """See the port."""
        if self._held or self._writer is None:
            self._write()
        self._writer.close()
        return self._sink.take()

    def _write(self) -> None:
        from pyarrow import Table  # noqa: PLC0415 - an extra, see the package
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - as above

        if self._writer is None:
            # store_schema=False: the file's own schema says everything, the library's would be in its way elsewhere.
            self._writer = ParquetWriter(
                self._sink, _schema(), compression="zstd", store_schema=False, write_page_checksum=True
            )
        self._writer.write_table(Table.from_batches(self._batches, _schema()), row_group_size=ROW_GROUP)
        self._batches.clear()
        self._held = 0


class _Sink:
    """What the library takes for a file: keeps what is written until it is taken."""

    closed = False

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._position = 0

    def write(self, content: Any) -> int:
        piece = bytes(content)
        self._kept.append(piece)
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing is in between."""

    def close(self) -> None:
        """The bytes stay to be taken."""

    def take(self) -> bytes:
        taken = b"".join(self._kept)
        self._kept.clear()
        return taken
