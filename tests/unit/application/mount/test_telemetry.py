"""Access records: one per open handle and flush interval, names resolved once, nothing ever waiting."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from tests.support.clocks import RealClock
from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from warpdrive.adapters.sinks.memory import MemoryLog
from warpdrive.application.mount.attributes import Caller
from warpdrive.application.mount.telemetry import AccessCollector, CollectorSettings, HandleTotals
from warpdrive.application.ports.access_log import AccessRecord

ADA = Caller(uid=1001, gid=100, pid=77)


class Recorded:
    """A collector over a log in memory; names and jobs come from tables here."""

    def __init__(
        self,
        *,
        flush_interval: float = 60.0,
        batch_size: int = 100,
        capacity: int = 1000,
        enabled: bool = True,
        draw: Callable[[], float] = lambda: 0.99,
        clock: RealClock | ManualClock | None = None,
        name_of: Callable[[int], str] | None = None,
    ) -> None:
        self.log = MemoryLog()
        self.asked: list[tuple[str, int]] = []
        self.clock = clock or RealClock()
        self.collector = AccessCollector(
            CollectorSettings(
                node="node-7",
                enabled=enabled,
                flush_interval=flush_interval,
                batch_size=batch_size,
                sample_metadata_ops=0.1,
                capacity=capacity,
            ),
            self.log,
            self.clock,
            draw=draw,
            name_of=name_of or self._name,
            job_of=self._job,
        )

    def _name(self, uid: int) -> str:
        self.asked.append(("uid", uid))
        return {1001: "ada"}.get(uid, str(uid))

    def _job(self, pid: int) -> str:
        self.asked.append(("pid", pid))
        return {77: "4711"}.get(pid, "")

    def open(self, caller: Caller = ADA, key: str = "train/a.tar") -> HandleTotals:
        """Open a handle."""
        return self.collector.opened(caller, "photos", key, f"/photos/{key}", '"v1"')

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the collector for the block; afterwards everything is in the log."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.collector.run)
            yield
            tasks.cancel_scope.cancel()

    @property
    def records(self) -> list[AccessRecord]:
        """What the log has."""
        return list(self.log.records)


async def test_a_closed_handle_is_one_record_with_all_its_fields() -> None:
    """Who, what, how much, how long."""
    clock = ManualClock()
    recorded = Recorded(clock=clock)
    opened_at = clock.wall()
    totals = recorded.open()
    totals.served(4096, 1.5, hit=False)
    totals.served(100, 0.5, hit=True)
    clock.advance(2.5)
    recorded.collector.closed(totals)
    async with recorded.running():
        pass
    assert recorded.records == [
        AccessRecord(
            ts=opened_at,
            window_ms=2500,
            node="node-7",
            user="ada",
            uid=1001,
            job="4711",
            backend="photos",
            key="train/a.tar",
            path="/photos/train/a.tar",
            version='"v1"',
            op="read",
            opens=1,
            bytes_read=4196,
            hits=1,
            misses=1,
            latency_ms=2.0,
            latency_max_ms=1.5,
            error="",
        )
    ]


async def test_an_open_handle_is_recorded_once_per_window_and_its_open_once() -> None:
    """Windows add up; one in which nothing happened leaves no record."""
    clock = ManualClock()
    recorded = Recorded(clock=clock)
    totals = recorded.open()
    recorded.collector.harvest()
    clock.advance(5)
    totals.served(10, 1.0, hit=True)
    recorded.collector.harvest()
    clock.advance(5)
    recorded.collector.harvest()
    totals.served(20, 1.0, hit=True)
    totals.failed("unavailable")
    recorded.collector.closed(totals)
    recorded.collector.closed(totals)
    async with recorded.running():
        pass
    assert [(record.op, record.opens, record.bytes_read, record.error) for record in recorded.records] == [
        ("open", 1, 0, ""),
        ("read", 0, 10, ""),
        ("read", 0, 20, "unavailable"),
    ]
    assert [record.ts - recorded.records[0].ts for record in recorded.records] == [0, 0, 10]


async def test_the_interval_flushes_by_itself() -> None:
    """A handle that stays open is seen without being closed."""
    recorded = Recorded(flush_interval=0.05)
    async with recorded.running():
        totals = recorded.open()
        totals.served(10, 1.0, hit=True)
        await wait_until_async(lambda: len(recorded.records) == 1)
        totals.served(5, 1.0, hit=True)
        await wait_until_async(lambda: len(recorded.records) == 2)
    assert [record.bytes_read for record in recorded.records] == [10, 5]


async def test_a_full_batch_flushes_before_the_interval() -> None:
    """A burst does not wait a minute."""
    recorded = Recorded(batch_size=3)
    async with recorded.running():
        for number in range(3):
            recorded.collector.closed(recorded.open(key=str(number)))
        await wait_until_async(lambda: len(recorded.records) == 3)


async def test_names_are_asked_once_and_never_on_the_loop() -> None:
    """A directory service that hangs stops nobody from opening and closing files."""
    release = threading.Event()
    threads: list[threading.Thread] = []

    def slow_name(_uid: int) -> str:
        threads.append(threading.current_thread())
        release.wait(10)
        return "ada"

    recorded = Recorded(batch_size=1, name_of=slow_name)
    async with recorded.running():
        for number in range(50):
            recorded.collector.closed(recorded.open(key=str(number)))
        await wait_until_async(lambda: len(threads) == 1)
        recorded.collector.closed(recorded.open(key="while it hangs"))
        assert recorded.records == []
        release.set()
        await wait_until_async(lambda: len(recorded.records) == 51)
    assert {record.user for record in recorded.records} == {"ada"}
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
    assert recorded.asked == [("pid", 77)]


async def test_the_job_is_resolved_at_open_not_at_close() -> None:
    """The process may be gone when its handle is flushed."""
    recorded = Recorded()
    async with recorded.running():
        recorded.open()
        await wait_until_async(lambda: ("pid", 77) in recorded.asked)
        assert recorded.records == []


async def test_stat_and_list_are_sampled_and_opens_never() -> None:
    """One in ten is drawn by the number given; every open counts."""
    draws = iter([0.05, 0.5, 0.0999, 0.1])
    recorded = Recorded(draw=lambda: next(draws))
    for number in range(4):
        recorded.collector.sampled(
            "stat", ADA, backend="photos", key=str(number), path=f"/photos/{number}", latency_ms=0.25
        )
        recorded.collector.closed(recorded.open(key=f"opened {number}"))
    async with recorded.running():
        pass
    stats = [record for record in recorded.records if record.op == "stat"]
    assert [record.key for record in stats] == ["0", "2"]
    assert (stats[0].user, stats[0].latency_ms, stats[0].opens) == ("ada", 0.25, 0)
    assert sum(record.opens for record in recorded.records) == 4


async def test_a_full_buffer_drops_the_oldest_and_counts() -> None:
    """Recording is bounded while nobody empties it."""
    recorded = Recorded(capacity=5)
    for number in range(8):
        recorded.collector.closed(recorded.open(key=str(number)))
    assert recorded.collector.lost == 3
    async with recorded.running():
        pass
    assert [record.key for record in recorded.records] == ["3", "4", "5", "6", "7"]


async def test_the_log_is_told_up_to_when_it_has_everything() -> None:
    """With the losses since; a window that is open then is handed over first."""
    clock = ManualClock()
    recorded = Recorded(capacity=5, clock=clock)
    for number in range(8):
        recorded.collector.closed(recorded.open(key=str(number)))
    clock.advance(2.5)
    async with recorded.running():
        pass
    assert recorded.log.claims == [(clock.wall(), 3)]
    assert recorded.collector.recorded == 5


async def test_every_interval_is_told_also_when_nothing_happens() -> None:
    """Silence is a fact; losses are told once."""
    recorded = Recorded(flush_interval=0.02, capacity=1)
    recorded.collector.closed(recorded.open(key="1"))
    recorded.collector.closed(recorded.open(key="2"))
    async with recorded.running():
        await wait_until_async(lambda: len(recorded.log.claims) >= 3)
    assert [lost for _, lost in recorded.log.claims[:3]] == [1, 0, 0]
    moments = [until for until, _ in recorded.log.claims]
    assert moments == sorted(moments)


async def test_what_cannot_be_handed_over_at_the_end_is_lost_and_claims_nothing() -> None:
    """A directory service that hangs while the agent stops: the rest is counted."""
    release = threading.Event()
    recorded = Recorded(name_of=lambda _: str(release.wait(10)))
    recorded.collector.closed(recorded.open())
    try:
        async with recorded.running():
            pass
    finally:
        release.set()
    assert (recorded.records, recorded.log.claims, recorded.collector.lost) == ([], [], 1)


async def test_switched_off_it_counts_for_its_owner_and_records_nothing() -> None:
    """The read path need not know."""
    recorded = Recorded(enabled=False, draw=lambda: 0.0)
    totals = recorded.open()
    totals.served(10, 1.0, hit=True)
    assert totals.bytes_read == 10
    recorded.collector.sampled("stat", ADA, backend="photos", key="a", path="/photos/a", latency_ms=1)
    recorded.collector.closed(totals)
    async with recorded.running():
        pass
    assert recorded.records == []
