"""How fast objects come into the index: crawls beside nothing but the listing, by the same reader and as parallel.

The store is an S3 listing server whose pages take as long as a real store's. Bare listing, a first crawl (every object
is new) and a second one (nothing changed) take turns; each round has a database of its own.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.control.plan import ControlPlan
from benchmarks.results import OURS, Result
from hack.run_local.processes import Child, accepts, free_port
from warpdrive.adapters.blob.factory import build_backend
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.index.register import PostgresCrawlRegister
from warpdrive.adapters.store.index.runner import PostgresStorageIndex
from warpdrive.adapters.store.migrating import migrate
from warpdrive.application.control.attributing import Attributing
from warpdrive.application.control.crawling.backend_listing import BackendListing, Root
from warpdrive.application.control.crawling.crawl_pass import CrawlPass
from warpdrive.application.ports.crawl_register import CrawlRecord, CrawlState
from warpdrive.application.ports.credentials import Anonymous
from warpdrive.application.ports.listing_source import ListingSource
from warpdrive.domain.namespace.payloads import entry_payload
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry
from warpdrive.entrypoints.process.system_clock import SystemClock

OBJECTS: Final = 1_000_000
QUICK_OBJECTS: Final = 100_000
QUICK_S: Final = 5.0
"""A plan with less time for a figure is a quick one."""
PAGE_MS: Final = 30
"""What stores take for a page of 1,000 names within their region."""
LEAST: Final = 0.8
BARE: Final = "bare listing"
_HOST: Final = "127.0.0.1"

_ENTRY: Final = """
    INSERT INTO read_model.mount_entries (namespace_id, path, entry, backend, fingerprint, tenant)
    SELECT id, '/lake', $1::jsonb, 'lake', $2, '' FROM read_model.namespaces
"""
_NAMESPACE: Final = """
    INSERT INTO read_model.namespaces (id, name, sealed, retired, created_at, version, "position", updated_at)
    VALUES ('one', 'main', false, false, now(), 1, 1, now())
"""


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Take turns and compare the medians."""
    count = QUICK_OBJECTS if plan.seconds < QUICK_S else OBJECTS
    first = Result("crawl", f"first crawl of {count:,} objects", "objects/s", {OURS: [], BARE: []}, goal=">= 0.8")
    again = Result("crawl", "the same again, nothing changed", "objects/s", {OURS: [], BARE: []}, goal=">= 0.8")
    with tempfile.TemporaryDirectory(prefix="wd-bench-") as folder, _store(Path(folder), count) as definition:
        for number in range(plan.rounds):
            place = await plan.fresh()
            await migrate(place)
            await _mount(place, definition)
            # Who begins changes from round to round.
            if number % 2:
                bare = await _listed(definition, count)
            crawls = [await _crawled(place, definition, count) for _ in range(2)]
            if not number % 2:
                bare = await _listed(definition, count)
            for result, seconds in zip((first, again), crawls, strict=True):
                result.series[OURS].append(count / seconds)
                result.series[BARE].append(count / bare)
    for result in (first, again):
        result.judge_against([BARE], LEAST)
        result.note = f"pages of 1,000 after {PAGE_MS} ms; this process's largest memory: {_memory_mib():.0f} MiB"
    return [first, again]


@contextmanager
def _store(folder: Path, count: int) -> Iterator[BackendDefinition]:
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.listing_server", _HOST, str(port), str(count), str(PAGE_MS)]
    server = Child("listing server", words, folder / "listing.log")
    try:
        server.wait_until(lambda: accepts(port))
        options = {"endpoint": f"http://{_HOST}:{port}", "bucket": "bench", "region": "x", "force_path_style": "true"}
        yield BackendDefinition(name="lake", type="s3", options=options)
    finally:
        server.stop()


async def _listed(definition: BackendDefinition, count: int) -> float:
    """List, and do nothing with it; returns the seconds."""
    began = time.perf_counter()
    objects = 0
    async with _source("", [definition]) as source, source.pages([]) as pages:
        async for page in pages:
            objects += len(page.objects)
    assert objects == count, f"{objects} of {count} objects were listed"
    return time.perf_counter() - began


async def _crawled(place: DatabasePlace, definition: BackendDefinition, count: int) -> float:
    """Crawl, from the request to the end; returns the seconds."""
    clock = SystemClock()
    async with open_pool(place, Role.APP, min_size=1, max_size=1, application_name="benchmark") as pool:
        register = PostgresCrawlRegister(Questions(pool))
        await register.backends()
        async with PostgresStorageIndex(place).running() as writer:
            assert writer is not None, "nobody else runs"
            attributing = Attributing(writer.owners, clock)
            await attributing.catch_up()
            began = time.perf_counter()
            asked = await register.request(definition.place, by="benchmark", at=datetime.now(UTC))
            await CrawlPass(writer, attributing, _source, clock).run(asked)
            seconds = time.perf_counter() - began
        ended: CrawlRecord | None = await register.get(asked.id)
    assert ended is not None, "crawls are never removed"
    assert (ended.state, ended.objects) == (CrawlState.COMPLETED, count), f"{ended}"
    return seconds


@asynccontextmanager
async def _source(place: str, definitions: Sequence[BackendDefinition]) -> AsyncIterator[ListingSource]:
    del place
    backend = build_backend(definitions[0], Anonymous())
    try:
        yield BackendListing([Root("lake", "", backend.reader)])
    finally:
        await backend.aclose()


async def _mount(place: DatabasePlace, definition: BackendDefinition) -> None:
    """Let a namespace have the backend, without the events that no crawl looks at."""
    entry = entry_payload(MountEntry("/lake", definition))
    connection = await connect(place, Role.OWNER, application_name="benchmark")
    try:
        await connection.execute(_NAMESPACE)
        await connection.execute(_ENTRY, json.dumps(entry), definition.fingerprint)
    finally:
        await connection.close()


def _memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
