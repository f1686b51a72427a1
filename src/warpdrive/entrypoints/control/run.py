"""One invocation, from settings to an exit status."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from warpdrive.adapters.lake import lake_installed
from warpdrive.adapters.observability.listening import AddressError
from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.adapters.rpc.tls import TlsUnusable
from warpdrive.adapters.store.connecting import DatabaseError, Role
from warpdrive.adapters.store.embedded import EmbeddedPostgresError
from warpdrive.adapters.store.migrating import DatabaseNewer
from warpdrive.application.ports.event_store import EventStoreError
from warpdrive.application.ports.read_models import RebuildUnderWay
from warpdrive.entrypoints.control.api import run_api
from warpdrive.entrypoints.control.first_token import TokenFileError
from warpdrive.entrypoints.control.lone_worker import run_worker
from warpdrive.entrypoints.control.supervision import SettingsSource
from warpdrive.entrypoints.process.faults import only_one
from warpdrive.entrypoints.settings import SettingsError, render_faults
from warpdrive.entrypoints.settings.control import ControlSettings, load_control_settings
from warpdrive.entrypoints.settings.secrets import secrets_of

DONE, FAILED, USAGE = 0, 1, 2

FAST_LOOP = {"use_uvloop": True}
"""A call is a dozen small reads and writes on sockets: the compiled loop took a third off a command's time."""

_ROLES = (Role.OWNER, Role.APP)
"""Whose passwords we need. The auditor's is not ours to know, though one file may name its variable too."""

START_FAULTS = (
    AddressError,
    DatabaseError,
    DatabaseNewer,
    EmbeddedPostgresError,
    EventStoreError,
    RebuildUnderWay,
    TlsUnusable,
    TokenFileError,
)
"""What the operator has to mend: told without a traceback."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was typed, decoded. `role`: all, api or worker."""

    config: Path | None
    role: str = "all"
    overrides: Mapping[str, str] = field(default_factory=dict)
    new_admin_token: bool = False
    rebuild: bool = False


def check(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print what would be started; returns the exit status."""
    settings = _load(invocation, environ)
    if settings is None:
        return USAGE
    lack = _lacks(settings)
    if lack is not None:
        print(f"warpdrive-control: {lack}", file=sys.stderr)
        return USAGE
    server = settings.server
    print(f"gRPC      {server.grpc_addr}{' with TLS' if settings.tls else ''}")
    print(f"REST      {server.rest_addr}{' with TLS' if settings.tls else ''}")
    print(f"database  {settings.database or f'embedded, in {server.data_dir}'}")
    print(f"callers   {'show a token' if server.auth.mode == 'token' else 'are all admins (auth.mode none)'}")
    return DONE


def serve(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Serve until told to end; returns the exit status."""
    settings = _load(invocation, environ)
    if settings is None:
        return USAGE
    fault = _cannot_be(invocation, settings) or _lacks(settings)
    if fault is not None:
        print(f"warpdrive-control: {fault}", file=sys.stderr)
        return USAGE
    configure_logging(settings.log.level, settings.log.format, secrets=secrets_of(settings))
    try:
        try:
            if invocation.role == "worker":
                anyio.run(run_worker, settings, backend_options=FAST_LOOP)
            else:
                anyio.run(_api, settings, invocation, backend_options=FAST_LOOP)
        except BaseExceptionGroup as group:
            raise only_one(group) from group
    except START_FAULTS as fault:
        print(f"warpdrive-control: {fault}", file=sys.stderr)
        return FAILED
    return DONE


def _lacks(settings: ControlSettings) -> str | None:
    """Say what these settings need that is not installed, or None."""
    if settings.server.archive is not None and not lake_installed():
        return "control_plane.archive needs the lake extra: pip install 'warpdrive[lake]'"
    return None


def _cannot_be(invocation: Invocation, settings: ControlSettings) -> str | None:
    """Say why these options and settings do not go together, or None."""
    if invocation.role != "all" and settings.database is None:
        return (
            f"--role {invocation.role} needs a database that api and worker share: set control_plane.database, "
            "or run --role all, which starts both on an embedded one"
        )
    if invocation.role == "worker" and invocation.new_admin_token:
        return "--new-admin-token is for whoever serves the API: give it to --role api or all"
    return None


async def _api(settings: ControlSettings, invocation: Invocation) -> None:
    await run_api(
        settings,
        SettingsSource(invocation.config, invocation.overrides),
        with_worker=invocation.role == "all",
        another_token=invocation.new_admin_token,
        rebuild=invocation.rebuild,
    )


def _load(invocation: Invocation, environ: Mapping[str, str]) -> ControlSettings | None:
    """Return the settings, or None after printing every fault."""
    try:
        return load_control_settings(invocation.config, environ, overrides=invocation.overrides, roles=_ROLES)
    except SettingsError as error:
        print(render_faults(str(invocation.config or "defaults"), error.faults), file=sys.stderr)
        return None
