"""One command after another through gRPC, beside a bare append of the same event."""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import anyio.to_thread
import grpc

from benchmarks.control.plan import ControlPlan
from benchmarks.control.process import served
from benchmarks.results import OURS, Result
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.application.ports.event_store import Append, CommandFacts, NewEvent

BARE = "bare append"
MOST = 3.0
TOKENS = 16
"""Callers: each may make 200 calls a second."""


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Measure latencies, interleaved, on one database."""
    result = Result(
        "command",
        "one command after another through gRPC, median",
        "ms",
        {OURS: [], BARE: []},
        goal=f"<= {MOST} x {BARE}",
    )
    place = await plan.fresh()
    with tempfile.TemporaryDirectory(prefix="wd-bench-") as folder, served(place, Path(folder)) as plane:
        tokens = [plane.issue(role="ROLE_ADMIN", note="benchmark") for _ in range(TOKENS)]
        ensure = contract().methods["GovernanceService/EnsureTeam"]
        request = message_class(ensure.request)
        # The gRPC project's own client, so that the figure is the server's: ours is Python through and through.
        with grpc.insecure_channel(f"{plane.host}:{plane.grpc}") as channel:
            call = channel.unary_unary("/warpdrive.v1.GovernanceService/EnsureTeam")
            made = 0

            def command() -> None:
                nonlocal made
                made += 1
                metadata = (("authorization", f"Bearer {tokens[made % TOKENS]}"),)
                call(request(name=uuid4().hex).SerializeToString(), metadata=metadata)

            async with open_event_store(place) as store:

                async def append() -> None:
                    await store.append(one_event())

                await anyio.to_thread.run_sync(median_of_calls, command, plan.seconds / 2)
                await median_of(append, plan.seconds / 2)
                for _ in range(plan.rounds):
                    took = await anyio.to_thread.run_sync(median_of_calls, command, plan.seconds)
                    result.series[OURS].append(took * 1e3)
                    result.series[BARE].append(await median_of(append, plan.seconds) * 1e3)
    result.judge(result.median(OURS) / result.median(BARE), at_most=MOST)
    return [result]


async def median_of(work: Callable[[], Awaitable[None]], seconds: float) -> float:
    """Do something again and again; return the median of the seconds that it took."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def median_of_calls(work: Callable[[], None], seconds: float) -> float:
    """Do the same with something that blocks."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def one_event() -> Append:
    """Make a command of one event, as creating a team is. Its topic is nobody's, so the projector passes it by."""
    stream = uuid4()
    facts = CommandFacts(uuid4(), bytes(32), "benchmark", uuid4().hex)
    name = uuid4().hex.encode()
    state = b'{"timestamp":{"_type_":"datetime_iso","_data_":"2026-01-01T00:00:00+00:00"},"name":"%s"}' % name
    return Append(facts, stream, 1, [NewEvent(stream, 1, "benchmark:Nothing.v1", state)])
