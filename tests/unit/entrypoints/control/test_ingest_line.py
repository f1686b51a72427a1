"""The API's end of the line: bounds, answers in any order, and a process that hangs up."""

import socket
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from warpdrive.application.control.errors import Malformed, TooBusy
from warpdrive.application.ports.batch_intake import BatchRefused, Ingested, IntakeUnavailable
from warpdrive.entrypoints.control.ingest_frames import ANSWER_HEAD, HEAD, answer_bytes, answer_of
from warpdrive.entrypoints.control.ingest_line import LineLimits, ProcessLine

DONE = Ingested(5, repeated=False, too_old=1, correction_ms=-7)


class _Process:
    """The other end, played by a test."""

    def __init__(self, stream: UNIXSocketStream) -> None:
        self._stream = stream
        self._buffered = BufferedByteReceiveStream(stream)

    async def errand(self) -> bytes:
        return await self._buffered.receive_until(b"\n", 100)

    async def next(self) -> tuple[int, int, bytes]:
        """Take a batch: its number, its records, its bytes."""
        length, number, records, _ = HEAD.unpack(await self._buffered.receive_exactly(HEAD.size))
        return number, records, await self._buffered.receive_exactly(length)

    async def answer(self, number: int, outcome: Any) -> None:
        data = answer_bytes(outcome)
        await self._stream.send(ANSWER_HEAD.pack(len(data), number) + data)

    async def hang_up(self) -> None:
        await self._stream.aclose()


async def _connected(line: ProcessLine, tasks: anyio.abc.TaskGroup) -> _Process:
    ours, theirs = socket.socketpair()

    async def talk() -> None:
        # The process itself is tried in tests/e2e.
        async with await UNIXSocketStream.from_socket(ours) as stream:
            await line._talk(stream, b"{}\n")

    tasks.start_soon(talk)
    process = _Process(await UNIXSocketStream.from_socket(theirs))
    assert await process.errand() == b"{}"
    await line.connected.wait()
    return process


@pytest.mark.parametrize(
    "outcome", [DONE, Malformed("columns", "is odd"), BatchRefused("no"), IntakeUnavailable("away"), ValueError("hm")]
)
def test_every_outcome_crosses_the_line(outcome: Ingested | Exception) -> None:
    """What nobody foresaw may pass, so the batch is kept."""
    came = answer_of(answer_bytes(outcome))
    if isinstance(outcome, Ingested):
        assert came == outcome
    else:
        assert type(came) is (IntakeUnavailable if isinstance(outcome, ValueError) else type(outcome))
        assert str(came) == str(outcome)


async def test_without_a_process_batches_are_refused() -> None:
    """They are kept by who sent them."""
    with pytest.raises(IntakeUnavailable):
        await ProcessLine().send(b"batch", records=1, received_at=1.5)


async def test_answers_find_their_batches_in_any_order() -> None:
    """By number; who counted is told of what was counted, and of nothing else."""
    counted: list[Ingested] = []
    line = ProcessLine(counted=lambda done, _: counted.append(done))
    found: dict[bytes, Any] = {}

    async def send(data: bytes) -> None:
        try:
            found[data] = await line.send(data, records=len(data), received_at=1.5)
        except Malformed as fault:
            found[data] = fault

    async with anyio.create_task_group() as tasks:
        process = await _connected(line, tasks)
        async with anyio.create_task_group() as senders:
            senders.start_soon(send, b"one")
            senders.start_soon(send, b"three")
            batches = [await process.next(), await process.next()]
            assert line.waiting == 2
            assert line.oldest_s > 0
            for number, records, data in reversed(batches):
                assert records == len(data)
                await process.answer(number, DONE if data == b"one" else Malformed("columns", "is odd"))
        await process.hang_up()
        tasks.cancel_scope.cancel()
    assert found[b"one"] == DONE
    assert isinstance(found[b"three"], Malformed)
    assert counted == [DONE]
    assert (line.waiting, line.oldest_s) == (0, 0.0)


@pytest.mark.parametrize("limits", [LineLimits(batches=1), LineLimits(bytes=7)])
async def test_what_is_too_much_is_refused_until_there_is_room(limits: LineLimits) -> None:
    """A caller that leaves makes no room: its batch still waits to be counted."""
    line = ProcessLine(limits=limits)
    async with anyio.create_task_group() as tasks:
        process = await _connected(line, tasks)
        with anyio.move_on_after(0.01):
            await line.send(b"first", records=1, received_at=1.5)
        with pytest.raises(TooBusy):
            await line.send(b"second", records=1, received_at=1.5)
        number, _, _ = await process.next()
        await process.answer(number, DONE)
        with anyio.fail_after(5):
            while line.waiting:
                await anyio.lowlevel.checkpoint()
        tasks.start_soon(_send, line)
        assert (await process.next())[2] == b"third"
        await process.hang_up()
        tasks.cancel_scope.cancel()


async def _send(line: ProcessLine) -> None:
    await line.send(b"third", records=1, received_at=1.5)


async def test_when_the_process_hangs_up_everybody_is_told_to_come_back() -> None:
    """Whether their batches were counted, the next attempt will learn."""
    line = ProcessLine()
    async with anyio.create_task_group() as tasks:
        process = await _connected(line, tasks)

        async def send() -> None:
            with pytest.raises(IntakeUnavailable):
                await line.send(b"batch", records=1, received_at=1.5)

        tasks.start_soon(send)
        await process.next()
        await process.hang_up()
    with pytest.raises(IntakeUnavailable):
        await line.send(b"batch", records=1, received_at=1.5)
