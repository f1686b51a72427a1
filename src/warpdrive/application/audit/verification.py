"""Can the record be believed? One pass over the events, then what was made of them is compared with them.

Looked at: the hash chain, versions, moments, whether every event can be read; and, when the pass begins at the first
event, whether the register of names, the read models and the snapshots are what the events make them. What no pass
over the record can see, such as a record that was written anew from some event on with hashes that fit, is seen by
comparing its head with one that was noted down elsewhere (`expected`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from warpdrive.application.audit.chain_walk import ChainWalk
from warpdrive.application.audit.findings import Check, Finding, Head, Report
from warpdrive.application.audit.folding import all_events
from warpdrive.application.audit.name_uses import NameUses
from warpdrive.application.audit.points import last_event
from warpdrive.application.audit.snapshot_check import SnapshotCheck
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.ports.name_register import NameRegister
from warpdrive.application.ports.read_models import ReadModels, RowMissing
from warpdrive.application.ports.snapshot_pages import SnapshotPages
from warpdrive.application.projections.chain import BEGINNING
from warpdrive.application.projections.changes import row_changes
from warpdrive.application.projections.codec import EventCodec, UnknownTopic, UnreadableEvent
from warpdrive.application.projections.expected import ExpectedRows, Row, differences
from warpdrive.application.projections.net_changes import RowKey
from warpdrive.application.projections.tables import TABLES, Table

MOST_FINDINGS: Final = 1000
"""Listed; further ones are counted. A record that is wrong from its first event on is wrong once."""

_BEFORE_ALL: Final = -(2**63)
"""Before every position that a record can hold; those that are given begin at 1."""

_PAGE: Final = 1000
_STEP: Final = 1000

Progress = Callable[[int, int], None]
"""Told now and then: the position reached, and the head."""


@dataclass(slots=True)
class _Listed:
    findings: list[Finding] = field(default_factory=list)
    dropped: int = 0

    def add(self, found: Iterable[Finding]) -> None:
        for finding in found:
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)
            else:
                self.dropped += 1


class Verifier:
    """Verifies one record. All ports must show one moment (or a record that nobody writes to).

    Memory grows with the streams and rows, not with the events.
    """

    def __init__(
        self,
        reader: EventReader,
        codec: EventCodec,
        models: ReadModels,
        register: NameRegister,
        snapshots: SnapshotPages,
    ) -> None:
        self._reader = reader
        self._codec = codec
        self._models = models
        self._register = register
        self._snapshots = SnapshotCheck(reader, codec, snapshots)
        self._listed = _Listed()
        self._uses = NameUses()
        self._rows = ExpectedRows()
        self._unknown = 0

    async def verify(self, *, after: int = 0, expected: Head | None = None, progress: Progress | None = None) -> Report:
        """Look at every event after a position. Call it once. Raises StoreUnavailable."""
        head = await self._reader.head()
        # A pass that begins late cannot make the rows: what they came from is before it.
        rows_to = 0 if after else await self._models.position()
        before = await last_event(self._reader, after) if after else None
        walk, last, count = ChainWalk(before), before, 0
        async for recorded in all_events(self._reader, after=after, to=head):
            await self._begin_stream(walk, recorded, after)
            self._listed.add(walk.feed(recorded))
            self._read(recorded, rows_to)
            last, count = recorded, count + 1
            if progress is not None and count % _STEP == 0:
                progress(recorded.position, head)
        self._listed.add(walk.finish())
        if expected is not None:
            await self._check_head(expected)
        names = rows = 0
        if after == 0:
            await self._check_beginning()
            names = await self._check_names()
            rows = await self._check_rows(head, rows_to)
            self._listed.add([finding async for finding in self._snapshots.findings()])
        end = Head(0, BEGINNING) if last is None else Head(last.position, last.hash)
        return Report(
            findings=tuple(self._listed.findings),
            dropped=self._listed.dropped,
            first=after,
            head=end,
            events=count,
            streams=walk.streams,
            unknown=self._unknown,
            whole=after == 0,
            names=names,
            rows=rows,
            snapshots=self._snapshots.count,
        )

    async def _begin_stream(self, walk: ChainWalk, recorded: RecordedEvent, after: int) -> None:
        """Where the pass begins late, look up which version a stream had before it."""
        if not after or recorded.version == 1 or walk.knows(recorded.stream):
            return
        earlier = await self._reader.stream(
            recorded.stream,
            after_version=recorded.version - 2,
            to_version=recorded.version - 1,
            to_position=after,
        )
        walk.begin_at(recorded.stream, earlier[-1].version if earlier else 0)

    def _read(self, recorded: RecordedEvent, rows_to: int) -> None:
        try:
            event = self._codec.decode(recorded)
            self._uses.feed(recorded, event)
            if recorded.position <= rows_to:
                self._rows.apply(row_changes(event, recorded))
        except UnknownTopic:
            self._unknown += 1
        except (UnreadableEvent, AttributeError, KeyError, TypeError, ValueError) as fault:
            # A record that was tampered with can hold anything that JSON can.
            self._listed.add([Finding(Check.EVENTS, recorded.position, f"cannot be read: {fault}")])
        except RowMissing as fault:
            self._listed.add([Finding(Check.EVENTS, recorded.position, f"has nothing to apply to: {fault}")])

    async def _check_head(self, expected: Head) -> None:
        found = await self._reader.read(expected.position - 1, 1, to=expected.position)
        if not found:
            words = "there is no event there any more: the record was cut short or written anew"
        elif found[0].hash != expected.hash:
            words = f"the event there has the hash {found[0].hash.hex()} now: the record was written anew"
        else:
            return
        self._listed.add([Finding(Check.HEAD, expected.position, words)])

    async def _check_beginning(self) -> None:
        found = await self._reader.read(_BEFORE_ALL, MOST_FINDINGS, to=0)
        words = "lies before the first position that is ever given: the walk passes over it, its stream holds it"
        self._listed.add(Finding(Check.EVENTS, each.position, words) for each in found)

    async def _check_names(self) -> int:
        registered = await self._register.names()
        self._listed.add(self._uses.compare(registered))
        return len(registered)

    async def _check_rows(self, head: int, rows_to: int) -> int:
        if rows_to > head:
            words = f"they stand at position {rows_to}, beyond the last event at {head}"
            self._listed.add([Finding(Check.ROWS, None, words)])
        live = await self._live_rows()
        found = differences(self._rows.by_key(), live)
        self._listed.add(Finding(Check.ROWS, None, f"as of position {rows_to}, {each}") for each in found)
        return len(live)

    async def _live_rows(self) -> dict[RowKey, Row]:
        live: dict[RowKey, Row] = {}
        for table in TABLES.values():
            after: list[object] | None = None
            while True:
                page = await self._models.rows(table.name, order=table.key, after=after, limit=_PAGE)
                live.update({_key(table, row): row for row in page})
                if len(page) < _PAGE:
                    break
                after = [page[-1][column] for column in table.key]
        return live


def _key(table: Table, row: Row) -> RowKey:
    return table.name, tuple(row[column] for column in table.key)
