"""Records on their way to a control plane: what batches hold, claim and tell, while it is there and while it is not."""

from pathlib import Path

import anyio
import pytest

from tests.support.access_records import access_record
from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from tests.support.shipped import Shipping
from warpdrive.adapters.sinks.batch import DAY_MS
from warpdrive.adapters.sinks.sender import Refused, Unreachable, Unwelcome

START = round(ManualClock().wall() * 1000)


def spooled(folder: Path) -> list[str]:
    """Names of batches on disk."""
    return sorted(path.name for path in folder.glob("*.batch"))


async def test_a_stretch_of_time_is_one_batch_and_claims_follow_each_other(tmp_path: Path) -> None:
    """The first begins when the log did, the next where that one ended; each says the sender's clock."""
    shipping = Shipping(tmp_path)
    async with shipping.running():
        for number in (1, 2):
            shipping.log.record(access_record(number))
            shipping.clock.advance(5)
            shipping.cover()
            await wait_until_async(lambda number=number: len(shipping.shipments) == number)  # type: ignore[misc]  # a default argument binds the loop's value
    first, second = shipping.shipments
    assert (first.numbers, second.numbers) == ([1], [2])
    assert (first.covers, second.covers) == ((START, START + 5000), (START + 5000, START + 10_000))
    assert (first.sent_at_ms, second.sent_at_ms) == (START + 5000, START + 10_000)
    assert (first.message.node, first.message.metadata_sample_rate, first.lost) == ("node-7", 0.1, 0)
    assert first.id != second.id
    assert (shipping.log.recorded, shipping.log.sent, shipping.log.spooled, shipping.log.waiting) == (2, 2, 0, 0)


async def test_enough_records_leave_at_once_and_claim_nothing(tmp_path: Path) -> None:
    """Only the batch that completes a stretch claims it."""
    shipping = Shipping(tmp_path, batch_size=3)
    async with shipping.running():
        for number in range(4):
            shipping.log.record(access_record(number))
        await wait_until_async(lambda: len(shipping.shipments) == 1)
        shipping.clock.advance(1)
        for number in range(4, 8):
            shipping.log.record(access_record(number))
        shipping.cover()
        shipping.log.record(access_record(8))
        await wait_until_async(lambda: len(shipping.shipments) == 3)
    assert [(each.numbers, each.covers) for each in shipping.shipments] == [
        ([0, 1, 2], (0, 0)),
        ([3, 4, 5], (0, 0)),
        ([6, 7], (START, START + 1000)),
    ]


async def test_silence_is_told_every_minute(tmp_path: Path) -> None:
    """An empty batch says that nothing happened; before that there is nothing to say."""
    shipping = Shipping(tmp_path)
    async with shipping.running():
        for _ in range(12):
            shipping.clock.advance(5)
            shipping.cover()
            await anyio.wait_all_tasks_blocked()
        await wait_until_async(lambda: len(shipping.shipments) == 1)
    (only,) = shipping.shipments
    assert (only.numbers, only.covers) == ([], (START, START + 60_000))


async def test_what_is_lost_before_and_in_the_log_is_told_once(tmp_path: Path) -> None:
    """By the collector, and by a buffer that is full; the oldest go."""
    shipping = Shipping(tmp_path, capacity=2)
    for number in range(5):
        shipping.log.record(access_record(number))
    shipping.clock.advance(1)
    shipping.cover(lost=10)
    async with shipping.running():
        await wait_until_async(lambda: len(shipping.shipments) == 1)
        shipping.clock.advance(1)
        shipping.log.record(access_record(9))
        shipping.cover()
        await wait_until_async(lambda: len(shipping.shipments) == 2)
    assert [(each.numbers, each.lost) for each in shipping.shipments] == [([3, 4], 13), ([9], 0)]
    assert shipping.log.lost == 3


async def test_memory_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    """Long paths count."""
    shipping = Shipping(tmp_path, memory=5000)
    for number in range(4):
        shipping.log.record(access_record(number, key="k" * 1000))
    await shipping.log.aclose()
    assert [each.numbers for each in shipping.shipments] == [[3]]
    assert shipping.log.lost == 3


