"""The two ends of a move: BACKEND:KEY as typed, and backends from a file or from the control plane."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.ctl.session import Session, printable
from warpdrive.entrypoints.settings.agent import AgentSettings
from warpdrive.entrypoints.settings.faults import SettingsError, did_you_mean, render_faults
from warpdrive.entrypoints.settings.loading import decode_agent_settings, load_agent_settings
from warpdrive.entrypoints.settings.namespace import backend_definition, check_definition, credentials_for

DEFAULT_CONFIG: Final = "/etc/warpdrive/config.yaml"

_NOWHERE: Final = "/proc/warpdrive-ctl-move"
"""A mount point for files that have none: nothing is mounted, and no directory lies in it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One end: a backend's name, and a key or a prefix in it."""

    backend: str
    key: str

    def __str__(self) -> str:
        return f"{self.backend}:{self.key}"


class SpotType(click.ParamType[Spot]):
    """BACKEND:KEY. A key that is empty or ends in "/" stands for everything below it."""

    name = "backend:key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Spot:
        """Take it apart; a usage error otherwise."""
        if isinstance(value, Spot):
            return value
        backend, colon, key = str(value).partition(":")
        if not backend or not colon:
            self.fail(f"{value!r} is not like photos:raw/2026/", param, ctx)
        if key.startswith("/"):
            self.fail(f"{value!r} begins its key with /; keys are relative to the backend", param, ctx)
        return Spot(backend, key)


@dataclass(frozen=True, slots=True)
class Known:
    """The backends that can be named, and how to reach them."""

    settings: AgentSettings
    definitions: Mapping[str, BackendDefinition]
    where: str
    """Where they are defined, for whoever misses one."""

    def definition(self, spot: Spot, argument: str) -> BackendDefinition:
        """Find a backend. Raises click.UsageError with what there is."""
        found = self.definitions.get(spot.backend)
        if found is None:
            hint = did_you_mean(spot.backend, self.definitions)
            names = ", ".join(sorted(self.definitions)) or "none"
            words = f"{self.where} has no backend {spot.backend!r}{hint} (it has: {names})"
            raise click.BadParameter(printable(words), param_hint=argument)
        return found

    def credentials(self, definition: BackendDefinition) -> Credentials:
        """Find what reaches it. Raises click.ClickException that says what is wrong."""
        if definition.tenant:
            words = f"is restricted to tenant {definition.tenant}, whose rules this version cannot check"
            raise click.ClickException(printable(f"backend {definition.name} {words}"))
        try:
            check_definition(self.settings, definition)
            return credentials_for(self.settings, definition)
        except BackendMisconfigured as error:
            raise click.ClickException(printable(f"backend {definition.name}: {error.detail}")) from None


def known_backends(session: Session, config: Path | None, namespace: str | None) -> Known:
    """Read the backends of a file, or of a namespace with the credentials of the file.

    Raises click.UsageError for a file that cannot be used, click.ClickException when the control plane refuses.
    """
    settings, where = _settings(config, followed=namespace is not None)
    if namespace is None and settings.backends:
        found = [backend_definition(backend) for backend in settings.backends]
        return Known(settings, {each.name: each for each in found}, where)
    name = namespace or settings.agent.namespace
    with session.plane() as plane:
        answer = plane.call("ControlService/GetNamespace", {"namespace": name})
    return Known(settings, _defined(answer["entries"]), f"namespace {name}")


def _settings(config: Path | None, *, followed: bool) -> tuple[AgentSettings, str]:
    overrides = {"mount_point": _NOWHERE}
    if followed:
        overrides["agent.control_plane"] = "named-by-hand:1"  # says only that the backends are not the file's
    path = config or Path(DEFAULT_CONFIG)
    try:
        if config is None and followed and not path.exists():
            return decode_agent_settings(b"", Path("/"), os.environ, overrides=overrides), "nothing"
        return load_agent_settings(path, os.environ, overrides=overrides), str(path)
    except SettingsError as error:
        hint = "" if config is not None else "\nname another file with --config"
        raise click.UsageError(render_faults(str(path), error.faults) + hint) from None


def _defined(entries: Sequence[Mapping[str, Any]]) -> dict[str, BackendDefinition]:
    definitions = {}
    for entry in entries:
        told = entry["backend"]
        options = dict(told.get("options", {}))
        places = ("prefix", "auth", "tenant")
        rest = {key: str(told.get(key, "")) for key in places}
        definitions[told["name"]] = BackendDefinition(told["name"], told["type"], options, **rest)
    return definitions


def whole_place(definition: BackendDefinition) -> BackendDefinition:
    """Write a directory of this machine as what it really is: two links to one directory are one place."""
    root = definition.options.get("root", "")
    if definition.type != "local" or not root:
        return definition
    # The prefix, too: a root below another shows the same files.
    resolved = os.path.realpath(f"{root}/{definition.prefix}")
    return replace(definition, options={**definition.options, "root": "/"}, prefix=f"{resolved.lstrip('/')}/")
