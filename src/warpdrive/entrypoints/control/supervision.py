"""The worker process beside the API: started, told what to do, started again when it dies, ended with us.

Its standard input is its life line: it ends when that closes, which also happens when we are killed. What it has to
know goes the same way, so no password stands in a command line or an environment.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final, NoReturn

import anyio
import structlog
from anyio.abc import Process

from warpdrive.adapters.store.connecting import DatabasePlace, Role

_log = structlog.get_logger(__name__)

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY: Final = 60.0
"""Seconds after which a worker that dies counts as having run well."""

_PATIENCE: Final = 5.0
"""Seconds to end by itself."""


@dataclass(frozen=True, slots=True)
class SettingsSource:
    """Where our settings came from: the worker reads them again from there, secrets from its inherited environment."""

    config: Path | None
    overrides: Mapping[str, str] = field(default_factory=dict)


async def keep_worker(place: DatabasePlace, source: SettingsSource) -> NoReturn:
    """Keep a worker process running until cancelled."""
    errand = errand_for(place, source)
    await keep_running("worker process", lambda: _run_once(errand))


def errand_for(place: DatabasePlace, source: SettingsSource) -> bytes:
    """Write the line that tells a process what it has to know."""
    errand = {
        "place": place_to_json(place),
        "config": None if source.config is None else str(source.config.absolute()),
        "overrides": dict(source.overrides),
    }
    return json.dumps(errand).encode() + b"\n"


async def keep_running(what: str, run_once: Callable[[], Awaitable[int]]) -> NoReturn:
    """Run a process again and again until cancelled. `run_once` returns its exit status, or raises OSError."""
    pause = _FIRST_PAUSE
    while True:
        started = anyio.current_time()
        try:
            status: int | str = await run_once()
        except OSError as fault:
            # Too many processes, or a program that is being replaced: passes, and the API serves meanwhile.
            status = f"could not be started: {fault}"
        if anyio.current_time() - started > _STEADY:
            pause = _FIRST_PAUSE
        _log.error(f"the {what} ended; it is started again", status=status, pause=pause)
        await anyio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _run_once(errand: bytes) -> int:
    command = [sys.executable, "-m", "warpdrive.entrypoints.control.worker"]
    async with await anyio.open_process(
        command, stdin=PIPE, stdout=None, stderr=None, start_new_session=True
    ) as worker:
        try:
            assert worker.stdin is not None, "it was asked for"
            try:
                await worker.stdin.send(errand)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                # It died before it could listen; its status says more.
                return await worker.wait()
            return await worker.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await end(worker)


async def end(worker: Process) -> None:
    """Close the life line, if it is a pipe of ours, then be less patient."""
    if worker.stdin is not None:
        await worker.stdin.aclose()
    with anyio.move_on_after(_PATIENCE):
        await worker.wait()
    if worker.returncode is None:
        worker.kill()
        await worker.wait()


def place_to_json(place: DatabasePlace) -> dict[str, Any]:
    """Write down everything about a place, passwords too."""
    return {
        "host": place.host,
        "port": place.port,
        "name": place.name,
        "users": {role.value: user for role, user in place.users.items()},
        "passwords": {role.value: password for role, password in place.passwords.items()},
        "sslmode": place.sslmode,
        "sslrootcert": None if place.sslrootcert is None else str(place.sslrootcert),
    }


def place_from_json(written: Mapping[str, Any]) -> DatabasePlace:
    """Read a place back."""
    certificate = written["sslrootcert"]
    return DatabasePlace(
        host=written["host"],
        port=written["port"],
        name=written["name"],
        users={Role(role): user for role, user in written["users"].items()},
        passwords={Role(role): password for role, password in written["passwords"].items()},
        sslmode=written["sslmode"],
        sslrootcert=None if certificate is None else Path(certificate),
    )