async def test_while_nobody_answers_batches_wait_on_disk_and_arrive_in_order(tmp_path: Path) -> None:
    """Attempts wait longer and longer, with an upper bound; one fault in memory is one line in the log."""
    shipping = Shipping(tmp_path, backoff=1.0, backoff_ceiling=3.0)
    shipping.sender.fault = Unreachable("connection refused")
    async with shipping.running():
        for number in range(4):
            shipping.log.record(access_record(number))
            shipping.clock.advance(1)
            shipping.cover()
            await wait_until_async(
                lambda number=number: len(spooled(tmp_path)) == number + 1 and len(shipping.waits) == number + 1  # type: ignore[misc]  # a default argument binds the loop's value
            )
            if number < 3:
                shipping.retry.set()
        assert (shipping.log.fault, shipping.log.waiting, shipping.log.spooled) == ("connection refused", 4, 4)
        shipping.sender.fault = None
        shipping.retry.set()
        await wait_until_async(lambda: len(shipping.shipments) == 4 and not spooled(tmp_path))
    assert shipping.waits == [1.0, 2.0, 3.0, 3.0]
    assert [each.numbers for each in shipping.shipments] == [[0], [1], [2], [3]]
    assert {each.sent_at_ms for each in shipping.shipments} == {START + 4000}
    assert shipping.log.fault == ""
    assert shipping.log.spool_bytes == 0


async def test_while_nobody_answers_batches_grow(tmp_path: Path) -> None:
    """A file every second would be 600,000 in a week; a full batch waits for nothing."""
    shipping = Shipping(tmp_path, away=10.0, batch_size=30)
    shipping.sender.fault = Unreachable("away")
    async with shipping.running():
        for number in range(21):
            shipping.log.record(access_record(number))
            shipping.clock.advance(1)
            shipping.cover()
            await anyio.wait_all_tasks_blocked()
        await wait_until_async(lambda: len(spooled(tmp_path)) == 3)
        for number in range(21, 61):
            shipping.log.record(access_record(number))
        await wait_until_async(lambda: len(spooled(tmp_path)) == 4)
        shipping.sender.fault = None
        shipping.retry.set()
        await wait_until_async(lambda: shipping.log.sent == 51)
        shipping.clock.advance(1)
        shipping.cover()
        await wait_until_async(lambda: shipping.log.sent == 61)
    assert [len(each.numbers) for each in shipping.shipments] == [1, 10, 10, 30, 10]
    assert shipping.shipments[-1].covers == (START + 21_000, START + 22_000)


async def test_a_lost_answer_means_the_same_batch_again(tmp_path: Path) -> None:
    """Its id and content stay; only the sender's clock is said anew."""
    shipping = Shipping(tmp_path)
    shipping.sender.fault, shipping.sender.forgetful = Unreachable("cut off"), True
    shipping.log.record(access_record(1))
    shipping.clock.advance(1)
    shipping.cover()
    async with shipping.running():
        await wait_until_async(lambda: len(shipping.waits) == 1)
        shipping.clock.advance(1)
        shipping.sender.fault = None
        shipping.retry.set()
        await wait_until_async(lambda: shipping.log.sent == 1)
    first, second = shipping.shipments
    assert second.sent_at_ms == first.sent_at_ms + 1000
    first.message.ClearField("sent_at_ms")
    second.message.ClearField("sent_at_ms")
    assert first.message == second.message


async def test_a_control_plane_that_is_busy_says_when(tmp_path: Path) -> None:
    """Its word counts when it is longer than our own, up to five minutes: who waits for a week loses everything."""
    shipping = Shipping(tmp_path)
    shipping.sender.fault = Unreachable("too many", retry_after=17.0)
    shipping.log.record(access_record(1))
    shipping.cover()
    async with shipping.running():
        await wait_until_async(lambda: shipping.waits == [17.0])
        shipping.sender.fault = Unreachable("much too many", retry_after=604_800.0)
        shipping.retry.set()
        await wait_until_async(lambda: shipping.waits == [17.0, 300.0])


async def test_who_is_not_welcome_waits_for_a_person(tmp_path: Path) -> None:
    """A revoked token keeps the batches, asks rarely, and goes on when it is mended."""
    shipping = Shipping(tmp_path)
    shipping.sender.fault = Unwelcome("UNAUTHENTICATED: a valid token is needed")
    shipping.log.record(access_record(1))
    shipping.cover()
    async with shipping.running():
        await wait_until_async(lambda: shipping.waits == [30.0])
        shipping.sender.fault = None
        shipping.retry.set()
        await wait_until_async(lambda: shipping.log.sent == 1)
    assert shipping.log.lost == 0


