"""Cold sequential read, one thread: a fresh object and a fresh cache each time; shaped to 4 Gbit/s and unshaped."""

import contextlib
from collections.abc import Iterator

from benchmarks.downloader import download
from benchmarks.link import link
from benchmarks.measure import megabytes_per_second
from benchmarks.plan import Measure, Plan
from benchmarks.results import OURS, Result
from benchmarks.server import MIB, Server, server
from benchmarks.subjects import Rclone, S3fs, Subject, WarpDrive, mounted

GIGABITS = 4.0
LINK = GIGABITS * 1000 / 8
"""What the shaped link carries at most, MB/s, headers included."""


def _measure(plan: Plan, store: Server, result: Result, subjects: list[Subject], size: int) -> None:
    latest: dict[int, str] = {}

    def fresh_object(number: int) -> str:
        """One object per round, the same for every subject: the server holds it in memory anyway."""
        if number not in latest:
            for old in latest:
                store.delete(f"cold-{old}.bin")
            latest.clear()
            latest[number] = store.put(f"cold-{number}.bin", size, seed=number)
        return latest[number]

    def through(subject: Subject) -> Measure:
        def measure(number: int) -> float:
            fresh_object(number)
            with mounted(subject, plan.folder) as mount:
                return megabytes_per_second(mount.root / f"cold-{number}.bin", size)

        return measure

    def to_disk(number: int) -> float:
        target = plan.folder / "downloaded.bin"
        try:
            return download(fresh_object(number), size, target)
        finally:
            target.unlink(missing_ok=True)

    measures: dict[str, Measure] = {subject.name: through(subject) for subject in subjects}
    measures["downloader to disk"] = to_disk
    measures["downloader, discarding"] = lambda number: download(fresh_object(number), size, None)
    plan.interleave(result, measures)


def run_shaped(plan: Plan) -> Iterator[Result]:
    """The server stands behind a wire of 4 Gbit/s."""
    title = "cold sequential read, 1 thread, link 4 Gbit/s"
    result = Result("cold-read-shaped", title, "MB/s", {}, goal=">= 0.90 of the link (500 MB/s)")
    size = plan.size(1024 * MIB, 256 * MIB)
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(link())
        store = stack.enter_context(server(plan.folder, wire))
        wire.shape(GIGABITS)
        _measure(plan, store, result, [WarpDrive(store.endpoint), Rclone(store.endpoint)], size)
    if OURS in result.series:
        result.judge(result.median(OURS) / LINK, at_least=0.90)
        if "downloader, discarding" in result.series:
            carried = result.median("downloader, discarding")
            result.extra["ratio to what the link carried"] = result.median(OURS) / carried
            result.note = f"{result.median(OURS) / carried:.2f} of what a bare downloader got through the link"
    yield result


def run_unshaped(plan: Plan) -> Iterator[Result]:
    """The server stands on loopback."""
    result = Result("cold-read", "cold sequential read, 1 thread, loopback", "MB/s", {}, goal=">= 2 x rclone mount")
    size = plan.size(1024 * MIB, 256 * MIB)
    with server(plan.folder) as store:
        subjects: list[Subject] = [WarpDrive(store.endpoint), Rclone(store.endpoint), S3fs(store.endpoint)]
        _measure(plan, store, result, subjects, size)
    result.judge_against(["rclone"], 2.0)
    if OURS in result.series and "downloader to disk" in result.series:
        ratio = result.median(OURS) / result.median("downloader to disk")
        result.extra["ratio to the bare downloader"] = ratio
        result.note = f"{ratio:.2f} of the bare 16-way downloader to the same disk"
    yield result
