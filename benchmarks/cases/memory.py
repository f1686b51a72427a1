"""Anonymous memory of the agent while it reads ten times what it may hold, four readers at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measure import AnonymousMemory, read_sequentially
from benchmarks.plan import Measure, Plan
from benchmarks.results import OURS, Result
from benchmarks.server import MIB, server
from benchmarks.subjects import Rclone, Subject, WarpDrive, mounted

LIMIT = 128
"""`memory_limit`, MiB."""
ALLOWED = 256 + LIMIT
READERS = 4


def run(plan: Plan) -> Iterator[Result]:
    """Peak RssAnon, sampled every 50 ms."""
    size = plan.size(ALLOWED * 10 * MIB // READERS, 64 * MIB)
    title = f"peak anonymous memory reading {READERS * size // MIB} MiB, memory_limit {LIMIT}MB"
    result = Result("memory", title, "MiB", {}, goal=f"<= {ALLOWED} MiB (256 MiB + memory_limit)")
    names = [f"memory-{number}.bin" for number in range(READERS)]
    with server(plan.folder) as store:
        for number, name in enumerate(names):
            store.put(name, size, seed=number)

        def through(subject: Subject) -> Measure:
            def measure(_: int) -> float:
                with mounted(subject, plan.folder) as mount, AnonymousMemory(mount.child.pid) as memory:
                    with ThreadPoolExecutor(READERS) as pool:
                        total = sum(pool.map(lambda name: read_sequentially(mount.root / name), names))
                    if total != size * READERS:
                        raise OSError(f"{total} bytes read where {size * READERS} were expected")
                return memory.peak / MIB

            return measure

        subjects: list[Subject] = [
            WarpDrive(store.endpoint, cache={"memory_limit": f"{LIMIT}MB"}),
            Rclone(store.endpoint),
        ]
        plan.interleave(result, {subject.name: through(subject) for subject in subjects})
    if OURS in result.series:
        result.judge(max(result.series[OURS]) / ALLOWED, at_most=1.0)
        result.note = "judged by the worst round, not the median"
    yield result
