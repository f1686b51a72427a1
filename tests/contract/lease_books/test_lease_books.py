"""What lease books promise: never more than is decided, each wish once, and nothing written counted twice."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import anyio
import pytest

from tests.contract.lease_books.conftest import Kept
from tests.support.filled_warehouse import PlainBackend, PlainCrawl, PlainFacts, PlainObject
from warpdrive.application.ports.event_store import CommandIdReused
from warpdrive.application.ports.lease_books import Grant, Lease, LeaseWish, QuotaName
from warpdrive.domain.quota.leasing import Holding
from warpdrive.domain.quota.values import LARGEST

AT = datetime(2025, 12, 1, tzinfo=UTC)
"""Before all crawls of plain facts by the clock: what they count must not depend on that."""
MINE = QuotaName("q-mine", "t1", "lake")
ALL = QuotaName("q-all", "t1", "*")
SHARED = QuotaName("q-shared", "t2", "lake")
LIMIT = 1000


def facts(*sizes: int, generation: int = 1, state: str = "completed") -> PlainFacts:
    """A lake with objects of t1, and its newest crawl."""
    found = PlainFacts(
        [PlainBackend("lake")], [PlainObject("lake", str(i), size, owners=("t1",)) for i, size in enumerate(sizes)]
    )
    found.crawls += [PlainCrawl("lake", each) for each in range(1, generation)]
    found.crawls.append(PlainCrawl("lake", generation, state))
    return found


def wish(*, owners: tuple[str, ...] = ("t1",), number: UUID | None = None, at: datetime = AT) -> LeaseWish:
    """A wish of node-1."""
    return LeaseWish(number or uuid4(), b"h" * 32, "node-1", "lake", "local|root=/lake", owners, at)


def giving(size: int, *quotas: QuotaName, seconds: int = 60) -> Callable[[Mapping[str, Holding]], Grant]:
    """Decide on so many bytes for each of the quotas, whatever counts."""
    return lambda _: Grant(size, seconds, warned=False, shares={quota.id: size for quota in quotas})


async def grant(kept: Kept, size: int, *, seconds: int = 60, at: datetime = AT) -> Lease:
    """Have a lease of t1's."""
    return await kept.leases.grant(wish(at=at), [MINE, ALL], giving(size, MINE, ALL, seconds=seconds))


async def held(kept: Kept, quota: QuotaName = MINE, at: datetime = AT) -> Holding:
    """Ask what counts against one."""
    return (await kept.usage.holdings([quota], at))[quota.id]


async def test_nothing_is_known_before_a_crawl_has_completed(kept: Kept) -> None:
    """Neither of a backend nor of all; settled bytes count all the same."""
    await kept.fill(facts(5, state="running"))
    await kept.usage.recount()
    lease = await grant(kept, 100)
    await kept.leases.settle(lease.id, "node-1", 70, AT)
    for quota in (MINE, ALL):
        assert await held(kept, quota) == Holding(None, 70, 0)


async def test_open_leases_count_until_they_are_settled_or_expire(kept: Kept) -> None:
    """What is settled counts with what was written, late as well."""
    await kept.fill(facts(5))
    await kept.usage.recount()
    first = await grant(kept, 100)
    second = await grant(kept, 30, seconds=600)
    assert [lease.id for lease in await kept.leases.open(AT)] == [first.id, second.id]
    assert await held(kept) == await held(kept, ALL) == Holding(5, 0, 130)
    later = AT + timedelta(seconds=60)
    assert [lease.id for lease in await kept.leases.open(later)] == [second.id]
    assert await held(kept, at=later) == Holding(5, 0, 30)
    settled = await kept.leases.settle(first.id, "node-1", 120, later)
    assert settled == replace(first, settled_bytes=120, settled_at=later)
    assert await held(kept) == Holding(5, 120, 30)


