"""Batch jobs: what their systems say, and what telemetry knows that they read."""

from datetime import datetime, timedelta

import pytest

from tests.support.filled_warehouse import PlainBackend, PlainFacts, PlainTold, PlainUse, fill_memory
from tests.support.memory_plane import MemoryPlane
from warpdrive.adapters.store.memory.warehouse import RecordRow
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.jobs import JobView
from warpdrive.application.ports.job_register import JobAccesses
from warpdrive.domain.token.values import Role

HOUR = timedelta(hours=1)


async def story() -> MemoryPlane:
    """Ann's job 7 is known by its id in two backends; she also read without one, two hours ago."""
    on = MemoryPlane()
    day = on.now().date()
    facts = PlainFacts(
        backends=[PlainBackend("lake"), PlainBackend("pool")],
        uses=[
            PlainUse("ann", day, "lake", "a", opens=2, bytes_read=100, hits=3, misses=4, job="7"),
            PlainUse("ann", day - timedelta(days=1), "lake", "b", bytes_read=50, job="7"),
            PlainUse("ann", day, "pool", "c", bytes_read=1, job="7"),
            PlainUse("ann", day, "lake", "a", bytes_read=1000),
            PlainUse("ann", day, "lake", "a", bytes_read=9, job="8"),
            PlainUse("bob", day, "lake", "a", bytes_read=5000, job="8"),
        ],
        told=[PlainTold("node-1", day)],
    )
    fill_memory(on.warehouse, facts)
    at = on.now() - 2 * HOUR
    on.warehouse.records += [
        RecordRow(at, "ann", "", "lake", 1, 1000, 5, 6),
        RecordRow(at + HOUR, "ann", "", "pool", 1, 20, 0, 0),
        RecordRow(at, "ann", "7", "lake", 2, 100, 3, 4),
        RecordRow(at, "bob", "", "lake", 1, 7777, 0, 0),
    ]
    return on


async def report(
    on: MemoryPlane,
    status: str = "running",
    *,
    job: str = "7",
    user: str = "ann",
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> JobView:
    """Say something about a job."""
    done = await on.plane.jobs.report(on.call(), job, user, status=status, started_at=started_at, ended_at=ended_at)
    return done.value


async def test_a_job_has_what_was_read_under_its_id() -> None:
    """By backend; nobody has to report it for that."""
    on = await story()
    view = (await on.plane.jobs.get(on.call(), "7", "")).value
    assert (view.user, view.status, view.reported_at) == ("ann", "", None)
    assert view.backends == (JobAccesses("lake", 3, 150, 3, 4), JobAccesses("pool", 1, 1, 0, 0))
    assert (view.opens, view.bytes_read, view.claimed_bytes) == (4, 151, 0)
    assert view.as_of is not None
    assert view.as_of.coverage is None


async def test_a_job_with_times_claims_what_its_user_did_then_without_one() -> None:
    """From its start to its end, or to now; as of a coverage of these days."""
    on = await story()
    begin = on.now() - 2 * HOUR
    running = await report(on, started_at=begin)
    assert (running.bytes_read, running.claimed_bytes) == (151 + 1020, 1020)
    assert running.backends[0] == JobAccesses("lake", 4, 1150, 8, 10)
    assert running.as_of is not None
    assert running.as_of.coverage is not None
    assert running.as_of.coverage.from_day == begin.date()
    ended = await report(on, "completed", ended_at=begin + HOUR)
    assert (ended.started_at, ended.ended_at, ended.claimed_bytes) == (begin, begin + HOUR, 1000)
    assert (await on.plane.jobs.get(on.call(), "7", "ann")).value == ended


async def test_a_job_that_ended_nobody_said_when_claims_nothing_after_that_was_told() -> None:
    """What its user does later is not the job's."""
    on = await story()
    await report(on, started_at=on.now() - 2 * HOUR)
    told = await report(on, "completed")
    assert (told.ended_at, told.claimed_bytes) == (None, 1020)
    on.warehouse.records.append(RecordRow(on.now() + HOUR, "ann", "", "lake", 1, 5, 0, 0))
    on.clock.advance(2 * HOUR.total_seconds())
    assert (await on.plane.jobs.get(on.call(), "7", "ann")).value.claimed_bytes == 1020


@pytest.mark.parametrize(
    "principal",
    [
        Principal("token:node", Role.AGENT, node="node-1"),
        Principal("token:team", Role.OPERATOR, teams=("vision",)),
        Principal("token:place", Role.OPERATOR, namespaces=("lab",)),
    ],
)
async def test_who_may_only_report_a_job_is_not_told_what_it_read(principal: Principal) -> None:
    """Or a node could ask what any user read at any time by inventing a job."""
    on = await story()
    view = (
        await on.plane.jobs.report(
            on.call(principal), "7", "ann", status="running", started_at=on.now() - 2 * HOUR, ended_at=None
        )
    ).value
    assert (view.status, view.backends, view.opens, view.bytes_read, view.claimed_bytes) == ("running", (), 0, 0, 0)
    assert view.as_of is None


async def test_the_last_word_counts_and_leaves_what_it_does_not_say() -> None:
    """A requeued job runs again and has no end."""
    on = await story()
    begin = on.now() - HOUR
    await report(on, started_at=begin)
    await report(on, "failed", ended_at=on.now())
    again = await report(on, "running")
    assert (again.status, again.started_at, again.ended_at) == ("running", begin, None)


async def test_a_name_that_two_users_have_needs_the_user() -> None:
    """Whether they reported it or were merely seen."""
    on = await story()
    with pytest.raises(Malformed, match="user"):
        await on.plane.jobs.get(on.call(), "8", "")
    assert (await on.plane.jobs.get(on.call(), "8", "bob")).value.bytes_read == 5000
    await report(on, user="bob")
    with pytest.raises(Malformed, match="2 users"):
        await on.plane.jobs.get(on.call(), "7", "")
    for job, user in (("9", ""), ("7", "carl")):
        with pytest.raises(NotFound):
            await on.plane.jobs.get(on.call(), job, user)


async def test_reports_that_cannot_be_right_are_refused() -> None:
    """Each by its field."""
    on = await story()
    begin = on.now()
    refusals = [
        ("status", {"status": "gone"}),
        ("ended_at", {"ended_at": begin}),
        ("ended_at", {"status": "failed", "started_at": begin, "ended_at": begin - HOUR}),
        ("job", {"job": "a\nb"}),
        ("user", {"user": ""}),
    ]
    for field, said in refusals:
        with pytest.raises(Malformed) as refusal:
            await report(on, **said)  # type: ignore[arg-type] # a table of arguments
        assert refusal.value.field == field
    await report(on, started_at=begin)
    with pytest.raises(Malformed, match="before started_at"):
        await report(on, "failed", ended_at=begin - HOUR)
