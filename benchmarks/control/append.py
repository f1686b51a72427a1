"""Appending: ours with hash chain, command row and metadata, beside the official recorder on its plain tables."""

import time
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

import anyio
import anyio.to_thread

from benchmarks.control.official import official_rate, official_recorder
from benchmarks.control.plan import ControlPlan
from benchmarks.results import OURS, Result
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.group_append import GroupAppender, GroupLimits
from warpdrive.adapters.store.migrating import migrate
from warpdrive.application.ports.event_store import Append, CommandFacts, NewEvent

EVENTS = 5
STATES = [
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2026-01-01T00:00:00+00:00"},"number":%d,"note":"%s"}'
    % (number, b"x" * 160)
    for number in range(EVENTS)
]
OFFICIAL = "official recorder"
GOALS = {16: 1.5, 64: 3.0}


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Measure both at 1, 16 and 64 writers, and 16 of ours that share nothing, to show what groups do."""
    results = {
        writers: Result(
            f"append-{writers}",
            f"append {EVENTS} events, {writers} {'writers' if writers == 16 else 'concurrent commands'}",
            "tx/s",
            {OURS: [], OFFICIAL: []},
            goal=f">= {goal} x {OFFICIAL}, {writers} threads",
        )
        for writers, goal in GOALS.items()
    }
    alone = Result("append-1", f"append {EVENTS} events, one writer", "tx/s", {OURS: [], OFFICIAL: []})
    apart = Result(
        "append-apart",
        f"append {EVENTS} events, 16 connections, no groups",
        "tx/s",
        {OURS: [], OFFICIAL: []},
        note="what the call alone gains; the control is that of 16 writers",
    )
    place = await plan.fresh()
    await migrate(place)
    with official_recorder(await plan.fresh()) as recorder:
        async with open_event_store(place) as store:
            await our_rate([store], 16, plan.seconds / 2)  # warm up both
            await anyio.to_thread.run_sync(partial(official_rate, recorder, 16, plan.seconds / 2, STATES))
            for _ in range(plan.rounds):
                for writers, result in {1: alone, **results}.items():
                    result.series[OFFICIAL].append(
                        await anyio.to_thread.run_sync(partial(official_rate, recorder, writers, plan.seconds, STATES))
                    )
                    result.series[OURS].append(await our_rate([store], writers, plan.seconds))
                apart.series[OURS].append(await rate_apart(place, plan.seconds))
    apart.series[OFFICIAL] = results[16].series[OFFICIAL]
    apart.ratio = apart.median(OURS) / apart.median(OFFICIAL)
    for writers, result in results.items():
        result.judge_against([OFFICIAL], at_least=GOALS[writers])
    return [alone, apart, *results.values()]


async def rate_apart(place: DatabasePlace, seconds: float) -> float:
    """Return commands a second of 16 writers with an appender and a connection each, as of 16 processes."""
    async with anyio.create_task_group() as tasks:
        appenders = [GroupAppender(place, GroupLimits()) for _ in range(16)]
        for appender in appenders:
            tasks.start_soon(appender.run)
        await our_rate(appenders, 16, seconds / 3)  # connections are made and plans
        figure = await our_rate(appenders, 16, seconds)
        tasks.cancel_scope.cancel()
    return figure


async def our_rate(appenders: Sequence[GroupAppender | PostgresEventStore], writers: int, seconds: float) -> float:
    """Return commands a second of so many writers, each appending one after another; appenders are dealt in turn."""
    count = 0

    async def write(appender: GroupAppender | PostgresEventStore) -> None:
        nonlocal count
        while True:
            await appender.append(a_command())
            count += 1

    async with anyio.create_task_group() as tasks:
        for number in range(writers):
            tasks.start_soon(write, appenders[number % len(appenders)])
        began = time.perf_counter()
        await anyio.sleep(seconds)
        figure = count / (time.perf_counter() - began)
        tasks.cancel_scope.cancel()
    return figure


def a_command() -> Append:
    """Make a command that creates a stream."""
    stream = uuid4()
    facts = CommandFacts(uuid4(), bytes(32), "alice@example.com", uuid4().hex, "")
    events = [NewEvent(stream, version, "topic", state) for version, state in enumerate(STATES, 1)]
    return Append(facts, stream, EVENTS, events)
