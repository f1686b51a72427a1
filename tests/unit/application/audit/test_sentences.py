"""Every kind of event has a sentence, and no sentence can be forged by what somebody typed."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from eventsourcing.domain import Aggregate

from tests.golden.lives import LIVES
from tests.support.audit_story import live
from tests.support.memory_plane import MemoryPlane
from warpdrive.application.audit.portraits import portrait_of
from warpdrive.application.audit.sentences import SENTENCES, sentence_of
from warpdrive.application.audit.trail import Trail, TrailFilter
from warpdrive.application.projections.codec import AGGREGATES, EventCodec
from warpdrive.domain.team.aggregate import Team


def kinds_of(aggregate: type[Aggregate]) -> Iterator[type[Aggregate.Event]]:
    """Give every class of event that a stream of this kind can hold."""
    base = aggregate.__dict__["Event"]
    for kind in aggregate.__dict__.values():
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base:
            yield kind


def test_every_kind_of_event_has_a_sentence_and_there_is_none_without_an_event() -> None:
    """A new event without words would be missing from the auditor's log."""
    kinds = {kind for aggregate in AGGREGATES.values() for kind in kinds_of(aggregate)}
    assert kinds == set(SENTENCES)
    assert len(kinds) > 30


@pytest.mark.parametrize("room", sorted(LIVES))
def test_each_event_of_a_life_is_told_in_words_of_its_own(room: str) -> None:
    """Sentences carry what happened, so no two events of a life read alike, and none shows Python's insides."""
    events = [event for event in LIVES[room]().pending_events if isinstance(event, Aggregate.Event)]
    sentences = [sentence_of(event, "the subject") for event in events]
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert sentence.isprintable()
        assert not set("{}[]<>") & set(sentence)


@pytest.mark.parametrize("room", sorted(LIVES))
async def test_a_life_is_told_line_by_line(room: str) -> None:
    """Each line has its moment, position, actor and correlation, in the order of the events."""
    on = MemoryPlane()
    await live(on.store, room, uuid4())
    entries = [entry async for entry in Trail(on.store, EventCodec()).entries(TrailFilter())]
    assert [entry.version for entry in entries] == list(range(1, len(entries) + 1))
    for entry in entries:
        assert entry.readable
        assert entry.line.startswith(
            f"2023-11-14 22:13:20Z  position {entry.position}  token:auditee (correlation corr-7) {entry.sentence}"
        )


@pytest.mark.parametrize("room", sorted(LIVES))
def test_every_kind_of_aggregate_has_a_portrait(room: str) -> None:
    """What a life ends as can be shown as plain facts."""
    assert portrait_of(LIVES[room]()).kind == room


def test_what_people_typed_stays_on_its_line_and_in_its_quotes() -> None:
    """A member's name that is escape codes and line ends is written out, not obeyed."""
    team = Team.create(uuid4(), "vision", at=LIVES["team"]().created_on)
    team.trigger_event(Team.MemberAdded, timestamp=team.created_on, principal="eve\n\x1b[2Jforged")
    event = team.pending_events[-1]
    assert isinstance(event, Team.MemberAdded)
    assert sentence_of(event, "team vision") == 'added "eve\\n\\x1b[2Jforged" to team vision'
