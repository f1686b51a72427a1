"""Warming a tree: what is fetched, what is skipped, what is said at the end."""

import anyio
import pytest

from tests.support.clocks import RealClock
from tests.support.manual_clock import ManualClock
from tests.support.ports import wait_until_async
from tests.support.small_tree import SmallFiller, SmallTree
from warpdrive.application.mount.errors import NoSuchEntry
from warpdrive.application.mount.warming import Warmer, WarmProgress, WarmRequest, WarmRun

SIZES = {"/photos/a": 100, "/photos/b": 200, "/photos/deep/c": 300, "/photos/empty": 0}


def planned(request: WarmRequest, filler: SmallFiller, tree: SmallTree | None = None) -> WarmRun:
    """Plan a run over the small tree."""
    return Warmer(tree or SmallTree(SIZES), filler, RealClock()).plan(request)


async def warmed(request: WarmRequest, filler: SmallFiller, tree: SmallTree | None = None) -> WarmProgress:
    """Run to the end."""
    return await planned(request, filler, tree).run()


async def test_everything_below_the_path_is_fetched() -> None:
    """Files and bytes add up, nothing is missing."""
    filler = SmallFiller()
    result = await warmed(WarmRequest("/photos", recursive=True), filler)
    assert result.complete
    assert (result.files, result.files_total) == (4, 4)
    assert (result.bytes, result.bytes_total, result.bytes_found) == (600, 600, 0)
    assert filler.cached == {"/photos/a": 100, "/photos/b": 200, "/photos/deep/c": 300}


async def test_without_recursive_only_the_directory_itself() -> None:
    """As `ls` would show it."""
    filler = SmallFiller()
    result = await warmed(WarmRequest("/photos"), filler)
    assert result.complete
    assert set(filler.cached) == {"/photos/a", "/photos/b"}


async def test_a_single_file() -> None:
    """The path may name a file."""
    filler = SmallFiller()
    assert (await warmed(WarmRequest("/photos/b"), filler)).bytes == 200
    assert set(filler.cached) == {"/photos/b"}


async def test_a_second_run_fetches_nothing_and_says_what_it_found() -> None:
    """Resumable by nature: cached bytes are counted, not moved."""
    filler = SmallFiller()
    filler.cached = {"/photos/a": 100, "/photos/b": 50}
    result = await warmed(WarmRequest("/photos", recursive=True), filler)
    assert result.complete
    assert (result.bytes, result.bytes_found) == (600, 150)
    assert sum(count for _, count in filler.fetched) == 450
    again = await warmed(WarmRequest("/photos", recursive=True), filler)
    assert (again.bytes, again.bytes_found) == (600, 600)
    assert sum(count for _, count in filler.fetched) == 450


async def test_max_size_stops_the_walk_and_fills_the_last_file_in_part() -> None:
    """At most so many bytes, in the order of the tree; the result says that there was more."""
    filler = SmallFiller()
    result = await warmed(WarmRequest("/photos", recursive=True, max_size=250), filler)
    assert filler.cached == {"/photos/a": 100, "/photos/b": 150}
    assert (result.files, result.bytes, result.bytes_total, result.limited) == (2, 250, 250, True)
    assert result.complete


async def test_max_size_that_holds_all_limits_nothing() -> None:
    """An exact fit is not a limit."""
    result = await warmed(WarmRequest("/photos/deep", recursive=True, max_size=300), SmallFiller())
    assert result.complete
    assert not result.limited


async def test_check_reports_what_is_missing_and_fetches_nothing() -> None:
    """Names, files and bytes."""
    filler = SmallFiller()
    filler.cached = {"/photos/a": 100, "/photos/b": 50}
    result = await warmed(WarmRequest("/photos", recursive=True, check=True), filler)
    assert not result.complete
    assert (result.missing_files, result.missing_bytes) == (2, 450)
    assert result.missing == ("/photos/b", "/photos/deep/c")
    assert (result.files, result.files_total, result.bytes, result.bytes_total) == (2, 4, 150, 600)
    assert filler.fetched == []


