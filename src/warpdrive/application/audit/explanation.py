"""Why something is so: the events that made a fact, and for each present fact the event that last changed it.

An event made a fact if the state before it and the state after it differ there: no list of which event touches what
is kept anywhere, so none can be wrong.
"""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.errors import NoSuchFact
from warpdrive.application.audit.facts import FactChange, Path, Plain, about, changes_between, facts_of
from warpdrive.application.audit.folding import events_of, folded
from warpdrive.application.audit.portraits import state_of
from warpdrive.application.audit.subjects import Subjects
from warpdrive.application.audit.trail import Trail, TrailEntry
from warpdrive.application.ports.event_store import EventReader
from warpdrive.application.projections.codec import EventCodec


@dataclass(frozen=True, slots=True)
class Cause:
    """An event and the facts that it changed."""

    entry: TrailEntry
    changes: tuple[FactChange, ...]


@dataclass(frozen=True, slots=True)
class PresentFact:
    """A fact as it is, and the event that last changed it."""

    path: Path
    value: Plain
    entry: TrailEntry


@dataclass(frozen=True, slots=True)
class Explanation:
    """`facts`: what is so at the position; `causes`: the events that made it, oldest first."""

    facts: tuple[PresentFact, ...]
    causes: tuple[Cause, ...]


async def explain(
    reader: EventReader, codec: EventCodec, stream: UUID, *, fact: str | None = None, position: int
) -> Explanation:
    """Explain a stream's state at a position, or one fact of it (see `facts.about`).

    Of a whole state, the causes are the events that still show. Raises NoSuchFact when no event ever touched the
    fact, Unfoldable, StoreUnavailable.
    """
    trail, subjects = Trail(reader, codec), Subjects(reader, codec, to=position)
    made = _Made(keep_all=fact is not None)
    aggregate: Aggregate | None = None
    before: dict[Path, Plain] = {}
    touched: set[str] = set()
    async for recorded in events_of(reader, stream, to=position):
        aggregate = folded(codec, recorded, aggregate)
        after = facts_of(state_of(aggregate))
        changes = changes_between(before, after)
        touched |= {change.path[0] for change in changes}
        wanted = tuple(change for change in changes if fact is None or about(change.path, fact))
        if wanted:
            made.add(Cause(await trail.entry(recorded, subjects), wanted))
        before = after
    if fact is not None and not made.causes:
        raise NoSuchFact(fact, sorted(touched))
    facts = (PresentFact(path, value, made.by[path]) for path, value in sorted(before.items()) if path in made.by)
    return Explanation(tuple(facts), tuple(made.causes.values()))


class _Made:
    """Which event made which fact. Unless all are kept, causes that no longer show go: a stream may have millions."""

    def __init__(self, *, keep_all: bool) -> None:
        self.by: dict[Path, TrailEntry] = {}
        self.causes: dict[int, Cause] = {}
        self._keep_all = keep_all
        # Facts that each cause still shows in, by its position.
        self._showing: Counter[int] = Counter()

    def add(self, cause: Cause) -> None:
        """Take the next cause."""
        position = cause.entry.position
        self.causes[position] = cause
        self._showing[position] = 0
        for change in cause.changes:
            if change.remains:
                self._showing[position] += 1
            earlier = self.by.pop(change.path, None)
            if change.remains:
                self.by[change.path] = cause.entry
            if earlier is not None:
                self._showing[earlier.position] -= 1
                self._forget(earlier.position)
        self._forget(position)

    def _forget(self, position: int) -> None:
        if self._showing[position] == 0:
            del self._showing[position]
            if not self._keep_all:
                del self.causes[position]