async def test_a_lease_is_settled_once(kept: Kept) -> None:
    """A repetition has the first answer, whatever it says; another node has none."""
    await kept.fill(facts(5))
    lease = await grant(kept, 100)
    assert await kept.leases.settle(lease.id, "node-2", 1, AT) is None
    first = await kept.leases.settle(lease.id, "node-1", 40, AT)
    assert await kept.leases.settle(lease.id, "node-1", 90, AT + timedelta(seconds=1)) == first
    assert await kept.leases.settle(lease.id, "node-2", 40, AT) is None
    assert await kept.leases.settle(uuid4(), "node-1", 40, AT) is None
    assert (await held(kept)).settled == 40


async def test_a_wish_repeated_has_its_first_lease(kept: Kept) -> None:
    """And counts once; under the same id another wish is refused."""
    await kept.fill(facts())
    asked = wish()
    first = await kept.leases.grant(asked, [MINE], giving(10, MINE))
    assert await kept.leases.grant(asked, [MINE], giving(99, MINE)) == first
    assert (await held(kept)).open == 10
    with pytest.raises(CommandIdReused):
        await kept.leases.grant(replace(asked, request_hash=b"x" * 32), [MINE], giving(10, MINE))


async def test_what_nobody_limits_is_granted_and_counts_nowhere(kept: Kept) -> None:
    """It is open and can be settled."""
    await kept.fill(facts())
    lease = await kept.leases.grant(wish(owners=()), [], giving(10))
    assert (lease.teams, await kept.leases.open(AT)) == ((), [lease])
    assert (await kept.leases.settle(lease.id, "node-1", 3, AT)) is not None
    assert await kept.leases.open(AT) == []


async def test_what_owners_wrote_together_is_split(kept: Kept) -> None:
    """By what was written, not by what was promised; who is not limited has a share too."""
    await kept.fill(facts())
    shares = lambda _: Grant(10, 60, warned=False, shares={MINE.id: 5, SHARED.id: 5})  # noqa: E731 - one line says it
    lease = await kept.leases.grant(wish(owners=("t1", "t2", "t3")), [MINE, SHARED], shares)
    assert lease.teams == ("t1", "t2")
    await kept.leases.settle(lease.id, "node-1", 8, AT)
    assert ((await held(kept, MINE)).settled, (await held(kept, SHARED)).settled) == (3, 3)


async def test_what_is_written_counts_until_a_crawl_that_began_later_has_counted(kept: Kept) -> None:
    """Neither while that crawl runs, when it may have seen some of it, nor after an aborted one, nor twice."""
    await kept.fill(facts(5))
    await kept.usage.recount()
    before = await grant(kept, 100)
    await kept.leases.settle(before.id, "node-1", 50, AT)
    await kept.fill(facts(5, 50, generation=2, state="running"))
    await kept.usage.recount()
    assert await held(kept) == Holding(5, 50, 0)
    during = await grant(kept, 100)
    await kept.leases.settle(during.id, "node-1", 7, AT)
    await kept.fill(facts(5, 50, generation=2, state="failed"))
    await kept.usage.recount()
    assert await held(kept) == Holding(5, 57, 0)
    await kept.fill(facts(5, 50, generation=2))
    assert await held(kept) == Holding(5, 57, 0), "the count and what it contains change at once"
    await kept.usage.recount()
    assert await held(kept) == await held(kept, ALL) == Holding(55, 7, 0)
    await kept.usage.prune(AT + timedelta(hours=1))
    assert await held(kept) == Holding(55, 7, 0)
    await kept.fill(facts(5, 50, 7, generation=3))
    await kept.usage.recount()
    assert await held(kept) == Holding(62, 0, 0)


async def test_a_report_counts_what_was_written_before_it_was_made(kept: Kept) -> None:
    """However much later it is read: what was settled since still counts, to the minute."""
    await kept.fill(facts(5))
    await kept.usage.recount()
    for minutes, used in ((-2, 10), (0, 20), (3, 40)):
        lease = await grant(kept, 100)
        await kept.leases.settle(lease.id, "node-1", used, AT + timedelta(minutes=minutes))
    found = facts(5, 10, generation=2)
    found.crawls[-1] = replace(found.crawls[-1], started_at=AT)
    await kept.fill(found)
    await kept.usage.recount()
    assert await held(kept) == Holding(15, 60, 0)
    await kept.usage.prune(AT)
    assert await held(kept) == Holding(15, 60, 0)
    await kept.fill(facts(5, 70, generation=3))
    await kept.usage.recount()
    assert await held(kept) == Holding(75, 0, 0)


