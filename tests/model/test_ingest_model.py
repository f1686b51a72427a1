"""Random batches, repeated, reordered, late and in any groups, against plain sums; PostgreSQL against the same."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4

import anyio
import anyio.to_thread
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.contract.batch_intake.conftest import Counted, Intake, memory_intake, postgres_intake
from tests.support.access_batches import DAY, DAY_MS, Row, batch_of
from tests.support.postgres import FreshDatabase
from warpdrive.application.ports.batch_intake import LIST, STAT, AccessBatch

ROWS = st.builds(
    Row,
    at=st.integers((DAY - 40) * DAY_MS, (DAY + 1) * DAY_MS - 1),
    user=st.sampled_from(["ada", "bob", ""]),
    key=st.sampled_from(["a", "b", "\u4e2d"]),
    backend=st.sampled_from(["lake", "pond"]),
    op=st.integers(0, 4),
    opens=st.integers(0, 3),
    bytes_read=st.integers(0, 2**40),
    hits=st.integers(0, 9),
    misses=st.integers(0, 9),
    job=st.sampled_from(["", "7"]),
    error=st.sampled_from(["", "", "EIO"]),
    version=st.sampled_from(["v1", "", "a longer one"]),
    mount=st.sampled_from(["/mnt/", "", "!/elsewhere"]),
)
COMING = st.lists(st.tuples(st.lists(ROWS, max_size=6), st.integers(1, 3)), max_size=6)
"""Batches, each with how often it comes."""


def _sums(batches: Sequence[Sequence[Row]]) -> Counted:
    """Count with dictionaries and a loop."""
    rollups: Counter[tuple[object, ...]] = Counter()
    activity: Counter[tuple[object, ...]] = Counter()
    last: dict[tuple[bool, str, str], date] = {}
    for row in (row for rows in batches for row in rows):
        day = date(1970, 1, 1) + timedelta(days=row.at // DAY_MS)
        place = f"unknown|name={row.backend}"
        counts = {"opens": row.opens, "bytes": row.bytes_read, "hits": row.hits, "misses": row.misses}
        for name, value in {"records": 1, **counts, "errors": 1 if row.error else 0}.items():
            activity[day, row.backend, row.user, row.job, name] += value
        if row.op not in (LIST, STAT) and not (row.error and not row.bytes_read):
            for name, value in counts.items():
                rollups[row.user, day, place, row.key, name] += value
            seen = (False, place, row.key)
            last[seen] = max(day, last.get(seen, day))
    return Counted(
        records=[()] * sum(len(rows) for rows in batches),
        rollups=_rows(rollups, ("opens", "bytes", "hits", "misses")),
        activity=_rows(activity, ("records", "opens", "bytes", "hits", "misses", "errors")),
        coverage={},
        last=last,
    )


def _rows(sums: Counter[tuple[object, ...]], names: Sequence[str]) -> dict[tuple[object, ...], tuple[int, ...]]:
    keys = dict.fromkeys(key[:-1] for key in sums)
    return {key: tuple(sums[*key, name] for name in names) for key in keys}


def _equal(found: Counted, expected: Counted) -> None:
    assert len(found.records) == len(expected.records)
    assert found.rollups == expected.rollups
    assert found.activity == expected.activity
    assert found.last == expected.last


async def _send(intake: Intake, coming: Sequence[tuple[AccessBatch, int]], order: st.DataObject) -> None:
    """Send all repetitions in some order, in groups of some size, some of them at once."""
    deck = order.draw(st.permutations([batch for batch, times in coming for _ in range(times)]))
    size = order.draw(st.integers(1, 4))
    groups = [deck[start : start + size] for start in range(0, len(deck), size)]
    taken: Counter[UUID] = Counter()

    async def take(group: Sequence[AccessBatch]) -> None:
        for batch, new in zip(group, await intake.taking.take(group), strict=True):
            taken[batch.batch_id] += new

    for pair in zip(groups[::2], [*groups[1::2], []], strict=False):
        async with anyio.create_task_group() as tasks:
            for group in pair:
                tasks.start_soon(take, group)
    assert set(taken.values()) <= {1}


@given(COMING, st.data())
@settings(max_examples=60, deadline=None)
def test_the_twin_counts_like_plain_sums(coming: list[tuple[list[Row], int]], data: st.DataObject) -> None:
    """Whatever comes, in whatever order, however often."""

    async def count() -> Counted:
        intake = memory_intake()
        await _send(intake, [(batch_of(*rows), times) for rows, times in coming], data)
        return await intake.counted()

    _equal(anyio.run(count), _sums([rows for rows, _ in coming]))


async def test_postgresql_counts_like_plain_sums(migrated_database: FreshDatabase) -> None:
    """The same over several lives of one database: every example adds to what was there."""
    place = await migrated_database()
    taken: list[list[Row]] = []

    async def one(coming: list[tuple[list[Row], int]], data: st.DataObject) -> None:
        async with postgres_intake(place) as intake:
            await _send(intake, [(batch_of(*rows, batch_id=uuid4()), times) for rows, times in coming], data)
            taken.extend(rows for rows, _ in coming)
            _equal(await intake.counted(), _sums(taken))

    @given(COMING, st.data())
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    def examples(coming: list[tuple[list[Row], int]], data: st.DataObject) -> None:
        anyio.run(one, coming, data)

    await anyio.to_thread.run_sync(examples)
