"""The record that a run of the tool looks at: settings, the database in the audit role, faults as messages."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import anyio
import click

from warpdrive.adapters.store.auditing import PostgresRecord, open_record
from warpdrive.adapters.store.connecting import DatabaseError, DatabasePlace, Role
from warpdrive.adapters.store.embedded.errors import EmbeddedPostgresError
from warpdrive.adapters.store.embedded.visiting import visited_postgres
from warpdrive.application.audit.errors import AuditError, BadReference
from warpdrive.application.ports.event_store import EventStoreError
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.tenant_access.errors import InvalidTenant
from warpdrive.entrypoints.settings import SettingsError, render_faults
from warpdrive.entrypoints.settings.control import ControlSettings, load_control_settings

FAILED: Final = 1
USAGE: Final = 2
DEFAULT_CONFIG: Final = Path("/etc/warpdrive/config.yaml")

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Audit:
    """What a command works with. `now`: the moment of the run."""

    record: PostgresRecord
    codec: EventCodec
    now: datetime


Work = Callable[[Audit], Awaitable[Outcome]]


class Session:
    """One run of the tool. `config` None: the default file if it is there. `data_dir` wins over what a file says."""

    def __init__(self, config: Path | None, data_dir: Path | None) -> None:
        self._config = config
        self._data_dir = data_dir

    def run(self, work: Work[Outcome], *, one_moment: bool = False) -> Outcome:
        """Do the work on the record; what stands in the way becomes a message on stderr and an exit status."""
        settings = self._settings()
        try:
            return anyio.run(_worked, settings, work, one_moment)
        except (BadReference, InvalidTenant) as fault:
            raise click.UsageError(str(fault)) from None
        except (AuditError, DatabaseError, EmbeddedPostgresError) as fault:
            raise click.ClickException(str(fault)) from None
        except EventStoreError as fault:
            raise click.ClickException(f"the record cannot be read: {fault.detail}") from None

    def _settings(self) -> ControlSettings:
        path = self._config
        if path is None and self._data_dir is None and DEFAULT_CONFIG.exists():
            path = DEFAULT_CONFIG
        overrides = {} if self._data_dir is None else {"control_plane.data_dir": str(self._data_dir.absolute())}
        try:
            settings = load_control_settings(path, os.environ, overrides=overrides, roles={Role.AUDIT})
        except SettingsError as error:
            click.echo(render_faults(str(path), error.faults), err=True)
            sys.exit(USAGE)
        if self._data_dir is not None and settings.database is not None:
            raise click.UsageError("--data-dir is for an embedded database, and the configuration names a server")
        return settings


pass_session = click.make_pass_decorator(Session)


async def _worked(settings: ControlSettings, work: Work[Outcome], one_moment: bool) -> Outcome:
    async with _place(settings) as place, open_record(place, one_moment=one_moment) as record:
        return await work(Audit(record, EventCodec(), datetime.now(UTC)))


@asynccontextmanager
async def _place(settings: ControlSettings) -> AsyncIterator[DatabasePlace]:
    if settings.database is None:
        async with visited_postgres(settings.server.data_dir) as place:
            yield place
        return
    place = settings.database
    if place.users[Role.AUDIT] == place.users[Role.APP]:
        click.echo(
            f"note: {place.users[Role.AUDIT]} may write to this database (not in this session); "
            "control_plane.database.audit_user can name a user who may only read",
            err=True,
        )
    yield place
