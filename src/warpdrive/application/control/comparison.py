"""The background check: random streams are replayed, and what comes out is compared with their live rows.

Differences are told and counted, and change nothing else: a rebuild mends rows, and whoever reads the log decides.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, NoReturn
from uuid import UUID

import anyio
from eventsourcing.domain import Aggregate, EventSourcingError

from warpdrive.application.ports.event_store import EventReader, EventStoreError, RecordedEvent
from warpdrive.application.ports.read_models import ReadModels, RowMissing
from warpdrive.application.projections.aggregate_rows import aggregate_rows
from warpdrive.application.projections.codec import EventCodec, UnknownTopic, UnreadableEvent, kind_of
from warpdrive.application.projections.expected import Difference, ExpectedRows, Row, differences, keyed
from warpdrive.application.projections.net_changes import RowKey
from warpdrive.application.projections.projecting import Projecting
from warpdrive.application.projections.tables import FAMILIES

log = logging.getLogger(__name__)

_EVERY_S: Final = 30.0
_PAGE: Final = 1000
"""Events in memory at once; a stream may have very many."""
_TRIES: Final = 5
"""Readings of rows that change meanwhile."""

_UNFIT: Final = (UnreadableEvent, EventSourcingError, AttributeError, KeyError, TypeError, ValueError)
"""What folding comes to where events were written by others, or changed: of another shape, or not the next one."""


class Comparison:
    """Compares streams with their rows, both by folding the aggregate and by projecting the events again."""

    def __init__(
        self, reader: EventReader, models: ReadModels, codec: EventCodec, *, below: Callable[[int], int]
    ) -> None:
        self._reader = reader
        self._models = models
        self._codec = codec
        self._below = below
        """Gives a random number from 0 to below its argument."""
        self.checked = 0
        """Streams compared."""
        self.differing = 0
        """Streams of these whose rows were not what their events make."""

    async def run(self, every: float = _EVERY_S) -> NoReturn:
        """Check a random stream every so many seconds until cancelled."""
        while True:
            await anyio.sleep(every)
            try:
                await self.check_one()
            except EventStoreError as fault:
                log.warning("no stream could be compared: %s", fault)

    async def check_one(self) -> Sequence[Difference]:
        """Check the stream of a random event; none when there is none. Raises StoreUnavailable."""
        position = await self._models.position()
        found = await self._reader.read(self._below(position), 1, to=position) if position else ()
        return await self.check(found[0].stream, found[0].topic) if found else ()

    async def check(self, stream: UUID, topic: str) -> Sequence[Difference]:
        """Check one stream, whose kind any of its topics tells. Raises StoreUnavailable."""
        kind = kind_of(topic)
        read = None if kind is None else await self._consistent(stream, kind)
        if read is None:
            return ()
        live, position = read
        found = await self._differences(stream, live, position)
        self.checked += 1
        if found:
            self.differing += 1
            for difference in found:
                log.error("a row is not what its events make: %s", difference)
        return found

    async def _consistent(self, stream: UUID, kind: str) -> tuple[Mapping[RowKey, Row], int] | None:
        """Read a stream's rows as of one position; None when they change faster than they are read."""
        first, *others = FAMILIES[kind]
        key = {"id": str(stream)}
        for _ in range(_TRIES):
            position = await self._models.position()
            before = await self._models.row(first.name, key)
            rows: list[tuple[str, Row]] = [] if before is None else [(first.name, before)]
            for table in others:
                where: dict[str, Any] = {table.key[0]: str(stream)}
                rows += [(table.name, row) for row in await self._models.rows(table.name, where=where, order=table.key)]
            if await self._models.row(first.name, key) == before:
                return keyed(rows), max(position, 0 if before is None else int(before["position"]))
        return None

    async def _differences(self, stream: UUID, live: Mapping[RowKey, Row], position: int) -> Sequence[Difference]:
        projecting = Projecting(self._codec)
        projected = ExpectedRows()
        aggregate: Aggregate | None = None
        readable = True
        async for recorded in self._events(stream, position):
            try:
                projected.apply(projecting.changes(recorded))
                aggregate = self._codec.fold([recorded], aggregate) if readable else None
            except UnknownTopic:
                readable = False  # newer software's: the aggregate is not ours to know, its rows still are
            except _UNFIT as fault:
                readable = False
                log.error("the event at position %d does not fit its stream: %r", recorded.position, fault)  # noqa: TRY400 - the fault says it all
            except RowMissing as fault:
                log.error("a stream cannot be compared, its events do not fit each other: %s", fault)  # noqa: TRY400 - as above
                return ()
        found = list(differences(projected.by_key(), live))
        if readable and aggregate is not None:
            known = {(each.table, each.key) for each in found}
            folded = differences(aggregate_rows(aggregate), live)
            found += [each for each in folded if (each.table, each.key) not in known]
        return found

    async def _events(self, stream: UUID, position: int) -> AsyncIterator[RecordedEvent]:
        version = 0
        while page := await self._reader.stream(
            stream, after_version=version, to_version=version + _PAGE, to_position=position
        ):
            for recorded in page:
                yield recorded
            version = page[-1].version
