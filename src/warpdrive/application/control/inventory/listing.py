"""A report as what a crawl lists: its data files are the parts."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from warpdrive.application.control.inventory.report import Report, ReportFault
from warpdrive.application.control.inventory.source import InventorySource
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.ports.listing_source import ListedPage, ListedPart, ListingFailed, NothingNew
from warpdrive.application.ports.objects import ObjectInfo


async def open_listing(
    source: InventorySource, roots: tuple[str, ...], known_as_of: datetime | None
) -> "InventoryListing":
    """Find the newest report. `known_as_of`: as of when the index is, None when it never was.

    Raises NothingNew when no report is newer than that, ListingFailed when there is none that can be believed.
    """
    try:
        report = await source.newest()
    except ReportFault as fault:
        raise ListingFailed(f"the newest inventory report cannot be used: {fault}") from fault
    except BackendError as fault:
        raise ListingFailed(f"looking for inventory reports failed ({fault.kind}): {fault.detail}") from fault
    if report is None:
        raise ListingFailed("no complete inventory report is there yet; the provider writes one a day or week")
    listing = InventoryListing(source, report, roots)
    if known_as_of is not None and report.taken_at <= known_as_of:
        raise NothingNew(
            f"the newest report is the {listing.kind}, and the index is as of {_written(known_as_of)}",
            kind=listing.kind,
            as_of=known_as_of,
        )
    return listing


class InventoryListing:
    """`ListingSource` over one report."""

    def __init__(self, source: InventorySource, report: Report, roots: tuple[str, ...]) -> None:
        self._source = source
        self._report = report
        self._roots = roots

    @property
    def kind(self) -> str:
        """Say which report it is: parts of one are no parts of another."""
        return f"inventory of {_written(self._report.taken_at)}"

    @property
    def roots(self) -> tuple[str, ...]:
        """See the port."""
        return self._roots

    @property
    def as_of(self) -> datetime:
        """Return when the making of the report began."""
        return self._report.taken_at

    @asynccontextmanager
    async def pages(self, parts: Sequence[ListedPart]) -> AsyncIterator[AsyncIterator[ListedPage]]:
        """See the port."""
        async with aclosing(self._pages(parts)) as pages:
            yield pages

    async def _pages(self, parts: Sequence[ListedPart]) -> AsyncGenerator[ListedPage, None]:
        try:
            async with aclosing(self._read(parts)) as pages:
                async for page in pages:
                    yield page
        except ReportFault as fault:
            raise ListingFailed(f"the {self.kind} cannot be used: {fault}") from fault
        except BackendError as fault:
            raise ListingFailed(f"reading the {self.kind} failed ({fault.kind}): {fault.detail}") from fault

    async def _read(self, parts: Sequence[ListedPart]) -> AsyncGenerator[ListedPage, None]:
        report = self._report
        if not parts and report.files:
            first, *others = (file.key for file in report.files)
            yield ListedPage(first, "", [], "", done=False, found=tuple(others))
        done = {part.name for part in parts if part.done}
        rows = 0
        for file in report.files:
            if file.key in done:
                continue
            async with aclosing(self._source.file_pages(report, file)) as pages:
                async for count, objects in pages:
                    rows += count
                    yield ListedPage(file.key, "", self._below(objects), "", done=False)
            yield ListedPage(file.key, "", [], "", done=True)
        if not done and report.records not in {None, rows}:
            raise ReportFault(f"its manifest counts {report.records} rows, its files have {rows}")

    def _below(self, objects: Sequence[ObjectInfo]) -> Sequence[ObjectInfo]:
        """Leave out what no backend shows; an object named like a prefix itself has no name below it."""
        return [each for each in objects if each.key.startswith(self._roots) and each.key not in self._roots]


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
