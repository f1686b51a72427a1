"""Duplicates and idle bytes, on the twin and on PostgreSQL, against plain loops over random objects."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from tests.support.filled_warehouse import (
    DAY,
    PlainBackend,
    PlainFacts,
    PlainObject,
    empty_postgres,
    fill_memory,
    fill_postgres,
)
from tests.support.postgres import FreshDatabase
from warpdrive.adapters.store.connecting import Role, connect, open_pool
from warpdrive.adapters.store.duplicate_facts import PostgresDuplicateFacts
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.memory.duplicate_facts import MemoryDuplicateFacts
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.ports.duplicate_facts import (
    CopyRow,
    DuplicateFacts,
    DuplicateQuestion,
    DuplicateSums,
    GroupMark,
    GroupRow,
    IdleRow,
    SurplusRow,
)

Filled = Callable[[PlainFacts], Awaitable[DuplicateFacts]]

LAKE = PlainBackend("lake", prefix="p/")
POOL = PlainBackend("pool")
MD5 = ("md5", bytes(range(16)))
OTHER = ("md5", bytes(16))
CRC = ("crc32c", b"\0\1\2\3")


@pytest.fixture(params=["memory", "postgres"])
async def filled(request: pytest.FixtureRequest, migrated_database: FreshDatabase) -> AsyncIterator[Filled]:
    """Return a function that fills a warehouse and asks it."""

    async def in_memory(facts: PlainFacts) -> DuplicateFacts:
        warehouse = Warehouse()
        fill_memory(warehouse, facts)
        return MemoryDuplicateFacts(warehouse)

    if request.param == "memory":
        yield in_memory
        return
    place = await migrated_database()
    owner = await connect(place, Role.OWNER, application_name="tests")
    async with open_pool(place, Role.APP, min_size=1, max_size=1, application_name="tests") as pool:

        async def in_postgres(facts: PlainFacts) -> DuplicateFacts:
            await empty_postgres(owner)
            await fill_postgres(owner, facts)
            return PostgresDuplicateFacts(Questions(pool))

        yield in_postgres
    await owner.close()


def facts_of(*objects: PlainObject) -> PlainFacts:
    """Put objects into two backends."""
    return PlainFacts(backends=[LAKE, POOL], objects=list(objects))


async def every_group(facts: DuplicateFacts, question: DuplicateQuestion, page: int) -> list[GroupRow]:
    """Ask page by page."""
    found: list[GroupRow] = []
    while True:
        rows = await facts.groups(question, after=found[-1].mark if found else None, limit=page, copies=20)
        found += rows
        if len(rows) < page:
            return found


async def test_objects_of_equal_size_and_checksum_are_a_group(filled: Filled) -> None:
    """Across backends, with keys below the prefix; another size, checksum or kind of it is another object."""
    facts = await filled(
        facts_of(
            PlainObject("pool", "b", 10, digest=MD5, storage_class="hot"),
            PlainObject("lake", "a", 10, digest=MD5),
            PlainObject("lake", "c", 11, digest=MD5),
            PlainObject("lake", "d", 10, digest=OTHER),
            PlainObject("lake", "e", 10, digest=CRC),
            PlainObject("lake", "gone", 10, digest=OTHER, deleted_at=datetime(2026, 1, 1, tzinfo=UTC)),
        )
    )
    group = GroupRow(GroupMark(10, 10, *MD5), 2, (CopyRow("lake", "a", ""), CopyRow("pool", "b", "hot")))
    assert await every_group(facts, DuplicateQuestion(), 9) == [group]
    assert await facts.sums(DuplicateQuestion()) == DuplicateSums(1, 10, 0)


async def test_what_has_no_checksum_is_counted_and_what_is_empty_is_not(filled: Filled) -> None:
    """Nobody knows about the one, and nothing is gained by the other."""
    objects = [PlainObject("lake", "x", 5), PlainObject("pool", "y", 50), PlainObject("lake", "z", 0)]
    empty = [PlainObject("lake", each, 0, digest=MD5) for each in "ab"]
    facts = await filled(facts_of(*objects, *empty))
    assert await facts.sums(DuplicateQuestion()) == DuplicateSums(0, 0, 2)
    assert await facts.sums(DuplicateQuestion(min_size=6)) == DuplicateSums(0, 0, 1)
    assert await facts.sums(DuplicateQuestion(backend="lake")) == DuplicateSums(0, 0, 1)
    assert await facts.surplus() == []
    assert await every_group(facts, DuplicateQuestion(), 9) == []


async def test_a_group_counts_whole_when_one_of_it_is_in_the_backend(filled: Filled) -> None:
    """The others are what makes it a duplicate."""
    objects = [PlainObject("pool", "b", 10, digest=MD5), PlainObject("lake", "a", 10, digest=MD5)]
    alone = [PlainObject("pool", each, 7, digest=CRC) for each in "xyz"]
    facts = await filled(facts_of(*objects, *alone))
    assert await facts.sums(DuplicateQuestion(backend="lake")) == DuplicateSums(1, 10, 0)
    assert await facts.sums(DuplicateQuestion(backend="pool", min_size=7)) == DuplicateSums(2, 24, 0)
    assert await facts.sums(DuplicateQuestion(min_size=8)) == DuplicateSums(1, 10, 0)
    (shown,) = await facts.groups(DuplicateQuestion(min_size=0), after=None, limit=1, copies=2)
    assert (shown.count, shown.copies) == (3, (CopyRow("pool", "x", ""), CopyRow("pool", "y", "")))


async def test_the_copy_that_was_used_last_is_not_surplus(filled: Filled) -> None:
    """Of copies used on one day the one that is known longest stays."""
    facts = await filled(
        facts_of(
            PlainObject("lake", "old", 10, digest=MD5, owners=("t1",)),
            PlainObject("lake", "read", 10, digest=MD5, owners=("t2",), last_access=DAY),
            PlainObject("pool", "new", 10, digest=MD5, owners=("t1", "t2"), storage_class="hot"),
            PlainObject("pool", "first", 3, digest=CRC),
            PlainObject("lake", "second", 3, digest=CRC),
        )
    )
    assert await facts.surplus() == [
        SurplusRow("lake", (), "", "crc32c", 1, 3),
        SurplusRow("lake", ("t1",), "", "md5", 1, 10),
        SurplusRow("pool", ("t1", "t2"), "hot", "md5", 1, 10),
    ]


async def test_idle_is_what_was_neither_read_nor_written_nor_found_since(filled: Filled) -> None:
    """Each of the three keeps an object from being idle; the day itself is not before the day."""
    before = datetime(2026, 3, 31, tzinfo=UTC)
    old = before - timedelta(seconds=1)
    late = PlainObject("lake", "idle", 1, modified_at=old, first_seen=old, last_access=DAY - timedelta(days=1))
    facts = await filled(
        facts_of(
            late,
            PlainObject("lake", "never", 2, storage_class="hot", owners=("t",)),
            replace(late, key="read", size=4, last_access=DAY),
            replace(late, key="written", size=8, modified_at=before),
            replace(late, key="found", size=16, first_seen=before),
        )
    )
    assert await facts.idle([DAY, date(2026, 1, 2)]) == [
        IdleRow(0, "lake", (), "", 1, 1),
        IdleRow(0, "lake", ("t",), "hot", 1, 2),
        IdleRow(1, "lake", ("t",), "hot", 1, 2),
    ]


def random_objects(random: Random, count: int) -> Sequence[PlainObject]:
    """Make objects of few sizes and checksums, so that many are alike."""
    return [
        PlainObject(
            random.choice(["lake", "pool"]),
            f"k{number}",
            random.choice([0, 1, 5, 9]),
            digest=random.choice([None, MD5, OTHER, CRC]),
            last_access=random.choice([None, DAY, DAY - timedelta(days=9)]),
            owners=random.choice([(), ("t1",), ("t1", "t2")]),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_random_objects_are_grouped_as_loops_do_it_whatever_the_page(filled: Filled, seed: int) -> None:
    """Pages of every size give every group once, most waste first; surplus adds up to the waste."""
    random = Random(seed)
    objects = random_objects(random, random.choice([0, 7, 40]))
    facts = await filled(facts_of(*objects))
    wanted: dict[tuple[int, tuple[str, bytes]], list[CopyRow]] = {}
    for each in sorted(objects, key=lambda one: one.backend):
        if each.size and each.digest:
            wanted.setdefault((each.size, each.digest), []).append(CopyRow(each.backend, each.key, ""))
    rows = [
        GroupRow(GroupMark(size * (len(copies) - 1), size, *digest), len(copies), tuple(copies))
        for (size, digest), copies in wanted.items()
        if len(copies) > 1
    ]
    rows.sort(key=lambda row: (-row.mark.wasted_bytes, -row.mark.size, row.mark.kind, row.mark.digest))
    for page in (1, 2, 5):
        found = await every_group(facts, DuplicateQuestion(), page)
        assert [row.mark for row in found] == [row.mark for row in rows]
        assert [row.count for row in found] == [row.count for row in rows]
        assert [row.copies for row in found] == [row.copies[:20] for row in rows]
    waste = sum(row.mark.wasted_bytes for row in rows)
    assert sum(row.bytes for row in await facts.surplus()) == waste
    assert (await facts.sums(DuplicateQuestion())).wasted_bytes == waste
