"""Snapshots are shortcuts that the control plane takes: each must be what the events up to its version make.

Events alone decide, but a plane that loads a snapshot believes it, so one that lies would make every later decision
about its stream wrong.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from eventsourcing.domain import Aggregate
from eventsourcing.persistence import MapperDeserialisationError
from eventsourcing.utils import TopicError

from warpdrive.application.audit.errors import Unfoldable
from warpdrive.application.audit.findings import Check, Finding
from warpdrive.application.audit.folding import PAGE, folded
from warpdrive.application.ports.event_store import EventReader, StoredSnapshot
from warpdrive.application.ports.snapshot_pages import SnapshotPages
from warpdrive.application.projections.codec import EventCodec

_UNREADABLE: Final = (
    TopicError,
    MapperDeserialisationError,
    AssertionError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


class SnapshotCheck:
    """Compares every snapshot. `count`: how many were looked at."""

    def __init__(self, reader: EventReader, codec: EventCodec, pages: SnapshotPages) -> None:
        self._reader = reader
        self._codec = codec
        self._pages = pages
        self._folded: Aggregate | None = None
        self.count = 0

    async def findings(self) -> AsyncIterator[Finding]:
        """Give what is wrong with each. Raises StoreUnavailable."""
        after = None
        while True:
            page = await self._pages.snapshots(after, PAGE)
            for snapshot in page:
                self.count += 1
                why = await self._why_wrong(snapshot)
                if why is not None:
                    where = f"that of stream {snapshot.stream} at version {snapshot.version}"
                    yield Finding(Check.SNAPSHOTS, None, f"{where} {why}")
            if len(page) < PAGE:
                return
            after = (page[-1].stream, page[-1].version)

    async def _why_wrong(self, snapshot: StoredSnapshot) -> str | None:
        try:
            kept = self._codec.restore(snapshot)
        except _UNREADABLE as fault:
            return f"cannot be read ({type(fault).__name__}: {fault})"
        try:
            made = await self._fold_to(snapshot)
        except Unfoldable as fault:
            return f"cannot be compared: {fault}"
        if made is None or int(made.version) != snapshot.version:
            return "stands for events that are not there"
        if type(kept) is not type(made):
            return f"is of another kind than its events ({type(kept).__name__}, not {type(made).__name__})"
        expected, found = _state(made), _state(kept)
        differing = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
        return f"is not what its events make: {', '.join(differing)} differs" if differing else None

    async def _fold_to(self, snapshot: StoredSnapshot) -> Aggregate | None:
        """Fold a stream to a version; later snapshots of the same stream go on from there."""
        aggregate = self._folded
        if aggregate is None or aggregate.id != snapshot.stream:
            aggregate = None
        version = 0 if aggregate is None else int(aggregate.version)
        while version < snapshot.version:
            upto = min(version + PAGE, snapshot.version)
            page = await self._reader.stream(snapshot.stream, after_version=version, to_version=upto)
            for event in page:
                aggregate = folded(self._codec, event, aggregate)
            version = upto
        self._folded = aggregate
        return aggregate


def _state(aggregate: Aggregate) -> dict[str, Any]:
    return {key: value for key, value in vars(aggregate).items() if key != "_pending_events"}
