"""Ingest: records a second from a gRPC client to PostgreSQL's commit, beside a bare COPY of the same rows.

The storage index holds the keys already, as after a crawl, so that every first access of a day raises an object's last
access. The control plane, its ingest process, PostgreSQL and the client share the machine.
"""

import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from benchmarks.control.plan import ControlPlan
from benchmarks.control.process import served
from benchmarks.governance.ingest_load import BACKEND, BATCH, IN_FLIGHT, KEYS, NODES, USERS, batches, send_all
from benchmarks.results import OURS, Result
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.migrating import migrate

AT_LEAST: Final = 100_000
BARE: Final = "bare COPY"
SEED: Final = 4
RATE: Final = 130_000
"""Records a second for which a round has enough."""

_INDEX: Final = f"""
    INSERT INTO storage.places (place) VALUES ('unknown|name={BACKEND}');
    INSERT INTO storage.keys (place_id, key)
    SELECT 1, format('train/shard-%s/sample-%s.tar', to_char(n / 1000, 'FM0000'), to_char(n, 'FM0000000'))
    FROM generate_series(0, {KEYS} - 1) AS n;
    INSERT INTO storage.objects (id, size, modified_at, first_seen, place_id, backend_id, owner_id, class_id,
        digest_kind, version_hash)
    SELECT id, 1000000, now(), now(), 1, 1, 0, 0, 0, id FROM storage.keys;
    ANALYZE storage.keys;
    ANALYZE storage.objects;
"""


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Take turns, each round on a database of its own."""
    messages = list(batches(max(1, round(RATE * plan.seconds / BATCH)), SEED))
    records = len(messages) * BATCH
    result = Result(
        "ingest",
        f"{records:,} records, {USERS:,} users, Zipf over {KEYS:,} keys, end to end",
        "records/s",
        {OURS: [], BARE: []},
        goal=f">= {AT_LEAST:,} records/s",
        note=f"batches of {BATCH:,} ({len(messages[0]) / BATCH:.0f} bytes a record) of {NODES} nodes, {IN_FLIGHT} "
        f"under way; seed {SEED}; bare COPY of the same rows, in binary, into an equal table without indexes",
    )
    spent: dict[str, float] = {}
    for _ in range(plan.rounds):
        place = await plan.fresh()
        await migrate(place)
        owner = await connect(place, Role.OWNER, application_name="benchmark", patience_s=None)
        try:
            await owner.execute(_INDEX)
            result.series[OURS].append(records / await _ours(place, messages, spent))
            counted = await owner.fetchrow(
                "SELECT (SELECT count(*) FROM telemetry.records) AS records, "
                "(SELECT sum(records) FROM telemetry.activity) AS counted, "
                "(SELECT count(*) FROM telemetry.rollups) AS rollups, "
                "(SELECT count(*) FROM storage.objects WHERE last_access IS NOT NULL) AS objects"
            )
            assert counted is not None, "a row of counts"
            assert counted["records"] == counted["counted"] == records, "every record is counted once"
            result.extra = {"rollups": counted["rollups"], "objects accessed": counted["objects"]}
            result.series[BARE].append(records / await _bare(owner))
        finally:
            await owner.close()
    result.judge(result.median(OURS) / AT_LEAST, at_least=1.0)
    share = result.median(OURS) / result.median(BARE)
    result.extra["of bare COPY"] = round(share, 3)
    each = {name: seconds / records / plan.rounds * 1e6 for name, seconds in spent.items()}
    result.extra["CPU us a record"] = {name: round(value, 2) for name, value in each.items()}
    result.note += "; CPU us a record: " + ", ".join(f"{name} {value:.1f}" for name, value in each.items())
    result.note += f"; {share:.2f} of bare COPY; {result.extra['rollups']:,} rollups, "
    result.note += f"{result.extra['objects accessed']:,} objects"
    return [result]


async def _ours(place: DatabasePlace, messages: Sequence[bytes], spent: dict[str, float]) -> float:
    """Send everything; return the seconds, and add the CPU seconds of everybody who worked to `spent`."""
    with tempfile.TemporaryDirectory(prefix="wd-bench-") as folder, served(place, Path(folder)) as plane:
        marks = {
            "API": f"warpdrive-control --config {folder}",
            "ingest": "warpdrive.entrypoints.control.ingesting",
            "PostgreSQL": f"postgres: {place.users[Role.APP]} {place.name}",
        }
        before = {name: cpu_seconds(mark) for name, mark in marks.items()}
        client = time.process_time()
        took = await anyio.to_thread.run_sync(send_all, plane, messages)
        spent["client"] = spent.get("client", 0.0) + time.process_time() - client
        for name, mark in marks.items():
            spent[name] = spent.get(name, 0.0) + cpu_seconds(mark) - before[name]
        return took


def cpu_seconds(mark: str) -> float:
    """Return the CPU seconds so far of all processes whose command line holds a text."""
    ticks = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):  # it has ended
                if mark in process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                    fields = process.joinpath("stat").read_text().rpartition(")")[2].split()
                    ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _bare(owner: Any) -> float:
    """COPY what is stored once more, from memory; return the seconds."""
    await owner.execute("CREATE TABLE public.bare (LIKE telemetry.records)")
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(part)

    await owner.copy_from_query("SELECT * FROM telemetry.records", output=keep, format="binary")

    async def again() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    began = time.perf_counter()
    await owner.copy_to_table("bare", source=again(), format="binary")
    return time.perf_counter() - began
