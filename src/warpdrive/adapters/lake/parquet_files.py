"""`ColumnFiles` by pyarrow: a file's footer, then its row groups, each column through a small buffer."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import anyio.to_thread

from warpdrive.adapters.lake.extra import lake_installed
from warpdrive.adapters.lake.ranged_file import RangedFile
from warpdrive.application.ports.column_files import ColumnFileFault
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo

Answer = TypeVar("Answer")

BUFFER: Final = 1024 * 1024
"""Bytes of each column that are read at once."""
BATCH: Final = 8192
"""Rows that are yielded at once."""


class ParquetFiles:
    """See the port."""

    @asynccontextmanager
    async def open(self, reader: ObjectReader, info: ObjectInfo) -> "AsyncIterator[ParquetFile]":
        """See the port."""
        if not lake_installed():
            raise ColumnFileFault("reading Parquet needs the lake extra: pip install 'warpdrive[lake]'")
        with RangedFile(reader, info) as file:
            yield ParquetFile(await _in_thread(_opened, file))


class ParquetFile:
    """See `ColumnFile`."""

    def __init__(self, file: Any) -> None:
        self._file = file

    @property
    def columns(self) -> Sequence[str]:
        """See the port."""
        names: list[str] = self._file.schema_arrow.names
        return names

    @property
    def row_count(self) -> int:
        """See the port."""
        return int(self._file.metadata.num_rows)

    async def rows(self, columns: Sequence[str]) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """See the port."""
        batches = await _in_thread(self._batches, columns)
        while (rows := await _in_thread(_next_rows, batches, columns)) is not None:
            yield rows

    def _batches(self, columns: Sequence[str]) -> Any:
        return self._file.iter_batches(batch_size=BATCH, columns=list(columns), use_threads=False)


def _opened(file: RangedFile) -> Any:
    from pyarrow import parquet  # noqa: PLC0415 - an extra, see the package

    # Buffered, not read ahead: else a row group's columns would all be in memory before the first row.
    return parquet.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER, page_checksum_verification=True)


def _next_rows(batches: Any, columns: Sequence[str]) -> Sequence[Sequence[Any]] | None:
    batch = next(batches, None)
    if batch is None:
        return None
    return list(zip(*(batch.column(column).to_pylist() for column in columns), strict=True))


async def _in_thread(function: Callable[..., Answer], *arguments: Any) -> Answer:
    """Run what may read or take long in a thread. Raises ColumnFileFault for what the library says."""
    from pyarrow import ArrowException  # noqa: PLC0415 - an extra, see the package

    try:
        return await anyio.to_thread.run_sync(function, *arguments)
    except (ArrowException, OSError, ValueError, LookupError, ArithmeticError) as error:
        # Damage in the middle is an OSError; texts that are none, two columns of one name, times beyond all calendars.
        raise ColumnFileFault(f"it cannot be read as Parquet: {error}") from error
