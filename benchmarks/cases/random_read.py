"""Cold random 64 KiB: how many bytes cross the wire for each byte asked, counted on the server's wire."""

import contextlib
from collections.abc import Iterator
from time import perf_counter

from benchmarks.link import Link, link
from benchmarks.measure import RECORD, offsets, read_records
from benchmarks.plan import Measure, Plan
from benchmarks.results import OURS, Result
from benchmarks.server import MIB, server
from benchmarks.subjects import Rclone, S3fs, Subject, WarpDrive, mounted
from hack.run_local.metrics import scrape

KEY = "random.bin"
PAGE = 4096


def run(plan: Plan) -> Iterator[Result]:
    """Once with records that start on multiples of 64 KiB (the goal), once with records that start anywhere."""
    size = plan.size(1024 * MIB, 256 * MIB)
    count = plan.size(400, 100)
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(link())
        store = stack.enter_context(server(plan.folder, wire))
        store.put(KEY, size)
        subjects: list[Subject] = [WarpDrive(store.endpoint), Rclone(store.endpoint), S3fs(store.endpoint)]
        for grain, title, goal in (
            (RECORD, "cold random 64 KiB, aligned", "<= 4 bytes fetched per byte asked"),
            (PAGE, "cold random 64 KiB, any page", "reported"),
        ):
            result = Result("random-read", title, "bytes/byte", {}, goal=goal)
            speeds: dict[str, list[float]] = {}
            measures = {s.name: _counter(plan, wire, s, size, count, grain, speeds, result) for s in subjects}
            plan.interleave(result, measures)
            result.extra["reads per second"] = speeds
            if OURS in result.series and grain == RECORD:
                result.judge(result.median(OURS), at_most=4.0)
            yield result


def _counter(
    plan: Plan,
    wire: Link,
    subject: Subject,
    size: int,
    count: int,
    grain: int,
    speeds: dict[str, list[float]],
    result: Result,
) -> Measure:
    def measure(number: int) -> float:
        places = offsets(size, count, number, grain)
        with mounted(subject, plan.folder) as mount:
            path = mount.root / KEY
            path.stat()  # finding the file is not reading it
            before, started = wire.bytes_from_server(), perf_counter()
            asked = read_records(path, places)
            seconds = perf_counter() - started
            fetched = wire.bytes_from_server() - before
            if mount.metrics_address:
                ours = scrape(mount.metrics_address).get("warpdrive_backend_bytes_read_total", 0.0)
                result.extra["bytes per byte by the agent's own count"] = ours / asked
        speeds.setdefault(subject.name, []).append(count / seconds)
        return fetched / asked

    return measure
