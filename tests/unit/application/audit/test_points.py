"""Places in the record: positions, moments, gaps, ends."""

from datetime import timedelta

import pytest

from tests.support.appends import an_append
from tests.unit.application.audit.conftest import Past
from warpdrive.application.audit.errors import BeforeRecord, BeyondHead
from warpdrive.application.audit.points import place_of
from warpdrive.application.ports.event_store import ConcurrentWrite


async def test_a_place_is_a_position_and_the_moment_that_rules_are_judged_by(past: Past) -> None:
    """A position has its event's moment, a moment the last position that is not later, no place the end and now."""
    events = await past.on.events()
    sixth = events[5]
    now = past.on.now() + timedelta(days=1)
    at_position = await place_of(past.on.store, sixth.position, now=now)
    assert (at_position.position, at_position.moment) == (sixth.position, sixth.recorded_at)
    later = sixth.recorded_at + timedelta(minutes=1)
    at_time = await place_of(past.on.store, later, now=now)
    assert (await past.on.store.position_at(later), later) == (at_time.position, at_time.moment)
    end = await place_of(past.on.store, None, now=now)
    assert (end.position, end.moment) == (events[-1].position, now)


async def test_a_gap_is_judged_by_the_event_before_it(past: Past) -> None:
    """Positions that a lost race burned belong to nobody; what was so there is what was so before."""
    before = (await past.on.events())[-1]
    with pytest.raises(ConcurrentWrite):
        await past.on.store.append(an_append(3, stream=before.stream))
    await past.on.plane.namespaces.seal(past.on.call(), "training")
    after = (await past.on.events())[-1]
    assert after.position > before.position + 1
    place = await place_of(past.on.store, after.position - 1, now=past.on.now())
    assert place.moment == before.recorded_at


async def test_what_lies_outside_the_record_is_refused(past: Past) -> None:
    """Neither the future nor the time before the first event has a state to show."""
    events = await past.on.events()
    with pytest.raises(BeyondHead):
        await place_of(past.on.store, events[-1].position + 1, now=past.on.now())
    with pytest.raises(BeforeRecord):
        await place_of(past.on.store, events[0].recorded_at - timedelta.resolution, now=past.on.now())
