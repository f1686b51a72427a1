"""The API's end of the line to the ingest process: bounded, and answered only when a batch is counted."""

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import anyio
from anyio.abc import UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectSendStream

from warpdrive.adapters.store.connecting import DatabasePlace
from warpdrive.application.control.errors import TooBusy
from warpdrive.application.ports.batch_intake import Ingested, IntakeUnavailable
from warpdrive.entrypoints.control.ingest_frames import ANSWER_HEAD, HEAD, answer_of
from warpdrive.entrypoints.control.supervision import SettingsSource, end, errand_for, keep_running

_BUSY_S: Final = 0.5
"""Seconds after which there is probably room again."""


@dataclass(frozen=True, slots=True)
class LineLimits:
    """Batches, and bytes of batches, that may wait at once. What is more is refused, and comes again."""

    batches: int = 512
    bytes: int = 64 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Sent:
    """A batch under way."""

    data: bytes
    records: int
    received_at: float
    began: float
    ended: anyio.Event
    answer: Ingested | Exception | None = None


class ProcessLine:
    """`IngestLine` to a process beside this one. `run` has to run; until the process is there, batches are refused.

    `counted` is told of every batch that was counted, with the seconds that it took.
    """

    def __init__(
        self, *, counted: Callable[[Ingested, float], None] | None = None, limits: LineLimits | None = None
    ) -> None:
        self._counted = counted
        self._limits = limits or LineLimits()
        self._under_way: dict[int, _Sent] = {}
        """By number; never more than `limits.batches` of them, nor more than `limits.bytes` together."""
        self._bytes = 0
        self._last = 0
        self._out: MemoryObjectSendStream[int] | None = None
        """Numbers of batches for the process; None: it is away."""
        self.connected = anyio.Event()
        """Set when a process has taken the line for the first time."""

    @property
    def waiting(self) -> int:
        """How many batches are under way."""
        return len(self._under_way)

    @property
    def oldest_s(self) -> float:
        """Seconds since the batch that waits the longest came; 0 without any."""
        first = next(iter(self._under_way.values()), None)
        return 0.0 if first is None else time.monotonic() - first.began

    async def send(self, batch: bytes, *, records: int, received_at: float) -> Ingested:
        """See the port."""
        if self._out is None:
            raise IntakeUnavailable("the ingest process is away")
        if len(self._under_way) >= self._limits.batches or self._bytes + len(batch) > self._limits.bytes:
            raise TooBusy("batches wait to be counted", _BUSY_S)
        self._last += 1
        number = self._last
        sent = self._under_way[number] = _Sent(batch, records, received_at, time.monotonic(), anyio.Event())
        self._bytes += len(batch)
        try:
            self._out.send_nowait(number)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._end(number, IntakeUnavailable("the ingest process has just ended"))
        # A caller that leaves meanwhile changes nothing: the batch takes room until it is counted.
        await sent.ended.wait()
        assert sent.answer is not None, "whoever ends a wait answers first"
        if isinstance(sent.answer, Ingested):
            if self._counted is not None:
                self._counted(sent.answer, time.monotonic() - sent.began)
            return sent.answer
        raise sent.answer

    def _end(self, number: int, answer: Ingested | Exception) -> None:
        """Answer a batch and make room."""
        sent = self._under_way.pop(number, None)
        if sent is not None:
            self._bytes -= len(sent.data)
            sent.answer = answer
            sent.ended.set()

    async def run(self, place: DatabasePlace, source: SettingsSource) -> NoReturn:
        """Keep a process at the other end until cancelled."""
        errand = errand_for(place, source)
        await keep_running("ingest process", lambda: self._run_once(errand))

    async def _run_once(self, errand: bytes) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = [sys.executable, "-m", "warpdrive.entrypoints.control.ingesting"]
        with theirs:
            ours.settimeout(0)
            stream = await UNIXSocketStream.from_socket(ours)
            async with stream:
                # The socket is its standard input: when we are killed, it ends, and so does the process.
                process = await anyio.open_process(
                    command, stdin=theirs.fileno(), stdout=None, stderr=None, start_new_session=True
                )
                theirs.close()
                try:
                    await self._talk(stream, errand)
                    return await process.wait()
                finally:
                    with anyio.CancelScope(shield=True):
                        await stream.aclose()
                        await end(process)

    async def _talk(self, stream: UNIXSocketStream, errand: bytes) -> None:
        """Pass batches and answers on until the process hangs up."""
        # As many as can be under way: sending never waits.
        send, receive = anyio.create_memory_object_stream[int](self._limits.batches)
        try:
            async with anyio.create_task_group() as tasks, send, receive:
                tasks.start_soon(self._listen, stream, tasks.cancel_scope)
                await stream.send(errand)
                self._out = send
                self.connected.set()
                async for number in receive:
                    sent = self._under_way.get(number)
                    if sent is not None:
                        await stream.send(HEAD.pack(len(sent.data), number, sent.records, sent.received_at) + sent.data)
        except* (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # it hung up in the middle: its status says more
        finally:
            self._out = None
            for number in tuple(self._under_way):
                self._end(number, IntakeUnavailable("the ingest process ended"))

    async def _listen(self, stream: UNIXSocketStream, scope: anyio.CancelScope) -> None:
        buffered = BufferedByteReceiveStream(stream)
        try:
            while True:
                length, number = ANSWER_HEAD.unpack(await buffered.receive_exactly(ANSWER_HEAD.size))
                self._end(number, answer_of(await buffered.receive_exactly(length)))
        except (anyio.IncompleteRead, anyio.EndOfStream):
            scope.cancel()
