"""Batches between the line and the intake: our clock, groups, answers."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.support.access_batches import DAY, DAY_MS, Row, batch_of
from warpdrive.adapters.store.memory.batch_intake import MemoryBatchIntake
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.ingest import GroupLimits, IngestDesk, SentBatch, received
from warpdrive.application.control.retention import Retention
from warpdrive.application.ports.batch_intake import AccessBatch, BatchRefused, CoveredDay, IntakeUnavailable

NOW = DAY * DAY_MS
"""When `batch_of` is received."""
HOUR = 3_600_000


def _sent(*rows: Row, sent_at: int = NOW, covers: tuple[int, int] = (0, 0), **batch: Any) -> SentBatch:
    return SentBatch(batch_of(*rows, **batch), sent_at, *covers)


def test_a_wrong_clock_is_corrected_in_everything_that_a_batch_says() -> None:
    """Records and what is covered move together; the answer says by how much."""
    slow = 2 * DAY_MS
    sent = _sent(Row(at=NOW - slow - 5), sent_at=NOW - slow, covers=(NOW - slow - 1000, NOW - slow))
    batch, answer = received(sent, Retention())
    assert batch.records.ts_ms == [NOW - 5]
    assert batch.covered == (CoveredDay(DAY - 1, 1000),)
    assert (answer.accepted, answer.too_old, answer.correction_ms) == (1, 0, slow)


def test_what_is_covered_is_split_at_midnight_and_never_to_come() -> None:
    """In UTC."""
    batch, _ = received(_sent(covers=(NOW - HOUR, NOW + HOUR)), Retention())
    assert batch.covered == (CoveredDay(DAY - 1, HOUR),)
    batch, _ = received(_sent(covers=(NOW - DAY_MS - HOUR, NOW)), Retention())
    assert batch.covered == (CoveredDay(DAY - 2, HOUR), CoveredDay(DAY - 1, DAY_MS))


@pytest.mark.parametrize("covers", [(NOW, NOW - 1), (0, NOW), (NOW - 41 * DAY_MS, NOW), (NOW, 0)])
def test_a_window_that_is_none_is_refused(covers: tuple[int, int]) -> None:
    """One that ends before it begins, or is longer than any node would keep silent."""
    with pytest.raises(Malformed, match="covers_to_ms"):
        received(_sent(covers=covers), Retention())


def test_what_is_kept_no_more_is_left_out_and_counted() -> None:
    """Today and as many days before as raw records are kept; the border is a day's beginning."""
    rows = [Row(at=NOW - 2 * DAY_MS), Row(at=NOW - 2 * DAY_MS - 1, key="old"), Row(at=NOW)]
    batch, answer = received(_sent(*rows), Retention(raw_days=2))
    assert batch.records.ts_ms == [NOW - 2 * DAY_MS, NOW]
    assert batch.too_old == ((DAY - 3, 1),)
    assert (answer.accepted, answer.too_old) == (2, 1)


def test_retention_is_whole_days_and_never_shorter_than_said() -> None:
    """At least one."""
    assert [Retention.of(seconds).raw_days for seconds in (None, 1, 86_400, 86_401, 7 * 86_400)] == [30, 1, 1, 2, 7]
    assert Retention(3).kept_from(date(2026, 3, 3)) == date(2026, 2, 28)


class _Intake:
    """A memory intake that counts calls, can be held up, and refuses what a test says."""

    def __init__(self) -> None:
        self.warehouse = Warehouse()
        self.groups: list[int] = []
        self.open = anyio.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.poison = ""

    async def take(self, batches: Sequence[AccessBatch]) -> Sequence[bool]:
        self.groups.append(len(batches))
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        if any(batch.node == self.poison for batch in batches):
            raise BatchRefused("numeric value out of range")
        return await MemoryBatchIntake(self.warehouse).take(batches)


def _decode(data: bytes, received_at: float) -> SentBatch:
    said = json.loads(data)
    if said == "nonsense":
        raise Malformed("request", "is nonsense")
    assert received_at == NOW / 1000
    return _sent(Row(user=said), node=said)


async def _outcomes(desk: IngestDesk, *batches: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def one(said: str) -> None:
        try:
            found[said] = await desk.take(json.dumps(said).encode(), records=1, received_at=NOW / 1000)
        except (Malformed, IntakeUnavailable, BatchRefused) as fault:
            found[said] = fault

    async with anyio.create_task_group() as tasks:
        for said in batches:
            tasks.start_soon(one, said)
    return found


async def test_batches_that_wait_together_are_counted_together() -> None:
    """While a group is counted the others gather; both groups under way at once have their own."""
    intake = _Intake()
    desk = IngestDesk(intake, _decode, Retention())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.run)
        found = await _outcomes(desk, *"abcdefgh")
        tasks.cancel_scope.cancel()
    assert {answer.accepted for answer in found.values()} == {1}
    assert sum(intake.groups) == 8
    assert len(intake.groups) <= 2


async def test_a_group_has_bounds() -> None:
    """Records and bytes; a batch that alone is beyond them goes alone."""
    for limits in (GroupLimits(records=3), GroupLimits(bytes=9)):
        intake = _Intake()
        desk = IngestDesk(intake, _decode, Retention(), limits=limits)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.run)
            await _outcomes(desk, *"abcdefg")
            tasks.cancel_scope.cancel()
        assert sum(intake.groups) == 7
        assert max(intake.groups) == 3


async def test_one_bad_batch_keeps_no_other_from_being_counted() -> None:
    """Neither one that cannot be read, nor one that the store will never take."""
    intake = _Intake()
    intake.poison = "b"
    desk = IngestDesk(intake, _decode, Retention())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.run)
        found = await _outcomes(desk, "a", "b", "nonsense", "c")
        tasks.cancel_scope.cancel()
    assert isinstance(found["b"], BatchRefused)
    assert isinstance(found["nonsense"], Malformed)
    assert {found["a"].accepted, found["c"].accepted} == {1}
    assert {user for user, *_ in intake.warehouse.rollups} == {"a", "c"}


async def test_when_nothing_can_be_counted_everybody_is_told_to_come_back() -> None:
    """And the next batch is tried again."""
    intake = _Intake()
    intake.fault = IntakeUnavailable("the database is away")
    desk = IngestDesk(intake, _decode, Retention())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.run)
        found = await _outcomes(desk, "a", "b")
        assert {type(fault) for fault in found.values()} == {IntakeUnavailable}
        intake.fault = None
        assert (await _outcomes(desk, "a"))["a"].accepted == 1
        tasks.cancel_scope.cancel()


async def test_nobody_is_answered_before_the_batch_is_counted() -> None:
    """And nobody is left without an answer when the desk closes."""
    intake = _Intake()
    intake.open = anyio.Event()
    desk = IngestDesk(intake, _decode, Retention())
    found: dict[str, Any] = {}

    async def send() -> None:
        found.update(await _outcomes(desk, "a"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        with anyio.CancelScope() as working:
            async with anyio.create_task_group() as inner:
                inner.start_soon(desk.run)
                with anyio.fail_after(5):
                    while not intake.groups:
                        await anyio.lowlevel.checkpoint()
                assert found == {}
                working.cancel()
    assert isinstance(found["a"], IntakeUnavailable)


def test_the_days_of_tests_are_what_they_say() -> None:
    """So that borders above mean something."""
    assert date(1970, 1, 1) + timedelta(days=DAY) == date(2026, 2, 16)
