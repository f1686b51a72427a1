"""The API's process: a database, the use cases on it, and two doors to them."""

import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import anyio
import structlog
from anyio.abc import TaskGroup
from prometheus_client import CollectorRegistry

from warpdrive import __version__
from warpdrive.adapters.observability.control_metrics import (
    ControlMeter,
    ControlReadings,
    IngestMeter,
    register_readings,
)
from warpdrive.adapters.observability.listening import listen
from warpdrive.adapters.observability.serving import serving
from warpdrive.adapters.rest.probes import Check, Probes
from warpdrive.adapters.rest.server import serving_rest
from warpdrive.adapters.rpc.server import serving_rpc
from warpdrive.adapters.rpc.tls import ServerTls, server_context
from warpdrive.adapters.store.agents import PostgresAgentRegister
from warpdrive.adapters.store.connecting import DatabasePlace, Role, open_pool
from warpdrive.adapters.store.embedded import embedded_postgres
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.event_store import open_event_store
from warpdrive.adapters.store.facts import postgres_facts
from warpdrive.adapters.store.migrating import migrate
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.adapters.wire.dispatch import Dispatcher
from warpdrive.application.control.comparison import Comparison
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.freshness import FreshReadModels
from warpdrive.application.control.lag import Lag
from warpdrive.application.control.plane import ControlPlane, build_plane
from warpdrive.application.control.positions import Positions
from warpdrive.application.control.readiness import Readiness
from warpdrive.application.ports.event_store import EventReader, EventStoreError
from warpdrive.application.projections.codec import EventCodec
from warpdrive.entrypoints.control.first_token import ensure_first_token, new_admin_token
from warpdrive.entrypoints.control.ingest_line import ProcessLine
from warpdrive.entrypoints.control.rebuilding import rebuild_read_models
from warpdrive.entrypoints.control.supervision import SettingsSource, keep_worker
from warpdrive.entrypoints.control.welcome import Whereabouts, welcome
from warpdrive.entrypoints.process.ending import ending
from warpdrive.entrypoints.process.readiness import READY, STOPPING, notify
from warpdrive.entrypoints.process.system_clock import SystemClock
from warpdrive.entrypoints.settings.control import ControlSettings

_log = structlog.get_logger(__name__)

_CONNECTIONS: Final = 12
"""For queries; the store has as many again. Two processes of this size fit a server's usual 100 connections."""

_BEGUN_S: Final = 10.0
"""A worker's process begins within a second, within several on a machine that is busy."""


async def run_api(
    settings: ControlSettings, source: SettingsSource, *, with_worker: bool, another_token: bool, rebuild: bool
) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; first of all `rebuild` the read models if that is asked for.

    Raises what `run.START_FAULTS` lists when it cannot start.
    """
    async with AsyncExitStack() as stack:
        # First what is quickly found wrong: addresses that are taken, certificates that cannot be read.
        doors = stack.enter_context(_Doors(settings))
        told = await stack.enter_async_context(ending())
        place = await stack.enter_async_context(_database(settings))
        _log.info("the database is ready", database=str(place), revision=await migrate(place))
        if rebuild:
            await rebuild_read_models(place)
        house = await stack.enter_async_context(_furnished(settings, place))
        if with_worker:
            house.tasks.start_soon(keep_worker, place, source)
        house.tasks.start_soon(house.line.run, place, source)
        # Before anybody can call, so that whoever finds us ready finds the token too.
        tokens, directory = house.plane.tokens, settings.server.data_dir
        token = await ensure_first_token(tokens, house.readiness, directory)
        if another_token:
            token = await new_admin_token(tokens, directory)
        if with_worker:
            await _projected(house)
        await stack.enter_async_context(_serving(house, doors))
        welcome(doors.whereabouts(place, token))
        notify(READY)
        await told.wait()
        notify(STOPPING)


async def _projected(house: "_House") -> None:
    """Wait until our worker has begun, so that whoever finds us ready can read what they decide."""
    try:
        await house.positions.wait(await house.store.head(), _BEGUN_S)
    except (NotCaughtUp, EventStoreError) as fault:
        _log.warning("the read models are behind at the start; the worker is still to begin", fault=str(fault))


class _Doors:
    """The bound sockets of both doors, and their certificate."""

    def __init__(self, settings: ControlSettings) -> None:
        self._settings = settings
        files = settings.tls
        self.tls = None if files is None else ServerTls(files.cert_file, files.key_file, files.client_ca_file)

    def __enter__(self) -> Self:
        """Bind. Raises AddressError, TlsUnusable."""
        self.context = None if self.tls is None else server_context(self.tls)
        server = self._settings.server
        self.rest = listen(str(server.rest_addr), key="control_plane.rest_addr", instead=" (--rest-addr)")
        try:
            self.grpc = listen(str(server.grpc_addr), key="control_plane.grpc_addr", instead=" (--grpc-addr)")
        except BaseException:
            self.rest.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close what nobody has taken over."""
        self.rest.close()
        self.grpc.close()

    @property
    def open_to_everybody(self) -> bool:
        """Whoever can connect is an admin."""
        return self._settings.server.auth.mode == "none"

    def whereabouts(self, place: DatabasePlace, token: Path | None) -> Whereabouts:
        """Say where everything is."""
        settings = self._settings
        return Whereabouts(
            rest=_shown(self.rest),
            grpc=_shown(self.grpc),
            tls=self.tls is not None,
            loopback_only=settings.loopback_only,
            open_door=self.open_to_everybody,
            database="embedded, in " + str(settings.server.data_dir) if settings.database is None else str(place),
            token=None if token is None else str(token),
        )


