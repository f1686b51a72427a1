"""The worker: keeps the read models and observes quotas.

As a process of its own beside the API it is started by `supervision`, which tells it what to do on standard input;
that input's end is the worker's.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

import anyio
import anyio.to_thread
import structlog

from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.adapters.store.connecting import DatabasePlace, DatabaseUnavailable, Role, open_pool
from warpdrive.adapters.store.event_reader import Questions
from warpdrive.adapters.store.event_store import open_event_reader
from warpdrive.adapters.store.read_model_writer import PostgresReadModelWriter
from warpdrive.adapters.store.read_models import PostgresReadModels
from warpdrive.adapters.store.reader_counting import PostgresReaderCounting
from warpdrive.adapters.store.telemetry_shelf import PostgresTelemetryShelf
from warpdrive.adapters.store.usage_books import PostgresUsageBooks
from warpdrive.application.control.observing import QuotaObserver
from warpdrive.application.control.positions import Positions
from warpdrive.application.control.projector import Projector
from warpdrive.application.control.reader_shares import ReaderShareKeeping
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.control.retention import Retention, RetentionTask
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.projecting import Projecting
from warpdrive.entrypoints.control.archiving import archiving
from warpdrive.entrypoints.control.crawling import crawler
from warpdrive.entrypoints.control.deciding import deciding
from warpdrive.entrypoints.control.supervision import place_from_json
from warpdrive.entrypoints.process.system_clock import SystemClock
from warpdrive.entrypoints.settings.control import ControlSettings, load_control_settings
from warpdrive.entrypoints.settings.secrets import secrets_of

_log = structlog.get_logger(__name__)

_CONNECTIONS: Final = 5
"""One each for those who ask beside each other: projector, observer, crawler, retention and archive. What holds a lock,
writes rows or counts for long has a connection of its own. With fewer here one slow answer would keep others waiting
until they take the store for away."""
_ASK_S: Final = 1.0
"""Between attempts to begin."""


@asynccontextmanager
async def working(place: DatabasePlace, settings: ControlSettings) -> AsyncIterator[None]:
    """Do a worker's work while the block runs; `place` is not `settings.database` where that is an embedded one.

    Raises DatabaseUnavailable, DatabaseMisconfigured before it.
    """
    async with (
        open_event_reader(place, Role.APP) as reader,
        open_pool(place, Role.APP, min_size=1, max_size=_CONNECTIONS, application_name="warpdrive worker") as pool,
        deciding(place) as commands,
        anyio.create_task_group() as tasks,
    ):
        codec = EventCodec()
        questions = Questions(pool)
        models = PostgresReadModels(questions)
        writer = PostgresReadModelWriter(place)
        rebuilding = Rebuilding(reader, writer, codec)
        projector = Projector(reader, writer, Positions(models), Projecting(codec), rebuild=rebuilding.run)
        tasks.start_soon(projector.run)
        observer = QuotaObserver(PostgresUsageBooks(place, questions), models, commands, SystemClock())
        tasks.start_soon(observer.run)
        tasks.start_soon(ReaderShareKeeping(PostgresReaderCounting(place), SystemClock()).run)
        tasks.start_soon(crawler(place, questions, settings, SystemClock()).run)
        retention = RetentionTask(
            PostgresTelemetryShelf(place, questions),
            Retention.of(settings.server.retention),
            SystemClock(),
            archived_only=lambda: settings.server.archive is not None,
        )
        tasks.start_soon(retention.run)
        archive = archiving(place, pool, settings)
        if archive is not None:
            tasks.start_soon(archive.run)
        yield
        tasks.cancel_scope.cancel()


async def _work_until_told(place: DatabasePlace, settings: ControlSettings) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_keep_working, place, settings)
        # Nothing more comes; reading returns when the other end is closed, by its owner or by its owner's death.
        await anyio.to_thread.run_sync(sys.stdin.buffer.read, abandon_on_cancel=True)
        tasks.cancel_scope.cancel()


async def _keep_working(place: DatabasePlace, settings: ControlSettings) -> NoReturn:
    """Work; as long as the database is away at the start, wait for it."""
    while True:
        try:
            async with working(place, settings):
                await anyio.sleep_forever()
        except DatabaseUnavailable as fault:
            _log.warning("the worker waits for the database", reason=fault.fault)
        except BaseExceptionGroup as group:
            # Task groups wrap what ends them, also when it only came by.
            if group.split(DatabaseUnavailable)[1] is not None:
                raise
            _log.warning("the worker waits for the database", reason=str(group.exceptions[0]))
        await anyio.sleep(_ASK_S)


def main() -> None:
    """Run as the child of `supervision`."""
    errand = json.loads(sys.stdin.buffer.readline())
    config = None if errand["config"] is None else Path(errand["config"])
    # Passwords of the database came with the place.
    settings = load_control_settings(config, os.environ, overrides=errand["overrides"], roles=())
    configure_logging(settings.log.level, settings.log.format, secrets=secrets_of(settings))
    anyio.run(_work_until_told, place_from_json(errand["place"]), settings)
    # A reader left behind in its thread must not hold up the exit.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