async def test_a_file_that_fails_costs_only_itself() -> None:
    """Its fault is named, the others are warm, and it is missing at the end."""
    filler = SmallFiller(broken=["/photos/b"])
    result = await warmed(WarmRequest("/photos", recursive=True), filler)
    assert not result.complete
    assert [(fault.path, fault.detail) for fault in result.failures] == [
        ("/photos/b", "unavailable: cannot reach /photos/b")
    ]
    assert result.missing == ("/photos/b",)
    assert filler.cached["/photos/deep/c"] == 300


async def test_a_directory_that_cannot_be_listed_is_a_failure_once() -> None:
    """Said once, though the tree is walked twice."""
    tree = SmallTree(SIZES, unlisted=["/photos/secret"])
    result = await warmed(WarmRequest("/photos", recursive=True), SmallFiller(), tree)
    assert result.failed == 1
    assert result.failures[0].path == "/photos/secret"
    assert not result.complete
    assert result.missing_files == 0


async def test_a_set_larger_than_the_cache_is_missing_its_beginning() -> None:
    """Filled and pushed out again is not warm, and the result does not claim it."""
    result = await warmed(WarmRequest("/photos", recursive=True, workers=1), SmallFiller(capacity=400))
    assert result.failed == 0
    assert result.missing_files > 0
    assert not result.complete


async def test_a_missing_path_is_an_error_of_its_own() -> None:
    """Raised plainly, with and without check."""
    for check in (False, True):
        with pytest.raises(NoSuchEntry):
            await warmed(WarmRequest("/nowhere", check=check), SmallFiller())


async def test_no_more_workers_than_asked() -> None:
    """Two workers, three files: two at a time."""
    filler = SmallFiller()
    filler.gate = anyio.Event()
    run = planned(WarmRequest("/photos", recursive=True, workers=2), filler)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.run)
        await wait_until_async(lambda: filler.busy == 2 and run.progress().walked)
        assert run.progress().files_total == 4
        filler.gate.set()
    assert filler.busiest == 2
    assert run.progress().complete


async def test_cancelling_stops_every_worker_and_keeps_what_is_cached() -> None:
    """Ctrl-C: nothing goes on behind the operator's back."""
    filler = SmallFiller()
    filler.cached = {"/photos/a": 100}
    filler.gate = anyio.Event()
    run = planned(WarmRequest("/photos", recursive=True), filler)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.run)
        await wait_until_async(lambda: filler.busy == 2)
        tasks.cancel_scope.cancel()
    assert (filler.busy, filler.cancelled) == (0, 2)
    assert filler.cached == {"/photos/a": 100}
    assert not run.progress().finished


async def test_rate_and_eta_come_from_fetched_bytes_only() -> None:
    """Found bytes cost no time: 100 of 600 found, 200 fetched in four seconds, 300 left take six."""
    clock = ManualClock()
    filler = SmallFiller()
    filler.cached = {"/photos/a": 100}
    filler.gate = anyio.Event()
    filler.held = ["/photos/deep/c"]
    run = Warmer(SmallTree(SIZES), filler, clock).plan(WarmRequest("/photos", recursive=True, workers=1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.run)
        await wait_until_async(lambda: filler.busy == 1 and filler.cached.get("/photos/b") == 200)
        await wait_until_async(lambda: run.progress().walked)
        assert run.progress().eta is None
        clock.advance(4.0)
        halfway = run.progress()
        tasks.cancel_scope.cancel()
    assert halfway.bytes_per_second == 50.0
    assert halfway.eta == 6.0


@pytest.mark.parametrize(
    "wrong",
    [{"path": "photos"}, {"path": "/", "workers": 0}, {"path": "/", "workers": 1000}, {"path": "/", "max_size": 0}],
)
def test_a_request_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    """Before anything starts."""
    with pytest.raises(ValueError, match=r"path|workers|max_size"):
        WarmRequest(**wrong)  # type: ignore[arg-type]  # the point is the wrong value
