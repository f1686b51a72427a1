"""Warm sequential read, one thread: the cache file is resident, the mount's own pages are dropped before each read."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import drop_pages, megabytes_per_second, read_sequentially
from benchmarks.plan import MEASUREMENT_FAULTS, Measure, Plan
from benchmarks.results import OURS, Result
from benchmarks.server import MIB, server
from benchmarks.subjects import Rclone, S3fs, Subject, WarpDrive, await_cached, mounted

KEY = "warm.bin"


def run(plan: Plan) -> Iterator[Result]:
    """Compare our cache with the peers' caches and with the same bytes in a local file."""
    size = plan.size(1024 * MIB, 128 * MIB)
    result = Result("warm-read", "warm sequential read, 1 thread", "MB/s", {}, goal=">= 2 x rclone mount (2.5 wanted)")
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(server(plan.folder))
        store.put(KEY, size)
        measures: dict[str, Measure] = {}
        subjects: list[Subject] = [WarpDrive(store.endpoint), Rclone(store.endpoint), S3fs(store.endpoint)]
        for subject in subjects:
            try:
                path = stack.enter_context(mounted(subject, plan.folder)).root / KEY
                for _ in range(2):  # the second time brings the cache file into memory
                    read_sequentially(path)
                    drop_pages(path)
                if subject.name == OURS:
                    await_cached(path)
            except MEASUREMENT_FAULTS as fault:
                result.failures[subject.name] = f"{type(fault).__name__}: {fault}".splitlines()[0]
                continue
            measures[subject.name] = _reader(path, size, dropped=True)
            if subject.name == OURS:
                local = plan.folder / "local.bin"
                shutil.copyfile(path, local)
                stack.callback(local.unlink)
                measures["local file"] = _reader(local, size, dropped=False)
        plan.interleave(result, measures)
    result.judge_against(["rclone"], 2.0)
    if OURS in result.series and "local file" in result.series:
        result.extra["ratio to the local file"] = result.median(OURS) / result.median("local file")
        result.note = f"{result.extra['ratio to the local file']:.2f} of the local file (in the page cache)"
    yield result


def _reader(path: Path, size: int, *, dropped: bool) -> Measure:
    def measure(_: int) -> float:
        if dropped:
            drop_pages(path)
        return megabytes_per_second(path, size)

    return measure
