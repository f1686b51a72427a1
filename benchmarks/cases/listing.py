"""100,000 names in one directory: listed cold beside the bare paging of the same server, then warm.

The goal is held where a page takes 30 ms, quicker than S3 mostly is; the same without any wait is reported.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from benchmarks.downloader import list_names
from benchmarks.listing_server import FOLDER
from benchmarks.plan import Measure, Plan
from benchmarks.results import OURS, Result
from benchmarks.server import BUCKET
from benchmarks.subjects import Rclone, Subject, WarpDrive, mounted
from hack.run_local.processes import Child, accepts, free_port

WARM_GOAL_SECONDS = 0.5
PAGE_MILLISECONDS = 30


@contextlib.contextmanager
def _paging_server(plan: Plan, count: int, milliseconds: int) -> Iterator[str]:
    port = free_port()
    words = ["127.0.0.1", str(port), str(count), str(milliseconds)]
    child = Child(
        "listing server", [sys.executable, "-m", "benchmarks.listing_server", *words], plan.folder / "listing.log"
    )
    try:
        child.wait_until(lambda: accepts(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def run(plan: Plan) -> Iterator[Result]:
    """Each round: a fresh mount, a cold listing; without the wait also `ls -U` and `ls -l` of what is known then."""
    count = plan.size(100_000, 20_000)
    goal = ">= 0.8 of the backend's own paging"
    cold = Result("listing", f"list {count:,} names cold, {PAGE_MILLISECONDS} ms a page", "names/s", {}, goal=goal)
    with _paging_server(plan, count, PAGE_MILLISECONDS) as endpoint:
        _compare(plan, cold, endpoint, count, [])
    cold.judge_against(["bare paging"], 0.8)
    yield cold
    eager = Result("listing", f"list {count:,} names cold, no wait", "names/s", {})
    warm = Result("listing", f"warm ls -U of {count:,}", "s", {}, goal=f"<= {WARM_GOAL_SECONDS} s")
    long = Result("listing", f"warm ls -l of {count:,}", "s", {})
    with _paging_server(plan, count, 0) as endpoint:
        _compare(plan, eager, endpoint, count, [("-U", warm), ("-l", long)])
    for result in (warm, long):
        result.failures.update(eager.failures)
        result.series = {name: figures for name, figures in result.series.items() if name not in result.failures}
    if OURS in warm.series:
        warm.judge(warm.median(OURS) / WARM_GOAL_SECONDS, at_most=1.0)
    yield from (eager, warm, long)


def _compare(plan: Plan, result: Result, endpoint: str, count: int, warm: list[tuple[str, Result]]) -> None:
    def through(subject: Subject) -> Measure:
        def measure(_: int) -> float:
            with mounted(subject, plan.folder) as mount:
                folder = mount.root / FOLDER
                started = perf_counter()
                seen = sum(1 for _ in os.scandir(folder))
                seconds = perf_counter() - started
                if seen != count:
                    raise OSError(f"{seen} names listed where {count} were expected")
                for option, kept in warm:
                    kept.series.setdefault(subject.name, []).append(_ls(option, folder))
            return count / seconds

        return measure

    def bare(_: int) -> float:
        names, seconds = list_names(endpoint, BUCKET, FOLDER)
        if names != count:
            raise OSError(f"{names} names paged where {count} were expected")
        return names / seconds

    subjects: list[Subject] = [WarpDrive(endpoint), Rclone(endpoint)]
    plan.interleave(result, {**{subject.name: through(subject) for subject in subjects}, "bare paging": bare})


def _ls(option: str, folder: Path) -> float:
    """Seconds that ls takes. Raises CalledProcessError."""
    started = perf_counter()
    subprocess.run(["ls", option, str(folder)], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started
