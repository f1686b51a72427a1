"""Batches are counted once, whole, by user, object and day."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from tests.contract.batch_intake.conftest import Intake
from tests.support.access_batches import DAY, DAY_MS, Row, batch_of
from warpdrive.application.ports.batch_intake import LIST, OPEN, READ, STAT, WRITE

TODAY = date(1970, 1, 1) + timedelta(days=DAY)
LAKE = "unknown|name=lake"


async def test_a_batch_counts_once_however_often_it_comes(intake: Intake) -> None:
    """In another call, in the same call, among others; the answer says whether it was new."""
    first, second = batch_of(Row()), batch_of(Row(user="bob"))
    assert await intake.taking.take([first]) == [True]
    assert await intake.taking.take([first, second, second]) == [False, True, False]
    assert await intake.taking.take([second]) == [False]
    counted = await intake.counted()
    assert len(counted.records) == 2
    assert counted.rollups == {
        ("ada", TODAY, LAKE, "a/one"): (1, 100, 2, 1),
        ("bob", TODAY, LAKE, "a/one"): (1, 100, 2, 1),
    }


async def test_records_stay_as_they_came(intake: Intake) -> None:
    """Path from what stands before the key, or as a whole where it does not end with the key."""
    rows = [Row(at=DAY * DAY_MS + 5, error="EIO"), Row(at=DAY * DAY_MS + 6, mount="!/elsewhere/x", op=OPEN)]
    await intake.taking.take([batch_of(*rows)])
    midnight = datetime.combine(TODAY, datetime.min.time(), UTC)
    assert (await intake.counted()).records == [
        (midnight + timedelta(milliseconds=5), "gpu-1", "ada", "lake", "a/one", "/mnt/a/one", "v1", READ, "EIO"),
        (midnight + timedelta(milliseconds=6), "gpu-1", "ada", "lake", "a/one", "/elsewhere/x", "v1", OPEN, ""),
    ]


async def test_what_somebody_uses_is_what_was_opened_read_or_written(intake: Intake) -> None:
    """Listings, looks at metadata and attempts that failed before the first byte are activity, and no use."""
    await intake.taking.take(
        [
            batch_of(
                Row(op=OPEN, key="opened", bytes_read=0),
                Row(op=WRITE, key="written", bytes_read=0),
                Row(op=READ, key="half", bytes_read=7, error="EIO"),
                Row(op=READ, key="refused", bytes_read=0, error="EACCES"),
                Row(op=LIST, key="listed"),
                Row(op=STAT, key="seen"),
            )
        ]
    )
    counted = await intake.counted()
    assert {key for _, _, _, key in counted.rollups} == {"opened", "written", "half"}
    assert {key for _, _, key in counted.last} == {"opened", "written", "half"}
    assert counted.activity == {(TODAY, "lake", "ada", ""): (6, 6, 207, 12, 6, 2)}
    assert len(counted.records) == 6


async def test_unlike_records_of_one_object_add_up(intake: Intake) -> None:
    """Within a batch, between batches of one call, and with what was counted before."""
    first, second = batch_of(Row(hits=1), Row(hits=5, bytes_read=7)), batch_of(Row(hits=11, bytes_read=0))
    assert await intake.taking.take([first, second]) == [True, True]
    assert await intake.taking.take([batch_of(Row(hits=20))]) == [True]
    assert (await intake.counted()).rollups == {("ada", TODAY, LAKE, "a/one"): (4, 207, 37, 4)}


async def test_days_users_jobs_and_backends_are_apart(intake: Intake) -> None:
    """Each record counts on its own day, late or not, also in one batch."""
    before = DAY * DAY_MS - 1
    rows = [Row(), Row(at=before), Row(user="bob"), Row(backend="pond"), Row(job="42"), Row()]
    await intake.taking.take([batch_of(*rows)])
    counted = await intake.counted()
    yesterday = TODAY - timedelta(days=1)
    assert counted.rollups == {
        ("ada", TODAY, LAKE, "a/one"): (3, 300, 6, 3),
        ("ada", yesterday, LAKE, "a/one"): (1, 100, 2, 1),
        ("bob", TODAY, LAKE, "a/one"): (1, 100, 2, 1),
        ("ada", TODAY, "unknown|name=pond", "a/one"): (1, 100, 2, 1),
    }
    assert counted.activity == {
        (TODAY, "lake", "ada", ""): (2, 2, 200, 4, 2, 0),
        (yesterday, "lake", "ada", ""): (1, 1, 100, 2, 1, 0),
        (TODAY, "lake", "bob", ""): (1, 1, 100, 2, 1, 0),
        (TODAY, "pond", "ada", ""): (1, 1, 100, 2, 1, 0),
        (TODAY, "lake", "ada", "42"): (1, 1, 100, 2, 1, 0),
    }


async def test_the_last_access_of_an_object_is_only_ever_raised(intake: Intake) -> None:
    """Of one that a crawl saw, and of a key that none has seen yet; a late record lowers nothing."""
    await intake.crawled(LAKE, "a/one")
    day = DAY * DAY_MS
    for at, expected in ((day - DAY_MS, 1), (day, 0), (day - 2 * DAY_MS, 0)):
        await intake.taking.take([batch_of(Row(at=at), Row(at=at, key="new"))])
        last = TODAY - timedelta(days=expected)
        assert (await intake.counted()).last == {(True, LAKE, "a/one"): last, (False, LAKE, "new"): last}


async def test_an_object_that_a_crawl_finds_later_is_raised_from_then_on(intake: Intake) -> None:
    """What was early becomes an object's with the next day's access."""
    await intake.taking.take([batch_of(Row(key="new"))])
    assert (await intake.counted()).last == {(False, LAKE, "new"): TODAY}


async def test_names_of_backends_lead_where_namespaces_say(intake: Intake) -> None:
    """To a place and a prefix; a name that no namespace has gets a place of its own, and nothing is lost."""
    await intake.named("lake", "deep", "team/")
    await intake.taking.take([batch_of(Row(), Row(backend="nowhere"))])
    counted = await intake.counted()
    assert {(place, key) for _, _, place, key in counted.rollups} == {
        ("memory|name=deep", "team/a/one"),
        ("unknown|name=nowhere", "a/one"),
    }
    assert {path for *_, path, _, _, _ in counted.records} == {"/mnt/a/one"}


async def test_coverage_and_losses_add_up_by_node_and_day(intake: Intake) -> None:
    """Also of batches without a record; a day of which only records came is covered by nothing."""
    await intake.taking.take(
        [
            batch_of(covered=[(DAY - 1, 500), (DAY, 250)], lost=3),
            batch_of(covered=[(DAY, 50)]),
            batch_of(Row(), node="gpu-2", too_old=[(DAY - 50, 4)]),
        ]
    )
    assert (await intake.counted()).coverage == {
        ("gpu-1", TODAY - timedelta(days=1)): (500, 0),
        ("gpu-1", TODAY): (300, 3),
        ("gpu-2", TODAY): (0, 0),
        ("gpu-2", TODAY - timedelta(days=50)): (0, 0),
    }


@pytest.mark.parametrize(
    "key",
    ["", "\u00e4\u4e2d\U0001f600", "x" * 5_000, "\u4e2d" * 2_000, "quote'\"{},\\", "line\nfeed\t"],
    ids=["empty", "unicode", "long", "long unicode", "quotes", "control"],
)
async def test_any_key_and_any_name_can_be_counted(intake: Intake, key: str) -> None:
    """However long or odd; what an index cannot hold is cut, and told apart from others by a digest."""
    other = f"{key}2"
    await intake.taking.take([batch_of(Row(key=key, user=key, job=key, error=key, version=key, mount=f"!{key}"))])
    await intake.taking.take([batch_of(Row(key=other)), batch_of(Row(key=key))])
    counted = await intake.counted()
    assert len({found for *_, found in counted.rollups}) == 2
    assert len(counted.records) == 3


async def test_counts_beyond_any_column_do_no_harm(intake: Intake) -> None:
    """Sums hold them; the record itself says the most it can."""
    await intake.taking.take([batch_of(Row(opens=2**40, hits=2**40, bytes_read=2**46))])
    assert (await intake.counted()).rollups == {("ada", TODAY, LAKE, "a/one"): (2**40, 2**46, 2**40, 1)}


async def test_a_batch_of_nothing_is_known_as_well(intake: Intake) -> None:
    """Nodes that see nothing say so, and may have to say it twice."""
    batch = batch_of(batch_id=UUID(int=7), covered=[(DAY, 100)])
    assert await intake.taking.take([batch]) == [True]
    assert await intake.taking.take([batch]) == [False]
    assert (await intake.counted()).coverage == {("gpu-1", TODAY): (100, 0)}
