"""The projector beside the writers: does it keep up with the append rate?"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import anyio

from benchmarks.control.plan import ControlPlan
from benchmarks.results import OURS, Result
from warpdrive.adapters.store.connecting import Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.event_store import PostgresEventStore, open_event_store
from warpdrive.adapters.store.migrating import migrate
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.application.ports.event_store import Append, CommandFacts
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.team.values import OwnershipRule
from warpdrive.entrypoints.control.supervision import SettingsSource, keep_worker

APPENDED = "appended meanwhile"
AT = datetime(2026, 1, 1, tzinfo=UTC)
WRITERS = 16
_POLL = 0.005


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Write with 16 writers while the worker's process projects; compare events a second, and time what is left."""
    result = Result(
        "projector",
        f"events projected while {WRITERS} writers append, worker in its own process",
        "events/s",
        {OURS: [], APPENDED: []},
        goal=f">= 0.95 x {APPENDED}",
    )
    behind: list[float] = []
    place = await plan.fresh()
    await migrate(place)
    async with (
        open_event_store(place) as store,
        open_pool(place, Role.APP, min_size=1, max_size=2, application_name="benchmark") as pool,
        anyio.create_task_group() as tasks,
    ):
        models = PostgresReadModels(Questions(pool))
        tasks.start_soon(keep_worker, place, SettingsSource(None, {"log.level": "error"}))
        await appended(store, 0.2)
        await reached(models, await store.head())
        for _ in range(plan.rounds):
            began = time.perf_counter()
            count = await appended(store, plan.seconds)
            wrote = time.perf_counter() - began
            head = await store.head()
            await reached(models, head)
            projected = time.perf_counter() - began
            result.series[APPENDED].append(count / wrote)
            result.series[OURS].append(count / projected)
            behind.append(projected - wrote)
        tasks.cancel_scope.cancel()
    result.judge_against([APPENDED], at_least=0.95)
    result.note = f"caught up {max(behind) * 1e3:.0f} ms after the last append at worst"
    return [result]


async def reached(models: PostgresReadModels, head: int) -> None:
    """Wait until the read models are at a position."""
    with anyio.fail_after(120):
        while await models.position() < head:  # noqa: ASYNC110 - another process moves it
            await anyio.sleep(_POLL)


async def appended(store: PostgresEventStore, seconds: float) -> int:
    """Append teams of five events with 16 writers; return how many events."""
    count = 0
    codec = EventCodec()

    async def write() -> None:
        nonlocal count
        while True:
            team = Team.create(uuid4(), uuid4().hex, at=AT)
            team.add_member("ada", at=AT)
            team.add_member("bob", at=AT)
            team.add_ownership_rule(OwnershipRule("s3", f"{team.name}/"), at=AT)
            team.remove_member("bob", at=AT)
            events = [codec.encode(event) for event in team.collect_events()]
            await store.append(Append(CommandFacts(uuid4(), bytes(32), "benchmark"), team.id, team.version, events))
            count += len(events)

    async with anyio.create_task_group() as tasks:
        for _ in range(WRITERS):
            tasks.start_soon(write)
        await anyio.sleep(seconds)
        tasks.cancel_scope.cancel()
    return count
