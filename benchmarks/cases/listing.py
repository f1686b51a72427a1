"""100,000 names in one directory: listed cold beside the bare paging of the same server, then warm."""

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


def run(plan: Plan) -> Iterator[Result]:
    """Each round: a fresh mount, a cold listing, then `ls -U` and `ls -l` of what is known by now."""
    count = plan.size(100_000, 20_000)
    cold = Result("listing", f"list {count:,} names cold", "names/s", {}, goal=">= 0.8 of the backend's own paging")
    warm = Result("listing", f"warm ls -U of {count:,}", "s", {}, goal=f"<= {WARM_GOAL_SECONDS} s")
    long = Result("listing", f"warm ls -l of {count:,}", "s", {})
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "benchmarks.listing_server", "127.0.0.1", str(port), str(count)]
    child = Child("listing server", command, plan.folder / "listing.log")
    try:
        child.wait_until(lambda: accepts(port))

        def through(subject: Subject) -> Measure:
            def measure(_: int) -> float:
                with mounted(subject, plan.folder) as mount:
                    folder = mount.root / FOLDER
                    started = perf_counter()
                    seen = sum(1 for _ in os.scandir(folder))
                    seconds = perf_counter() - started
                    if seen != count:
                        raise OSError(f"{seen} names listed where {count} were expected")
                    warm.series.setdefault(subject.name, []).append(_ls("-U", folder))
                    long.series.setdefault(subject.name, []).append(_ls("-l", folder))
                return count / seconds

            return measure

        def bare(_: int) -> float:
            names, seconds = list_names(endpoint, BUCKET, FOLDER)
            if names != count:
                raise OSError(f"{names} names paged where {count} were expected")
            return names / seconds

        subjects: list[Subject] = [WarpDrive(endpoint), Rclone(endpoint)]
        measures = {subject.name: through(subject) for subject in subjects}
        plan.interleave(cold, {**measures, "bare paging": bare})
    finally:
        child.stop()
    cold.judge_against(["bare paging"], 0.8)
    warm.failures.update({name: why for name, why in cold.failures.items() if name not in warm.series})
    if warm.series.get(OURS):
        warm.judge(warm.median(OURS) / WARM_GOAL_SECONDS, at_most=1.0)
    yield from (cold, warm, long)


def _ls(option: str, folder: Path) -> float:
    """Seconds that ls takes. Raises CalledProcessError."""
    started = perf_counter()
    subprocess.run(["ls", option, str(folder)], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started