async def test_a_new_owner_is_counted_and_a_former_one_is_not(kept: Kept) -> None:
    """Another attribution needs no other crawl."""
    found = facts(5, 6)
    await kept.fill(found)
    await kept.usage.recount()
    assert (await held(kept)).usage == 11
    found.objects[:] = [replace(found.objects[0], owners=("t1", "t2")), replace(found.objects[1], owners=("t2",))]
    await kept.fill(found)
    await kept.usage.recount()
    assert ((await held(kept)).usage, (await held(kept, SHARED)).usage) == (3, 8)


async def test_the_mark_tells_what_has_changed(kept: Kept) -> None:
    """A crawl's begin and end, and a settlement; a grant is none of its business."""
    await kept.fill(facts(5))
    marks = [await kept.usage.mark()]
    lease = await grant(kept, 100)
    assert await kept.usage.mark() == marks[-1]
    await kept.leases.settle(lease.id, "node-1", 50, AT)
    marks.append(await kept.usage.mark())
    for state in ("running", "completed"):
        await kept.fill(facts(5, generation=2, state=state))
        marks.append(await kept.usage.mark())
    assert len(set(marks)) == len(marks) == 4


async def test_old_leases_are_forgotten(kept: Kept) -> None:
    """Those that ended before the moment, one way or the other; what was written still counts."""
    await kept.fill(facts(5))
    settled, expired, fresh = [await grant(kept, 10, seconds=seconds) for seconds in (60, 60, 6000)]
    await kept.leases.settle(settled.id, "node-1", 10, AT)
    await kept.usage.prune(AT + timedelta(seconds=61))
    assert [lease.id for lease in await kept.leases.open(AT)] == [fresh.id]
    assert await kept.leases.settle(settled.id, "node-1", 10, AT) is None
    assert await kept.leases.settle(expired.id, "node-1", 10, AT) is None
    assert (await held(kept)).settled == 10


async def test_nobody_is_promised_more_than_the_limit_however_many_ask_at_once(kept: Kept) -> None:
    """Each decision sees what the one before it promised; books that two wishes share in any order hang nobody."""
    await kept.fill(facts(100))
    await kept.usage.recount()

    def decide(found: Mapping[str, Holding]) -> Grant:
        if max(holding.total for holding in found.values()) + 150 > LIMIT:
            raise OverflowError
        return Grant(150, 60, warned=False, shares=dict.fromkeys(found, 150))

    refused = 0

    async def ask(number: int) -> None:
        nonlocal refused
        quotas = [MINE, ALL] if number % 2 else [ALL, MINE]
        try:
            await kept.leases.grant(wish(), quotas, decide)
        except OverflowError:
            refused += 1

    async with anyio.create_task_group() as tasks:
        for number in range(16):
            tasks.start_soon(ask, number)
    assert (await held(kept), refused) == (Holding(100, 0, 900), 10)


async def test_a_node_that_claims_too_much_breaks_nothing(kept: Kept) -> None:
    """More than 64 bits of bytes are as many as they hold."""
    await kept.fill(facts())
    for _ in range(3):
        lease = await grant(kept, 10)
        await kept.leases.settle(lease.id, "node-1", LARGEST, AT)
    assert await held(kept) == await held(kept, ALL) == Holding(None, LARGEST, 0)


async def test_one_observes_at_a_time(kept: Kept) -> None:
    """Another is told so, and may once the first has ended."""
    async with kept.usage.observing() as first, kept.usage.observing() as second:
        assert (first, second) == (True, False)
    async with kept.usage.observing() as again:
        assert again
