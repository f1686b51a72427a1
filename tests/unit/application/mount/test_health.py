"""Health: checks side by side, bounded, remembered for a while."""

import threading
import time

import anyio
import pytest

from tests.support.agent_readings import cache_stats
from tests.support.clocks import RealClock
from tests.support.health_checks import FixedCheck
from tests.support.manual_clock import ManualClock
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.application.mount.backends import MountedBackend
from warpdrive.application.mount.health import (
    CacheOpens,
    CheckFailedError,
    Health,
    MountAnswers,
    backend_checks,
)
from warpdrive.application.ports.errors import Unavailable
from warpdrive.application.ports.objects import ListPage
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry


class HangingCheck:
    """Never answers."""

    name = "hanging"

    async def probe(self) -> str:
        """Wait for ever."""
        await anyio.sleep_forever()
        raise AssertionError


class SlowMount(MountAnswers):
    """A mount point whose statvfs waits until it is let go."""

    def __init__(self) -> None:
        super().__init__("/")
        self.release = threading.Event()

    def _statvfs(self) -> object:  # type: ignore[override]  # only that it returns matters
        self.release.wait(10)
        return super()._statvfs()


class UnreachableReader(MemoryStore):
    """A backend behind a closed port."""

    async def list_page(self, *_arguments: object, **_options: object) -> ListPage:
        """Refuse."""
        raise Unavailable("connection refused")


async def test_all_well_is_ok_and_one_failure_is_degraded() -> None:
    """Every check is in the report, in order, with its words."""
    clock = ManualClock()
    good, bad = FixedCheck("mount", "answers"), FixedCheck("backend:x", fault="refused")
    assert (await Health([good], clock).report()).status == "ok"
    report = await Health([bad, good], clock).report()
    assert report.status == "degraded"
    assert [(check.name, check.ok, check.detail) for check in report.checks] == [
        ("backend:x", False, "refused"),
        ("mount", True, "answers"),
    ]


async def test_an_outcome_is_kept_for_a_while_and_then_asked_again() -> None:
    """Probes cost the backend one question per `max_age`; the age is told."""
    clock = ManualClock()
    check = FixedCheck("backend:x")
    health = Health([check], clock, max_age=5.0)
    await health.report()
    clock.advance(4.0)
    assert (await health.report()).checks[0].age == 4.0
    assert check.asked == 1
    check.fault = "gone"
    clock.advance(1.0)
    report = await health.report()
    assert (report.status, check.asked, report.checks[0].age) == ("degraded", 2, 0.0)


async def test_probes_that_arrive_together_share_one_round() -> None:
    """Ten load balancers ask once."""
    check = FixedCheck("backend:x")
    health = Health([check], ManualClock())
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(health.report)
    assert check.asked == 1


async def test_a_check_that_hangs_is_unwell_at_its_deadline_beside_the_others() -> None:
    """The whole report takes about one deadline."""
    started = time.monotonic()
    report = await Health([HangingCheck(), FixedCheck("mount")], RealClock(), deadline=0.1).report()
    assert time.monotonic() - started < 2.0
    assert [check.ok for check in report.checks] == [False, True]
    assert "no answer within 0.1 s" in report.checks[0].detail


async def test_a_mount_point_answers_statvfs() -> None:
    """A real directory does."""
    assert "answers" in await MountAnswers("/").probe()


async def test_a_missing_mount_point_is_unwell() -> None:
    """With the system's words."""
    with pytest.raises(CheckFailedError, match="No such file"):
        await MountAnswers("/no/such/mount").probe()


async def test_a_dead_mount_costs_one_thread_however_often_it_is_asked() -> None:
    """While the first statvfs hangs, the next answer comes at once and says so; after it, all is well again."""
    mount = SlowMount()
    health = Health([mount], RealClock(), deadline=0.05, max_age=0.0)
    try:
        assert "no answer" in (await health.report()).checks[0].detail
        assert "has not answered an earlier" in (await health.report()).checks[0].detail
    finally:
        mount.release.set()
    with anyio.fail_after(5):
        while (await health.report()).status != "ok":
            await anyio.lowlevel.checkpoint()


async def test_the_cache_is_well_while_its_index_answers_and_its_disk_stores() -> None:
    """Two ways to be unwell."""

    async def answers() -> None:
        return

    async def refuses() -> None:
        raise OSError("disk I/O error")

    assert "4 objects" in await CacheOpens(cache_stats, answers).probe()
    with pytest.raises(CheckFailedError, match="disk I/O error"):
        await CacheOpens(cache_stats, refuses).probe()
    with pytest.raises(CheckFailedError, match="uncached"):
        await CacheOpens(lambda: cache_stats(degraded=True), answers).probe()


async def test_backends() -> None:
    """One that lists is well; one that refuses, or could not be built, is not, and says why."""
    photos, closed, far = (MountEntry(f"/{name}", BackendDefinition(name, "memory")) for name in ("a", "b", "far"))
    well, refusing, absent = backend_checks(
        [
            MountedBackend(photos, MemoryStore(MemoryBucket())),
            MountedBackend(closed, UnreachableReader(MemoryBucket())),
            MountedBackend(far, None, "the azure extra is not installed"),
        ]
    )
    assert await well.probe() == "answers"
    with pytest.raises(CheckFailedError, match="unavailable: connection refused"):
        await refusing.probe()
    assert absent.name == "backend:far"
    with pytest.raises(CheckFailedError, match="azure extra"):
        await absent.probe()


async def test_one_backend_shown_twice_has_two_checks() -> None:
    """Several mount entries may show one backend: each is asked, under a name of its own."""
    definition = BackendDefinition("photos", "memory")
    entries = [MountEntry(path, definition) for path in ("/a", "/b")]
    checks = backend_checks(MountedBackend(entry, MemoryStore(MemoryBucket())) for entry in entries)
    assert [check.name for check in checks] == ["backend:photos", "backend:photos at /b"]


async def test_checks_may_come_and_go() -> None:
    """A report asks what is there now; what has gone is not mentioned any more."""
    coming = [FixedCheck("backend:a")]
    health = Health([FixedCheck("mount")], ManualClock(), coming=lambda: coming)
    assert [check.name for check in (await health.report()).checks] == ["mount", "backend:a"]
    coming[:] = [FixedCheck("backend:b", fault="refused")]
    report = await health.report()
    assert [check.name for check in report.checks] == ["mount", "backend:b"]
    assert report.status == "degraded"
