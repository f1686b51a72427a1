"""Cold small files: open, read 100 KB, close; in name order by one thread, and shuffled by eight."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measure import files_per_second
from benchmarks.plan import Measure, Plan
from benchmarks.results import Result
from benchmarks.server import server
from benchmarks.subjects import Rclone, S3fs, Subject, WarpDrive, mounted

SIZE = 100_000
PER_DIRECTORY = 500


def run(plan: Plan) -> Iterator[Result]:
    """Each round reads every file once through a fresh mount."""
    count = plan.size(2000, 400)
    names = [f"small/{number // PER_DIRECTORY:02d}/{number:06d}.bin" for number in range(count)]
    with server(plan.folder) as store:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: store.put(name, SIZE), names))
        subjects: list[Subject] = [WarpDrive(store.endpoint), Rclone(store.endpoint), S3fs(store.endpoint)]

        def through(subject: Subject, threads: int, *, shuffled: bool) -> Measure:
            def measure(number: int) -> float:
                order = random.Random(number).sample(names, len(names)) if shuffled else names
                with mounted(subject, plan.folder) as mount:
                    return files_per_second([mount.root / name for name in order], SIZE, threads)

            return measure

        title = "cold small files (100 KB), name order, 1 thread"
        result = Result("small-files", title, "files/s", {}, goal=">= 2 x rclone and s3fs")
        plan.interleave(result, {s.name: through(s, 1, shuffled=False) for s in subjects})
        result.judge_against(["rclone", "s3fs"], 2.0)
        yield result
        result = Result("small-files", "cold small files (100 KB), shuffled, 8 threads", "files/s", {})
        plan.interleave(result, {s.name: through(s, 8, shuffled=True) for s in subjects})
        yield result
