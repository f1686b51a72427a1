"""Sink `stdout` on real pipes."""

import os
import time

import pytest

from tests.support.access_records import access_record
from tests.support.ports import wait_until
from warpdrive.adapters.sinks.stdout import StdoutLog


async def test_a_blocked_pipe_never_blocks_recording_and_losses_are_counted() -> None:
    """Nobody reads the pipe: recording goes on, the buffer drops its oldest, closing gives up in time."""
    reader, writer = os.pipe()
    sink = StdoutLog(descriptor=writer, batch_size=10, flush_interval=0.01, capacity=1000)
    os.close(writer)
    try:
        started = time.monotonic()
        for number in range(20_000):
            sink.record(access_record(number))
        assert time.monotonic() - started < 5.0
        assert sink.lost > 0
        await sink.aclose(patience=0.2)
        # All that was sent is either lost or among the bytes that the pipe holds (64 KiB: under 300 records).
        assert 20_000 - 300 < sink.lost <= 20_000
    finally:
        os.close(reader)


async def test_a_closed_pipe_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The reader went away (EPIPE): every batch is lost, one line says so."""
    reader, writer = os.pipe()
    os.close(reader)
    sink = StdoutLog(descriptor=writer, batch_size=1, flush_interval=0.01)
    os.close(writer)
    for number in range(3):
        sink.record(access_record(number))
        expected = number + 1
        wait_until(lambda expected=expected: sink.lost == expected, what="the loss being counted")  # type: ignore[misc]  # a default argument binds the loop's value
    await sink.aclose()
    assert [message for message in caplog.messages if "sink fails" in message] == [
        "telemetry sink fails; its records are dropped and counted until it works again"
    ]


async def test_a_batch_leaves_when_the_interval_has_passed() -> None:
    """One record alone does not wait for a full batch."""
    reader, writer = os.pipe()
    sink = StdoutLog(descriptor=writer, batch_size=100, flush_interval=0.02)
    os.close(writer)
    sink.record(access_record(42))
    line = os.read(reader, 65536)
    assert b'"bytes_read":42' in line
    await sink.aclose()
    os.close(reader)
