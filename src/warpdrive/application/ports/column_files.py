"""Files of columns (Parquet) in a backend, read in bounded memory. Owned by control's inventory reports."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo


class ColumnFileFault(Exception):
    """Raised when a file is not of the format, or damaged; the words say what is wrong."""


class ColumnFile(Protocol):
    """One open file, of one version."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of its columns."""

    @property
    def row_count(self) -> int:
        """How many rows its footer counts."""

    def rows(self, columns: Sequence[str]) -> AsyncIterator[Sequence[Sequence[Any]]]:
        """Yield rows by the thousands, values in the order of `columns`; times are datetimes, nothing is None.

        Raises ColumnFileFault, any BackendError.
        """


class ColumnFiles(Protocol):
    """Opens them."""

    def open(self, reader: ObjectReader, info: ObjectInfo) -> AbstractAsyncContextManager[ColumnFile]:
        """Open an object that `stat` or a listing described. Raises ColumnFileFault, any BackendError."""