async def test_a_batch_that_is_refused_for_good_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is lost, said once, and told by the next."""
    shipping = Shipping(tmp_path)
    shipping.sender.fault = Refused("INVALID_ARGUMENT: columns.op")
    async with shipping.running():
        shipping.log.record(access_record(1))
        shipping.cover()
        await wait_until_async(lambda: shipping.log.lost == 1)
        shipping.sender.fault = None
        shipping.log.record(access_record(2))
        shipping.clock.advance(1)
        shipping.cover()
        await wait_until_async(lambda: len(shipping.shipments) == 1)
    assert [(each.numbers, each.lost) for each in shipping.shipments] == [([2], 1)]
    assert sum("refuses a batch" in message for message in caplog.messages) == 1
    assert shipping.waits == []


async def test_a_full_spool_loses_the_oldest_and_its_time_is_never_claimed(tmp_path: Path) -> None:
    """The losses are told on the day to which they belong."""
    probe = Shipping(tmp_path / "probe")
    probe.sender.fault = Unreachable("away")
    probe.log.record(access_record(1))
    probe.cover()
    await probe.log.aclose()
    size = sum(path.stat().st_size for path in (tmp_path / "probe").glob("*.batch"))

    shipping = Shipping(tmp_path / "spool", limit=round(3.5 * size))
    shipping.sender.fault = Unreachable("away")
    async with shipping.running():
        for number in range(5):
            shipping.log.record(access_record(number))
            shipping.clock.advance(10)
            shipping.cover()
            await wait_until_async(lambda number=number: shipping.log.spooled == number + 1)  # type: ignore[misc]  # a default argument binds the loop's value
        assert shipping.log.lost == 2
        shipping.clock.advance(DAY_MS / 1000)
        shipping.cover()
        shipping.sender.fault = None
        shipping.retry.set()
        await wait_until_async(
            lambda: len(shipping.shipments) > 3 and sum(each.lost for each in shipping.shipments) > 1
        )
    told = [(each.numbers, each.lost) for each in shipping.shipments]
    assert told[:3] == [([2], 0), ([3], 0), ([4], 1)]
    assert sum(lost for _, lost in told[3:]) == 1
    assert not any(numbers for numbers, _ in told[3:])
    claimed = [each.covers for each in shipping.shipments if each.covers[0] < each.covers[1]]
    assert claimed[0] == (START + 20_000, START + 30_000)
    (teller,) = [each for each in shipping.shipments[3:] if each.lost]
    assert teller.covers[0] == teller.covers[1] == START - START % DAY_MS


async def test_a_new_process_sends_what_the_old_one_left(tmp_path: Path) -> None:
    """First, and in the order in which it was cut; the time between the two is claimed by nobody."""
    old = Shipping(tmp_path)
    old.sender.fault = Unreachable("away")
    for number in (1, 2):
        old.log.record(access_record(number))
        old.clock.advance(1)
        old.cover()
        async with old.running():
            await wait_until_async(lambda number=number: old.log.spooled == number)  # type: ignore[misc]  # a default argument binds the loop's value
    await old.log.aclose()
    clock = ManualClock()
    clock.advance(100)
    new = Shipping(tmp_path, clock=clock)
    new.log.record(access_record(3))
    new.clock.advance(1)
    new.cover()
    async with new.running():
        await wait_until_async(lambda: new.log.sent == 3)
    assert [(each.numbers, each.covers) for each in new.shipments] == [
        ([1], (START, START + 1000)),
        ([2], (START + 1000, START + 2000)),
        ([3], (START + 100_000, START + 101_000)),
    ]
    assert spooled(tmp_path) == []


async def test_what_was_cut_under_another_name_waits_behind_what_is_welcome(tmp_path: Path) -> None:
    """A renamed node's token may not speak for its old name: that holds up nothing, and is tried again later."""
    old = Shipping(tmp_path, node="node-6")
    old.sender.fault = Unreachable("away")
    for number in (1, 2):
        old.log.record(access_record(number))
        old.clock.advance(1)
        old.cover()
        await old.log._cut()
    await old.log.aclose()
    new = Shipping(tmp_path)
    new.sender.denied_node = "node-6"
    async with new.running():
        for number in (3, 4):
            new.log.record(access_record(number))
            new.clock.advance(1)
            new.cover()
            await wait_until_async(lambda number=number: new.log.sent == number - 2)  # type: ignore[misc]  # a default argument binds the loop's value
        await anyio.wait_all_tasks_blocked()
        assert (new.log.waiting, new.log.fault, new.waits) == (2, "", [])
        assert new.sender.attempts == 3
        new.sender.denied_node = None
        new.clock.advance(30)
        new.cover()
        await wait_until_async(lambda: new.log.waiting == 2)
        new.log.record(access_record(5))
        new.cover()
        await wait_until_async(lambda: new.log.waiting == 0)
    assert [each.numbers for each in new.shipments] == [[3], [4], [5], [1], [2]]
    assert new.log.lost == 0


