"""An inventory as something that can be read: the newest report of a backend, page by page."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from warpdrive.application.control.inventory.blocks import pieces
from warpdrive.application.control.inventory.csv_text import csv_rows
from warpdrive.application.control.inventory.finding import newest_report
from warpdrive.application.control.inventory.objects import Reading, Row, reading, wanted_columns
from warpdrive.application.control.inventory.report import Encoding, Provider, Report, ReportFault, ReportFile
from warpdrive.application.ports.column_files import ColumnFileFault, ColumnFiles
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey

FORMATS: Final = tuple(each.value for each in Provider)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Where the reports about a bucket are: below `prefix`, in the backend that `reader` reads.

    `place` is the bucket or container that they are about; what its keys with these `prefixes` are must be in them.
    """

    provider: Provider
    reader: ObjectReader
    prefix: ObjectKey
    place: str
    prefixes: tuple[str, ...] = ("",)


class InventorySource:
    """Reads reports of one inventory."""

    def __init__(self, inventory: Inventory, column_files: ColumnFiles) -> None:
        self._inventory = inventory
        self._column_files = column_files

    async def newest(self) -> Report | None:
        """Return the newest complete report, None when there is none. Raises ReportFault, any BackendError."""
        inventory = self._inventory
        report = await newest_report(inventory.reader, inventory.provider, inventory.prefix)
        if report is None:
            return None
        if report.place not in {"", inventory.place}:
            raise ReportFault(f"{report.manifest} is about {report.place!r}, not {inventory.place!r}")
        for prefix in inventory.prefixes if report.only else ():
            if not f"{inventory.place}/{prefix}".startswith(report.only):
                raise ReportFault(f"{report.manifest} lists only {', '.join(report.only)}, not all of {prefix!r}")
        return report

    async def file_pages(
        self, report: Report, file: ReportFile
    ) -> AsyncGenerator[tuple[int, Sequence[ObjectInfo]], None]:
        """Yield (rows read, objects among them) of one data file. Raises ReportFault, any BackendError."""
        read = self._csv_pages if report.encoding is Encoding.CSV else self._column_pages
        async with aclosing(read(report, file)) as pages:
            async for page in pages:
                yield page

    async def _csv_pages(
        self, report: Report, file: ReportFile
    ) -> AsyncGenerator[tuple[int, Sequence[ObjectInfo]], None]:
        columns = report.columns
        objects = None if not columns else self._reading(report, columns)
        async with (
            aclosing(pieces(self._inventory.reader, file)) as content,
            aclosing(csv_rows(content, report.delimiter)) as batches,
        ):
            async for batch in batches:
                rows: Sequence[Row] = batch
                if objects is None:
                    objects = self._reading(report, batch[0])
                    rows = batch[1:]
                yield len(rows), objects(rows)

    async def _column_pages(
        self, report: Report, file: ReportFile
    ) -> AsyncGenerator[tuple[int, Sequence[ObjectInfo]], None]:
        reader = self._inventory.reader
        info = await reader.stat(file.key)
        if file.size is not None and info.size != file.size:
            raise ReportFault(f"{file.key} has {info.size} bytes, its manifest says {file.size}")
        try:
            async with self._column_files.open(reader, info) as opened:
                wanted = wanted_columns(report.provider, opened.columns)
                objects = self._reading(report, wanted)
                async for rows in opened.rows(wanted):
                    yield len(rows), objects(rows)
        except ColumnFileFault as fault:
            raise ReportFault(f"{file.key}: {fault}") from fault

    def _reading(self, report: Report, columns: Sequence[str]) -> Reading:
        return reading(report.provider, report.encoding, columns, self._inventory.place)
