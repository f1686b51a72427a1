"""First epoch of sequential shards over a link of 4 Gbit/s: files read one after another in name order."""

import contextlib
from collections.abc import Iterator

from benchmarks.cases.cold_read import GIGABITS, LINK
from benchmarks.link import link
from benchmarks.measure import rate_of, read_sequentially
from benchmarks.plan import Measure, Plan
from benchmarks.results import OURS, Result
from benchmarks.server import MIB, server
from benchmarks.subjects import Rclone, Subject, WarpDrive, mounted


def run(plan: Plan) -> Iterator[Result]:
    """Sixteen shards of 128 MiB, one reader."""
    shards, size = 16, plan.size(128 * MIB, 16 * MIB)
    names = [f"shards/train-{number:05d}.tar" for number in range(shards)]
    title = f"first epoch of {shards} shards of {size // MIB} MiB, link 4 Gbit/s"
    result = Result("epoch", title, "MB/s", {}, goal=">= 0.90 of the link (500 MB/s)")
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(link())
        store = stack.enter_context(server(plan.folder, wire))
        for number, name in enumerate(names):
            store.put(name, size, seed=number)
        wire.shape(GIGABITS)

        def through(subject: Subject) -> Measure:
            def measure(_: int) -> float:
                with mounted(subject, plan.folder) as mount:
                    paths = [mount.root / name for name in names]
                    return rate_of(lambda: sum(read_sequentially(path) for path in paths), shards * size)

            return measure

        subjects: list[Subject] = [WarpDrive(store.endpoint), Rclone(store.endpoint)]
        plan.interleave(result, {subject.name: through(subject) for subject in subjects})
    if OURS in result.series:
        result.judge(result.median(OURS) / LINK, at_least=0.90)
    yield result
