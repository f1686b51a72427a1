"""Leases as nodes and operators meet them."""

from uuid import UUID, uuid4

import anyio
import pytest

from tests.support.quota_story import QuotaStory
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import Malformed, NotFound, PermissionDenied
from warpdrive.application.ports.event_store import Append, CommandFacts, CommandIdReused, NewEvent, StoreUnavailable
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.errors import QuotaRefused
from warpdrive.domain.quota.leasing import USUAL_POLICY
from warpdrive.domain.quota.values import LeasePolicy
from warpdrive.domain.token.values import Role

NODE = Principal("token:n", Role.AGENT, namespaces=("training",), node="node-1")


async def test_a_lease_counts_against_every_quota_of_its_owner() -> None:
    """That of the backend and that of all; the narrower one refuses, and says what it knows."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 100, 100)
    await story.limit("vision", 50, 80, backend="*")
    story.crawl(("vision", 30))
    await story.observer.observe()
    first = await story.acquire("v/a", 20)
    assert (first.teams, first.bytes, first.warned, first.state) == (("vision",), 20, False, "open")
    assert (await story.acquire("v/b", 1)).warned
    with pytest.raises(QuotaRefused) as refusal:
        await story.acquire("v/", 30)
    told = refusal.value
    assert (told.team, told.backend, told.wanted, told.usage, told.open, told.limit) == ("vision", "*", 30, 30, 21, 80)


async def test_what_is_nobodys_or_nobody_limits_is_granted() -> None:
    """Without a team to count it against, but never more at once than the usual policy."""
    story = QuotaStory()
    await story.begin(vision=["v/"], audio=["a/"])
    await story.limit("vision", 1, 1)
    for key in ("x", "a/x"):
        lease = await story.acquire(key, 0)
        assert (lease.teams, lease.bytes, lease.warned) == ((), USUAL_POLICY.bytes, False)


async def test_owners_of_the_same_prefix_share_a_lease() -> None:
    """Each one's quota takes its part, so one with little room makes the lease small for both."""
    story = QuotaStory()
    await story.begin(audio=["v/"], vision=["v/"])
    await story.limit("audio", 100, 100)
    await story.limit("vision", 10, 10)
    assert (await story.acquire("v/a", 12)).teams == ("audio", "vision")
    with pytest.raises(QuotaRefused, match="team vision"):
        await story.acquire("v/a", 9)
    assert (await story.acquire("v/a", 8)).bytes == 8


async def test_the_home_of_the_bytes_decides_whose_quota_is_asked() -> None:
    """A key of the lake that the pool shows is the pool's, as it is when crawls count it."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 5, 5, backend="lake")
    await story.limit("vision", 9, 9, backend="pool")
    assert (await story.acquire("pool/v/a", 9)).backend == "pool"
    with pytest.raises(QuotaRefused, match="'pool'"):
        await story.acquire("v/b", 1, backend="pool")
    assert (await story.acquire("v/a", 5)).backend == "lake"


async def test_a_policy_says_how_much_and_how_long() -> None:
    """An operator's word counts from the next lease on."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 1000, 1000)
    view = await story.on.plane.leases.set_policy(story.on.call(), "vision", "lake", LeasePolicy(100, 30))
    assert view.value.backend == "lake"
    lease = await story.acquire("v/a", 0)
    assert (lease.bytes, (lease.expires_at - lease.granted_at).total_seconds()) == (100, 30)
    with pytest.raises(NotFound):
        await story.on.plane.leases.set_policy(story.on.call(), "vision", "pool", LeasePolicy(100, 30))


async def test_a_grace_that_ended_makes_the_soft_limit_the_one_that_refuses() -> None:
    """By time alone: nobody has to observe that."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 100, grace=60)
    story.crawl(("vision", 20))
    await story.observer.observe()
    assert (await story.acquire("v/a", 5)).warned
    story.on.clock.advance(60)
    assert (await story.quota("vision")).standing == "grace_ended"
    with pytest.raises(QuotaRefused) as refusal:
        await story.acquire("v/a", 5)
    assert refusal.value.limit == 10


async def test_a_refusal_is_an_event_once_a_minute_for_each_node() -> None:
    """However often it asks, and whichever control plane it asks."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 1, 1)
    other = story.on.beside(story.on)

    async def refused(node: str) -> None:
        for plane in (story.on.plane, other.plane):
            with pytest.raises(QuotaRefused):
                await plane.leases.acquire(story.on.call(), node, backend="lake", key="v/", wanted=2)

    for node in ("node-1", "node-2", "node-1"):
        await refused(node)
    assert await story.told() == ["Defined", "LeaseRefused", "LeaseRefused"]
    story.on.clock.advance(60)
    await refused("node-1")
    assert (await story.told()).count("LeaseRefused") == 3


async def test_a_refusal_that_was_told_costs_the_event_store_nothing() -> None:
    """It need not even be there: a node that asks in a loop hurts nobody."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 1, 1)
    with pytest.raises(QuotaRefused):
        await story.acquire("v/", 2)
    story.on.store.fault = StoreUnavailable("away")
    with pytest.raises(QuotaRefused):
        await story.acquire("v/", 2)
    with pytest.raises(StoreUnavailable):
        await story.acquire("v/", 2, node="node-2")


async def test_a_quota_that_newer_software_wrote_refuses_all_the_same() -> None:
    """In the middle of an upgrade: only the record of the refusal is missing."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 1, 1)
    stream = Quota.id_of(UUID(story.teams["vision"]), "lake")
    newer = NewEvent(stream, 2, "warpdrive.quota:Praised.v1", b"{}")
    await MemoryEventStore.append(
        story.on.store, Append(CommandFacts(UUID(int=99), bytes(32), "token:x"), stream, 2, [newer])
    )
    with pytest.raises(QuotaRefused):
        await story.acquire("v/", 2)