@dataclass(frozen=True, slots=True)
class _House:
    """What stands between the database and the doors."""

    plane: ControlPlane
    dispatcher: Dispatcher
    line: ProcessLine
    store: EventReader
    positions: Positions
    readiness: Readiness
    registry: CollectorRegistry
    tasks: TaskGroup


@asynccontextmanager
async def _furnished(settings: ControlSettings, place: DatabasePlace) -> AsyncIterator[_House]:
    """Put the use cases on the database, with everything that runs in the background."""
    async with (
        open_event_store(place) as store,
        open_pool(place, Role.APP, min_size=1, max_size=_CONNECTIONS, application_name="warpdrive queries") as pool,
        anyio.create_task_group() as tasks,
    ):
        clock = SystemClock()
        questions = Questions(pool)
        models = PostgresReadModels(questions)
        register = PostgresAgentRegister(questions)
        positions = Positions(models)
        lag = Lag(store, models, clock)
        readiness = Readiness(store, register, lag, clock)
        # One stream every half minute: here rather than in the worker, because here somebody scrapes.
        comparison = Comparison(store, models, EventCodec(), below=secrets.randbelow)
        registry = CollectorRegistry()
        line = ProcessLine(counted=IngestMeter(registry).counted)
        plane = build_plane(
            writer=readiness,
            reader=store,
            shelf=store,
            models=FreshReadModels(models, store, lag, positions.wait),
            register=register,
            facts=postgres_facts(questions),
            wait=positions.wait,
            clock=clock,
            new_id=uuid4,
            random=os.urandom,
            line=line,
            open_door=settings.server.auth.mode == "none",
        )
        dispatcher = Dispatcher(plane, clock=clock, wait=positions.wait, meter=ControlMeter(registry))
        readings = ControlReadings(
            lag_positions=lambda: lag.positions,
            lag_seconds=lambda: lag.seconds,
            head=lambda: lag.head,
            watchers=lambda: plane.watch.watchers,
            ready=lambda: readiness.ready,
            compared=lambda: comparison.checked,
            differing=lambda: comparison.differing,
            batches_waiting=lambda: line.waiting,
            batches_oldest_s=lambda: line.oldest_s,
        )
        register_readings(registry, readings)
        await lag.measure()
        for run in (lag.run, readiness.run, comparison.run, plane.watch.run):
            tasks.start_soon(run)
        yield _House(plane, dispatcher, line, store, positions, readiness, registry, tasks)
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _serving(house: _House, doors: _Doors) -> AsyncIterator[None]:
    """Open both doors; at the end both are drained before anything behind them goes."""
    started = time.monotonic()

    def facts() -> Mapping[str, object]:
        return {"version": __version__, "pid": os.getpid(), "uptime_seconds": round(time.monotonic() - started, 3)}

    async def checks() -> Sequence[Check]:
        return [Check(check.name, check.ok, check.detail) for check in house.readiness.checks()]

    probes = Probes(facts, checks, house.registry)
    serve = partial(serving, tls=doors.tls)
    async with (
        serving_rest(
            house.dispatcher, probes, doors.rest, serve, version=__version__, only_local=doors.open_to_everybody
        ),
        serving_rpc(house.dispatcher, doors.grpc, ready=lambda: house.readiness.ready, tls=doors.context),
    ):
        yield


@asynccontextmanager
async def _database(settings: ControlSettings) -> AsyncIterator[DatabasePlace]:
    """Give the configured database, or an embedded one for as long as the block runs."""
    if settings.database is not None:
        yield settings.database
        return
    async with embedded_postgres(settings.server.data_dir) as place:
        yield place


def _shown(listener: socket.socket) -> str:
    """Write a bound address as somebody would type it."""
    host, port = listener.getsockname()[:2]
    host = {"::": "localhost", "0.0.0.0": "localhost"}.get(host, host)  # noqa: S104 - only shown
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
