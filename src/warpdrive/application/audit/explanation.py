"""Why something is so: the events that made a fact, and for each present fact the event that last changed it.

An event made a fact if the state before it and the state after it differ there: no list of which event touches what
is kept anywhere, so none can be wrong.
"""

from dataclasses import dataclass
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.errors import NoSuchFact
from warpdrive.application.audit.facts import FactChange, Path, Plain, about, changes_between, facts_of, path_words
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
    aggregate: Aggregate | None = None
    before: dict[Path, Plain] = {}
    causes: list[Cause] = []
    makers: dict[Path, TrailEntry] = {}
    touched: set[str] = set()
    async for recorded in events_of(reader, stream, to=position):
        aggregate = folded(codec, recorded, aggregate)
        after = facts_of(state_of(aggregate))
        changes = changes_between(before, after)
        touched |= {change.path[0] for change in changes}
        wanted = tuple(change for change in changes if fact is None or about(change.path, fact))
        if wanted:
            entry = await trail.entry(recorded, subjects)
            makers.update((change.path, entry) for change in wanted)
            causes.append(Cause(entry, wanted))
        before = after
    if fact is not None and not causes:
        raise NoSuchFact(fact, sorted(touched))
    facts = tuple(PresentFact(path, value, makers[path]) for path, value in sorted(before.items()) if path in makers)
    if fact is None:
        showing = {each.entry.position for each in facts}
        causes = [cause for cause in causes if cause.entry.position in showing]
    return Explanation(facts, tuple(causes))


def fact_words(fact: PresentFact) -> str:
    """Name a fact on one line."""
    return path_words(fact.path)
