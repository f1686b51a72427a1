"""The ingest process beside the API: takes batches apart and counts them, where no call has to wait for its turn.

`ingest_line` starts it. Its standard input is a socket both ways; that socket's end is the process's.
"""

import gc
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, Final

import anyio
import structlog
from anyio.abc import UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from warpdrive.adapters.observability.logging import configure_logging
from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.adapters.store.ingest import open_batch_intake
from warpdrive.adapters.wire.telemetry import decode_batch
from warpdrive.application.control.errors import ControlError
from warpdrive.application.control.ingest import IngestDesk
from warpdrive.application.control.retention import Retention
from warpdrive.application.ports.batch_intake import BatchRefused, Ingested, IntakeUnavailable
from warpdrive.entrypoints.control.ingest_frames import ANSWER_HEAD, HEAD, answer_bytes
from warpdrive.entrypoints.control.supervision import place_from_json
from warpdrive.entrypoints.settings.control import ControlSettings, load_control_settings
from warpdrive.entrypoints.settings.secrets import secrets_of

_log = structlog.get_logger(__name__)

_COLLECT: Final = (200_000, 20, 50)
"""Objects between two looks of the garbage collector: at its own pace it walks through every batch in memory several
times, a third of the time that a batch took."""


_SWITCH_S: Final = 0.0005
"""Seconds for which the thread that prepares a group may keep the loop from feeding another one's COPY."""


async def ingest(line: socket.socket, place: DatabasePlace, settings: ControlSettings) -> None:
    """Count what comes over the line until it ends."""
    async with await UNIXSocketStream.from_socket(line) as stream, open_batch_intake(place) as intake:
        desk = IngestDesk(intake, decode_batch, Retention.of(settings.server.retention), busy=intake.busy)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.run)
            await _Clerk(stream, desk).serve()
            tasks.cancel_scope.cancel()


class _Clerk:
    """Passes batches from the line to the desk, and answers back, in whatever order they come."""

    def __init__(self, stream: UNIXSocketStream, desk: IngestDesk) -> None:
        self._stream = stream
        self._desk = desk
        self._turn = anyio.Lock()
        """Held while an answer is written: it is in one piece."""

    async def serve(self) -> None:
        """Return when the line ends."""
        buffered = BufferedByteReceiveStream(self._stream)
        try:
            async with anyio.create_task_group() as tasks:
                while True:
                    length, number, records, received_at = HEAD.unpack(await buffered.receive_exactly(HEAD.size))
                    data = await buffered.receive_exactly(length)
                    tasks.start_soon(self._take, number, data, records, received_at)
        except* (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
            pass  # the API has gone, and with it everybody who could be answered

    async def _take(self, number: int, data: bytes, records: int, received_at: float) -> None:
        outcome: Ingested | Exception
        try:
            outcome = await self._desk.take(data, records=records, received_at=received_at)
        except (ControlError, IntakeUnavailable, BatchRefused) as fault:
            outcome = fault
        answer = answer_bytes(outcome)
        async with self._turn:
            await self._stream.send(ANSWER_HEAD.pack(len(answer), number) + answer)


def _errand(line: socket.socket) -> dict[str, Any]:
    """Read the first line, and nothing behind it."""
    said = b""
    while not said.endswith(b"\n"):
        byte = line.recv(1)
        if not byte:
            sys.exit(0)  # whoever wanted something has gone
        said += byte
    errand: dict[str, Any] = json.loads(said)
    return errand


def main() -> None:
    """Run as the child of `ingest_line`."""
    line = socket.socket(fileno=sys.stdin.fileno())
    errand = _errand(line)
    line.settimeout(0)
    config = None if errand["config"] is None else Path(errand["config"])
    # Passwords of the database came with the place.
    settings = load_control_settings(config, os.environ, overrides=errand["overrides"], roles=())
    configure_logging(settings.log.level, settings.log.format, secrets=secrets_of(settings))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)
    sys.setswitchinterval(_SWITCH_S)
    anyio.run(ingest, line, place_from_json(errand["place"]), settings, backend_options={"use_uvloop": True})


if __name__ == "__main__":
    main()
