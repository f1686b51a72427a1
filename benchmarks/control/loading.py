"""Loading an aggregate of 10,000 events, with a snapshot and without."""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from benchmarks.control.plan import ControlPlan
from benchmarks.results import OURS, Result
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.migrating import migrate
from warpdrive.application.control.streams import Streams
from warpdrive.application.ports.event_store import Append, CommandFacts
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

EVENTS = 10_000
TAIL = 50
"""Events after the snapshot: half of what lies between two."""
MOST_MS = 5.0
FOLDED = "folding all"
AT = datetime(2026, 1, 1, tzinfo=UTC)


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Measure the median of loads; the control folds every event."""
    result = Result(
        "load",
        f"load an aggregate of {EVENTS:,} events with a snapshot, median",
        "ms",
        {OURS: [], FOLDED: []},
        goal=f"<= {MOST_MS:g} ms",
    )
    place = await plan.fresh()
    await migrate(place)
    async with open_event_store(place) as store:
        codec = EventCodec()
        namespace = await lived(store, codec)
        streams = Streams(store, store, codec)
        for _ in range(plan.rounds):
            taken: list[float] = []
            end = time.perf_counter() + plan.seconds
            while (began := time.perf_counter()) < end:
                loaded = await streams.load(Namespace, namespace.id)
                taken.append(time.perf_counter() - began)
                assert loaded is not None
                assert loaded.version == namespace.version
            result.series[OURS].append(statistics.median(taken) * 1e3)
            began = time.perf_counter()
            codec.fold(await store.stream(namespace.id))
            result.series[FOLDED].append((time.perf_counter() - began) * 1e3)
    median = result.median(OURS)
    result.judge(median / result.median(FOLDED))
    result.passed = median <= MOST_MS
    return [result]


async def lived(store: PostgresEventStore, codec: EventCodec) -> Namespace:
    """Store a namespace with many events: ten entries, sealed and unsealed again and again."""
    namespace = Namespace.create(uuid4(), "benchmark", at=AT)
    for number in range(10):
        backend = BackendDefinition(f"bucket-{number}", "s3", {"bucket": f"bucket-{number}"})
        namespace.add_mount_entry(MountEntry(f"/data/{number}", backend), at=AT)
    while namespace.version < EVENTS:
        (namespace.unseal if namespace.sealed else namespace.seal)(at=AT)
        if namespace.version == EVENTS - TAIL:
            await store.keep(codec.snapshot(namespace, at=AT))
        if len(namespace.pending_events) >= 500 or namespace.version == EVENTS:
            events = [codec.encode(event) for event in namespace.collect_events()]
            facts = CommandFacts(uuid4(), bytes(32), "benchmark")
            await store.append(Append(facts, namespace.id, namespace.version, events))
    return namespace
