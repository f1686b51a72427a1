"""The archive: every complete day of access records as files in a backend, before it is dropped here.

A day is archived when it is two days old. What comes later still goes into a further file of the day. The day is noted
only after the files were read back and count what was sent, so that whoever drops records on the strength of that note
drops nothing that is not kept.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NoReturn

import anyio
import anyio.to_thread

from warpdrive.application.control.archive_place import ArchivePlace, ArchiveTaken
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.column_files import ColumnFileFault, ColumnFiles
from warpdrive.application.ports.errors import BackendError, ObjectNotFound
from warpdrive.application.ports.event_store import EventStoreError
from warpdrive.application.ports.object_writer import Absent
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.application.ports.telemetry_archive import (
    ArchivedDay,
    ArchiveSource,
    ArchiveUnclear,
    Archivist,
    DayReading,
    RecordFile,
    RecordFiles,
)

log = logging.getLogger(__name__)

COMPLETE_DAYS: Final = 2
"""A day is archived when it ended so many days ago, less one: nodes that were cut off had a day to say the rest."""
PART_ROWS: Final = 8_000_000
"""Records in one file at most: what a fault in the middle costs, and some 300 MB."""

_EVERY_S: Final = 600.0


class ArchiveDamaged(Exception):
    """Raised when a file that was just written does not hold what was sent; nothing is noted then."""


class Archiving:
    """Archives whenever no other process does. `opening` opens the place for one round."""

    def __init__(
        self,
        source: ArchiveSource,
        opening: Callable[[], AbstractAsyncContextManager[ArchivePlace]],
        files: RecordFiles,
        readback: ColumnFiles,
        clock: Clock,
        *,
        part_rows: int = PART_ROWS,
    ) -> None:
        self._source = source
        self._opening = opening
        self._files = files
        self._readback = readback
        self._clock = clock
        self._part_rows = part_rows

    async def run(self) -> NoReturn:
        """Archive every ten minutes until cancelled; a day that failed is tried again the next time."""
        while True:
            try:
                await self.once()
            except (EventStoreError, BackendError, ColumnFileFault, ArchiveDamaged) as fault:
                log.warning("telemetry is not archived for now: %s", fault)
            except ArchiveTaken as fault:
                log.error("telemetry is not archived: %s", fault)  # noqa: TRY400 - the fault says it all
            await anyio.sleep(_EVERY_S)

    async def once(self) -> int:
        """Archive what is complete; returns how many days were noted. One without records needs no file.

        Raises EventStoreError, BackendError, ColumnFileFault, ArchiveDamaged; days before the fault are archived.
        Raises ArchiveTaken, with nothing changed, when the place is another database's.
        """
        now = datetime.fromtimestamp(self._clock.wall(), UTC)
        done = 0
        async with self._source.sole() as archivist:
            if archivist is None:
                return 0
            due = await archivist.days(before=now.date() - timedelta(days=COMPLETE_DAYS - 1))
            if not due:
                return 0
            async with self._opening() as place:
                await place.claim(await archivist.owner(), now)
                for day, archived in due:
                    try:
                        done += await self._archive(archivist, place, day, archived)
                    except ArchiveUnclear as fault:
                        # Somebody has to look; other days need not wait for that.
                        log.error("a day is not archived: %s", fault)  # noqa: TRY400 - the fault says it all
        return done

    async def _archive(self, archivist: Archivist, place: ArchivePlace, day: date, archived: ArchivedDay | None) -> int:
        folder = place.folder(day)
        if archived is not None and (archived.backend, archived.key) != (place.backend, folder):
            # The settings changed: what is elsewhere stays there, and the day is written anew as a whole.
            archived = None
        async with archivist.reading(day, archived) as reading:
            if not reading.records and archived is not None and not reading.whole:
                return 0
            first = 0 if archived is None else archived.parts
            written = await self._write(place, folder, first, reading)
        await self._clear(place, folder, first + len(written))
        before = (0, 0) if archived is None or reading.whole else (archived.records, archived.bytes)
        if archived is not None and reading.whole:
            # What the archive had did not fit the records: the new files stand for all of it.
            log.warning("the archive of %s did not fit its records and was written anew", day)
            for part in range(archived.parts):
                await self._remove(place, folder, part)
        now = ArchivedDay(
            day=day,
            backend=place.backend,
            key=folder,
            parts=first + len(written),
            records=before[0] + reading.records,
            bytes=before[1] + sum(info.size for info in written),
        )
        await archivist.note(now, reading, datetime.fromtimestamp(self._clock.wall(), UTC))
        if written:
            log.info("telemetry of %s was archived: %d records in %d files", day, reading.records, len(written))
        return 1

    async def _write(self, place: ArchivePlace, folder: str, first: int, reading: DayReading) -> list[ObjectInfo]:
        """Write the files, read their counts back."""
        written: list[ObjectInfo] = []
        counted = 0
        async with aclosing(_Batches(reading.rows())) as batches:
            while await batches.more():
                key = self._key(folder, first + len(written))
                part = _Part(self._files.begin(), batches, self._part_rows)
                info = await place.writer.write(key, part.body(), precondition=await _current(place, key))
                async with self._readback.open(place.reader, await place.reader.stat(key)) as file:
                    found = file.row_count
                if found != part.records:
                    raise ArchiveDamaged(f"{key} holds {found} records where {part.records} were written")
                counted += found
                written.append(info)
        if counted != reading.records:
            raise ArchiveDamaged(f"{folder} holds {counted} records where {reading.records} were counted")
        return written

    async def _clear(self, place: ArchivePlace, folder: str, part: int) -> None:
        """Remove the parts behind the last: they are from when the archive was here before, and would count twice."""
        while not isinstance(await _current(place, self._key(folder, part)), Absent):
            log.warning("%s is of an archive that was here before, and is removed", self._key(folder, part))
            await self._remove(place, folder, part)
            part += 1

    async def _remove(self, place: ArchivePlace, folder: str, part: int) -> None:
        try:
            await place.writer.delete(self._key(folder, part))
        except ObjectNotFound:
            log.info("%s was gone already", self._key(folder, part))

    def _key(self, folder: str, part: int) -> ObjectKey:
        return ObjectKey(f"{folder}part-{part:04d}{self._files.suffix}")


async def _current(place: ArchivePlace, key: ObjectKey) -> ObjectVersion | Absent:
    """Return what must be there for the write to go on: what is there now.

    Nothing, or what a round left that was interrupted before it was noted. An archivist that lost its lock and does
    not know it yet looked before, so it cannot write over what comes now.
    """
    try:
        return (await place.reader.stat(key)).version
    except ObjectNotFound:
        return Absent()


class _Batches:
    """Batches of records with a look ahead, so that no file is begun for nothing."""

    def __init__(self, rows: AsyncIterator[Sequence[tuple[Any, ...]]]) -> None:
        self._rows = rows
        self._ahead: Sequence[tuple[Any, ...]] | None = None

    async def more(self) -> bool:
        if self._ahead is None:
            self._ahead = await anext(self._rows, None)
        return self._ahead is not None

    def take(self) -> Sequence[tuple[Any, ...]]:
        batch, self._ahead = self._ahead, None
        assert batch is not None, "`more` said that there is one"
        return batch

    async def aclose(self) -> None:
        close = getattr(self._rows, "aclose", None)
        if close is not None:
            await close()


class _Part:
    """One file, made while it is sent."""

    def __init__(self, file: RecordFile, batches: _Batches, most: int) -> None:
        self._file = file
        self._batches = batches
        self._most = most
        self.records = 0

    async def body(self) -> AsyncGenerator[bytes, None]:
        # Packing takes tens of milliseconds a batch.
        while self.records < self._most and await self._batches.more():
            batch = self._batches.take()
            self.records += len(batch)
            finished = await anyio.to_thread.run_sync(self._file.add, batch)
            if finished:
                yield finished
        yield await anyio.to_thread.run_sync(self._file.end)