async def test_a_refusal_records_who_and_how_much() -> None:
    """So that an auditor sees what did not happen."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 5, 5)
    await story.acquire("v/", 3)
    call = story.on.call(NODE)
    with pytest.raises(QuotaRefused):
        await story.on.plane.leases.acquire(call, "node-1", backend="lake", key="v/", wanted=4)
    event = (await story.on.events())[-1]
    assert (event.actor, event.correlation_id) == ("token:n", "test")
    for part in (b'"node":"node-1"', b'"wanted":4', b'"usage":3', b'"limit":5'):
        assert part in event.state


async def test_a_lease_is_settled_by_its_node_and_once() -> None:
    """What is not used is free again at once; more than was promised counts as well."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 100, 100)
    leases, call = story.on.plane.leases, story.on.call
    lease = await story.acquire("v/a", 100)
    number = UUID(lease.id)
    with pytest.raises(NotFound):
        await leases.settle(call(), "node-2", number, used=5)
    with pytest.raises(Malformed):
        await leases.settle(call(), "node-1", number, used=-1)
    settled = (await leases.settle(call(), "node-1", number, used=30)).value
    assert (settled.state, settled.settled_bytes, settled.teams) == ("settled", 30, ("vision",))
    assert (await leases.settle(call(), "node-1", number, used=99)).value == settled
    over = await story.acquire("v/a", 70)
    story.on.clock.advance(USUAL_POLICY.seconds)
    assert (await leases.settle(call(), "node-1", UUID(over.id), used=75)).value.settled_bytes == 75
    with pytest.raises(QuotaRefused) as refusal:
        await story.acquire("v/a", 1)
    assert (refusal.value.usage, refusal.value.open) == (105, 0)
    with pytest.raises(NotFound):
        await leases.settle(call(), "node-1", uuid4(), used=1)


async def test_open_leases_are_listed_with_their_sum() -> None:
    """Of a team, of a backend, or all; those that ended are not."""
    story = QuotaStory()
    await story.begin(vision=["v/"], audio=["a/"])
    await story.limit("vision", 100, 100)
    await story.limit("audio", 100, 100, backend="*")
    await story.acquire("v/a", 10)
    await story.acquire("a/a", 20)
    await story.acquire("a/a", 40, backend="pool")

    async def shown(team: str = "", backend: str = "") -> tuple[int, int]:
        found = (await story.on.plane.leases.open(story.on.call(), team=team, backend=backend)).value
        assert found.bytes == sum(lease.bytes for lease in found.leases)
        return len(found.leases), found.bytes

    assert await shown() == (3, 70)
    assert await shown(team="audio") == (2, 60)
    assert await shown(team="audio", backend="pool") == (1, 40)
    assert await shown(backend="lake") == (2, 30)
    with pytest.raises(NotFound):
        await shown(team="nobody")
    story.on.clock.advance(USUAL_POLICY.seconds)
    assert await shown() == (0, 0)


async def test_a_repeated_call_has_its_first_lease() -> None:
    """A lost answer costs nothing; another request under the same id is refused."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 10, 10)
    command = uuid4()

    async def again(request: str) -> str:
        call = story.on.call(command=command, request=request)
        done = await story.on.plane.leases.acquire(call, "node-1", backend="lake", key="v/", wanted=10)
        return done.value.id

    assert await again("a") == await again("a")
    with pytest.raises(CommandIdReused):
        await again("b")


async def test_a_node_asks_for_backends_of_its_namespaces() -> None:
    """Others' quotas are none of its business; an unknown backend is none at all."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    leases = story.on.plane.leases
    assert (await leases.acquire(story.on.call(NODE), "node-1", backend="lake", key="v/", wanted=1)).value.bytes == 1
    stranger = Principal("token:o", Role.AGENT, namespaces=("other",), node="node-1")
    with pytest.raises(PermissionDenied, match="lake"):
        await leases.acquire(story.on.call(stranger), "node-1", backend="lake", key="v/", wanted=1)
    with pytest.raises(NotFound, match="backend"):
        await story.acquire("v/", 1, backend="sea")
    with pytest.raises(Malformed):
        await story.acquire("v/", -1)


async def test_new_rules_and_teams_that_end_count_from_the_next_lease_on() -> None:
    """Nothing has to be restarted."""
    story = QuotaStory()
    await story.begin(vision=["v/"], audio=["v/a/"])
    await story.limit("vision", 1, 1)
    assert (await story.acquire("v/a/x", 5)).teams == ()
    await story.on.plane.teams.disband(story.on.call(), "audio")
    with pytest.raises(QuotaRefused):
        await story.acquire("v/a/x", 5)


async def test_all_who_ask_at_once_get_no_more_than_there_is() -> None:
    """And those who are refused can ask again when the others gave back what they did not need."""
    story = QuotaStory()
    await story.begin(vision=["v/"])
    await story.limit("vision", 100, 100)
    got: list[str] = []

    async def ask(node: str) -> None:
        try:
            got.append((await story.acquire("v/", 30, node=node)).id)
        except QuotaRefused:
            return

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(ask, f"node-{number}")
    assert len(got) == 3
