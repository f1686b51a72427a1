"""One invocation, from the configuration file to an exit status; both commands end here."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.entrypoints.mount import wiring
from warpdrive.entrypoints.mount.daemon import run_detached
from warpdrive.entrypoints.mount.options import CommandOptions
from warpdrive.entrypoints.mount.summary import summarise
from warpdrive.entrypoints.process.faults import only_one
from warpdrive.entrypoints.settings import AgentSettings, SettingsError, load_agent_settings, render_faults
from warpdrive.entrypoints.settings.secrets import secrets_of

DONE, FAILED, USAGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was typed, decoded."""

    config: Path
    options: CommandOptions
    mount_point: Path | None = None
    log_level: str | None = None
    daemon: bool = False
    log_file: Path | None = None

    def overrides(self) -> dict[str, str]:
        """Return what wins over the file; a relative path means the directory the command was typed in."""
        typed = self.options.overrides()
        if "cache.path" in typed:
            typed["cache.path"] = str(Path(typed["cache.path"]).absolute())
        if self.mount_point is not None:
            typed["mount_point"] = str(self.mount_point.absolute())
        if self.log_level is not None:
            typed["log.level"] = self.log_level
        return typed


def load(invocation: Invocation, environ: Mapping[str, str]) -> AgentSettings | None:
    """Return the settings, or None after printing every fault."""
    try:
        return load_agent_settings(invocation.config, environ, overrides=invocation.overrides())
    except SettingsError as error:
        print(render_faults(str(invocation.config), error.faults), file=sys.stderr)
        return None


def check(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Print what would be mounted; returns the exit status."""
    settings = load(invocation, environ)
    if settings is None:
        return USAGE
    print(summarise(settings))
    return DONE


def mount(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Mount until the end, or into the background; returns the exit status."""
    settings = load(invocation, environ)
    if settings is None:
        return USAGE
    configure_logging(settings.log.level, settings.log.format, secrets=secrets_of(settings))

    def work(announce: Callable[[], None]) -> None:
        try:
            anyio.run(wiring.run, settings, invocation.options, announce)
        except BaseExceptionGroup as group:
            raise only_one(group) from group

    try:
        if invocation.daemon:
            log_file = str(invocation.log_file.absolute()) if invocation.log_file else None
            return run_detached(log_file, work)
        work(lambda: None)
    except wiring.START_FAULTS as fault:
        print(f"warpdrive-mount: {fault}", file=sys.stderr)
        return FAILED
    return DONE
