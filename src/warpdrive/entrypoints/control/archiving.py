"""The archive, wired: days of PostgreSQL to a backend that a namespace defines."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from warpdrive.adapters.lake import ParquetFiles, ParquetRecordFiles
from warpdrive.adapters.store.archive_source import PostgresArchiveSource
from warpdrive.adapters.store.backend_registry import backend_definitions
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.errors import told_as_store_errors
from warpdrive.application.control.archive_place import ArchivePlace
from warpdrive.application.control.archiving import Archiving
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.entrypoints.control.backends import open_backend
from warpdrive.entrypoints.process.system_clock import SystemClock
from warpdrive.entrypoints.settings.control import ControlSettings
from warpdrive.entrypoints.settings.control_plane import ArchiveSettings


def archiving(place: DatabasePlace, pool: Any, settings: ControlSettings) -> Archiving | None:
    """Make it; None where no archive is configured. `pool` answers what namespaces define."""
    archive = settings.server.archive
    if archive is None:
        return None
    chosen = archive

    @asynccontextmanager
    async def opening() -> AsyncIterator[ArchivePlace]:
        async with _open(chosen, pool, settings) as opened:
            yield opened

    return Archiving(PostgresArchiveSource(place), opening, ParquetRecordFiles(), ParquetFiles(), SystemClock())


@asynccontextmanager
async def _open(archive: ArchiveSettings, pool: Any, settings: ControlSettings) -> AsyncIterator[ArchivePlace]:
    with told_as_store_errors():
        async with pool.acquire() as connection:
            definitions = await backend_definitions(connection)
    if archive.backend not in definitions:
        raise BackendMisconfigured(f"control_plane.archive.backend: no namespace defines a backend {archive.backend!r}")
    backend = open_backend(definitions[archive.backend], settings)
    try:
        yield ArchivePlace(archive.backend, backend.reader, backend.writer, archive.prefix)
    finally:
        await backend.aclose()