async def test_batches_that_the_control_plane_may_have_forgotten_are_not_sent(tmp_path: Path) -> None:
    """After a week they could count twice: they are lost, and told."""
    old = Shipping(tmp_path)
    old.sender.fault = Unreachable("away")
    old.log.record(access_record(1))
    old.cover()
    await old.log.aclose()
    clock = ManualClock()
    clock.advance(7 * 86_400 + 1)
    new = Shipping(tmp_path, clock=clock)
    async with new.running():
        await wait_until_async(lambda: new.log.lost == 1)
        clock.advance(61)
        new.cover()
        await wait_until_async(lambda: len(new.shipments) == 2)
    assert sorted((each.numbers, each.lost) for each in new.shipments) == [([], 0), ([], 1)]


async def test_closing_sends_what_is_left_or_keeps_it_on_disk(tmp_path: Path) -> None:
    """Records that no claim covers too; whoever comes after closing is counted."""
    shipping = Shipping(tmp_path, batch_size=2)
    for number in range(3):
        shipping.log.record(access_record(number))
    await shipping.log.aclose()
    shipping.log.record(access_record(9))
    await shipping.log.aclose()
    assert [each.numbers for each in shipping.shipments] == [[0, 1], [2]]
    assert shipping.log.lost == 1
    assert spooled(tmp_path) == []


async def test_a_batch_that_is_too_large_is_cut_in_two(tmp_path: Path) -> None:
    """A server refuses long messages; the last part claims the time and tells the losses."""
    shipping = Shipping(tmp_path, largest=3000)
    for number in range(5):
        shipping.log.record(access_record(number, key=f"{number}" * 1000))
    shipping.clock.advance(1)
    shipping.cover(lost=3)
    await shipping.log.aclose()
    assert [number for each in shipping.shipments for number in each.numbers] == [0, 1, 2, 3, 4]
    assert all(len(each) <= 3010 for each in shipping.sender.requests)
    assert [each.lost for each in shipping.shipments if each.lost] == [3]
    assert [each.covers for each in shipping.shipments][-1] == (START, START + 1000)
    assert {each.covers for each in shipping.shipments[:-1]} == {(0, 0)}


@pytest.mark.parametrize(("jump", "lived"), [(3600, 6000), (-7200, 0)])
async def test_a_clock_that_jumps_claims_no_more_than_was_lived(tmp_path: Path, jump: float, lived: int) -> None:
    """Ahead: the stretch before the jump is nobody's, but for a second of leeway. Back: claims begin anew."""
    shipping = Shipping(tmp_path)
    shipping.clock.advance(5)
    shipping.clock.set_wall(shipping.clock.wall() + jump)
    shipping.log.record(access_record(1))
    shipping.cover()
    await shipping.log.aclose()
    ((from_ms, to_ms),) = [each.covers for each in shipping.shipments]
    assert (from_ms, to_ms) == (START + 5000 + jump * 1000 - lived, START + 5000 + jump * 1000)


async def test_a_disk_that_refuses_keeps_batches_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The spool's place is a file: nothing can be written there, nothing is lost while memory has room."""
    (tmp_path / "spool").write_text("in the way")
    shipping = Shipping(tmp_path / "spool")
    shipping.sender.fault = Unreachable("away")
    async with shipping.running():
        for number in range(3):
            shipping.log.record(access_record(number))
            shipping.cover()
            await wait_until_async(lambda: shipping.log.waiting == 3 or bool(shipping.waits))
            await anyio.wait_all_tasks_blocked()
        shipping.sender.fault = None
        shipping.retry.set()
        await wait_until_async(lambda: shipping.log.sent == 3)
    assert sum("spool fails" in message for message in caplog.messages) == 1
    assert shipping.log.lost == 0
