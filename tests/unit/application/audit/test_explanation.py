"""Which events led to a state, a fact or a decision; and what changed between two places."""

import pytest

from tests.golden.lives import TENANT
from tests.support.audit_story import HOUR, TIB
from tests.unit.application.audit.conftest import Past
from warpdrive.application.audit.decisions import ExplainedDecision, explain_decision
from warpdrive.application.audit.difference import AggregateDifference, differences
from warpdrive.application.audit.errors import Backwards, NoSuchFact
from warpdrive.application.audit.explanation import explain
from warpdrive.application.audit.points import Place
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.tenant_access.values import AccessRequest, Allowed, DenialReason, Denied


async def test_a_fact_is_explained_by_every_event_that_changed_it(past: Past) -> None:
    """The path /train came with one event and went with another; nothing of it is left."""
    head = await past.on.store.head()
    answer = await explain(past.on.store, past.codec, past.story.training, fact="/train", position=head)
    assert [cause.entry.position for cause in answer.causes] == [past.story.mounted, past.story.unmounted]
    assert answer.facts == ()


async def test_only_what_had_happened_by_then_explains(past: Past) -> None:
    """As of the position before it was unmounted, the path is there and has one cause."""
    answer = await explain(
        past.on.store, past.codec, past.story.training, fact="/train", position=past.story.unmounted - 1
    )
    assert [cause.entry.position for cause in answer.causes] == [past.story.mounted]
    assert (("entries", "/train", "options", "bucket"), "imagenet") in [
        (each.path, each.value) for each in answer.facts
    ]


async def test_a_state_is_explained_fact_by_fact(past: Past) -> None:
    """Each present fact names the event that last changed it, and events that no longer show are left out."""
    quota = Quota.id_of(past.story.vision, "s3")
    head = await past.on.store.head()
    answer = await explain(past.on.store, past.codec, quota, position=head)
    makers = {each.path[0]: each.entry.position for each in answer.facts}
    assert makers["soft"] == past.story.second_limits
    assert makers["backend"] == past.story.first_limits
    assert {cause.entry.position for cause in answer.causes} == {past.story.first_limits, past.story.second_limits}


async def test_a_state_that_changes_for_ever_is_explained_in_bounded_memory(past: Past) -> None:
    """Of a hundred changes to one fact only the last shows, and what went and came back shows its return."""
    for _ in range(50):
        await past.on.plane.namespaces.seal(past.on.call(), "training")
        await past.on.plane.namespaces.unseal(past.on.call(), "training")
    head = await past.on.store.head()
    answer = await explain(past.on.store, past.codec, past.story.training_again, position=head)
    makers = {each.path[0]: each.entry.position for each in answer.facts}
    assert makers["sealed"] == head
    assert [cause.entry.position for cause in answer.causes] == sorted({*makers.values()})
    whole = await explain(past.on.store, past.codec, past.story.training_again, fact="sealed", position=head)
    assert len(whole.causes) == 101


async def test_what_no_event_touched_is_refused_with_what_they_did_touch(past: Past) -> None:
    """A misspelt fact gets the list of the stream's own."""
    with pytest.raises(NoSuchFact, match="entries"):
        await explain(past.on.store, past.codec, past.story.training, fact="/tarin", position=past.story.mounted)


async def decided(past: Past, position: int, backend: str = "partner") -> ExplainedDecision:
    """Decide as of a position."""
    request = AccessRequest("alice", backend, "/x", "gpu-1")
    return await explain_decision(past.on.store, past.codec, TENANT, request, Place(position, past.on.now()))


async def test_a_decision_is_made_again_as_of_then_with_the_events_behind_it(past: Past) -> None:
    """Before the grant denied, under it allowed, after its revocation denied, under the next one allowed again."""
    before = await decided(past, past.story.granted - 2)
    assert before.decision == Denied((DenialReason.NO_GRANT,), 0)
    assert before.made_by == ()
    under = await decided(past, past.story.granted)
    assert isinstance(under.decision, Allowed)
    assert [entry.position for entry in under.made_by] == [past.story.granted]
    after = await decided(past, past.story.revoked)
    assert isinstance(after.decision, Denied)
    assert after.decision.reasons == (DenialReason.REVOKED,)
    assert [entry.position for entry in after.made_by] == [past.story.granted, past.story.revoked]
    again = await decided(past, await past.on.store.head())
    assert isinstance(again.decision, Allowed)
    assert [entry.topic for entry in again.made_by] == ["warpdrive.tenant_access:Granted.v1"]
    assert again.made_by[0].position > past.story.revoked


async def test_a_decision_is_the_one_that_the_plane_gives(past: Past) -> None:
    """Audit and plane decide by the same code on the same events."""
    for backend in ("partner", "weights", "others"):
        request = AccessRequest("alice", backend, "/x", "gpu-1")
        live = await past.on.plane.tenants.check(past.on.call(), TENANT, request)
        assert (await decided(past, live.position, backend)).decision == live.value


async def changed(past: Past, first: int, second: int) -> dict[str, AggregateDifference]:
    """Compare, by what aggregates are called."""
    found = [each async for each in differences(past.on.store, past.codec, first, second)]
    return {each.about: each for each in found}


async def test_a_difference_is_told_by_aggregate_and_field(past: Past) -> None:
    """Between the first limits and the second the team was renamed and its limits raised; nothing else."""
    found = await changed(past, past.story.first_limits, past.story.second_limits)
    quota = "the quota of team sight for backend s3"
    assert set(found) == {"team sight", quota}
    assert [change.words for change in found["team sight"].changes] == ["~ name: 'vision' -> 'sight'"]
    limits = {change.path[0]: (change.before, change.after) for change in found[quota].changes}
    assert limits == {"soft": (500 * TIB, 700 * TIB), "hard": (600 * TIB, 800 * TIB)}


async def test_what_came_into_being_or_changed_back_is_told(past: Past) -> None:
    """A new aggregate comes from version 0; one that ended as it began has changes of its end only."""
    found = await changed(past, 0, past.story.unmounted)
    assert found["namespace training"].before == 0
    assert found["namespace training"].events == 5
    await past.on.plane.namespaces.seal(past.on.call(), "training")
    here = await past.on.store.head()
    past.on.clock.advance(HOUR)
    await past.on.plane.namespaces.unseal(past.on.call(), "training")
    await past.on.plane.namespaces.seal(past.on.call(), "training")
    unchanged = await changed(past, here, await past.on.store.head())
    assert [(each.changes, each.events) for each in unchanged.values()] == [((), 2)]


async def test_places_are_given_in_order(past: Past) -> None:
    """A difference backwards would read as its own opposite."""
    with pytest.raises(Backwards):
        await changed(past, 5, 4)
