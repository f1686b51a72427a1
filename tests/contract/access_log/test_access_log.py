"""What every `AccessLog` promises, whatever it does with the records."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.access_records import access_record
from warpdrive.adapters.sinks.file import FileLog
from warpdrive.adapters.sinks.memory import MemoryLog
from warpdrive.adapters.sinks.nop import NopLog
from warpdrive.adapters.sinks.stdout import StdoutLog
from warpdrive.application.ports.access_log import AccessLog, AccessRecord


class ClosingLog(AccessLog, Protocol):
    """A sink as the composition root owns it."""

    @property
    def lost(self) -> int: ...  # noqa: D102 - described by each sink

    async def aclose(self, *, patience: float = 2.0) -> None: ...  # noqa: D102 - described by each sink


class Subject:
    """A sink, how to read back what it kept, and how many records it bears."""

    def __init__(self, sink: ClosingLog, kept: Callable[[], list[dict[str, object]]] | None, capacity: int) -> None:
        self.sink = sink
        self.kept = kept
        self.capacity = capacity


CAPACITY = 50


def _as_json(record: AccessRecord) -> dict[str, object]:
    return dict(record._asdict())


@pytest.fixture(params=["memory", "nop", "stdout", "file"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each sink in turn; `stdout` writes to a file here, pipes are its own tests."""
    path = tmp_path / "access.jsonl"

    def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    match request.param:
        case "memory":
            memory = MemoryLog(capacity=CAPACITY)
            subject = Subject(memory, lambda: [_as_json(record) for record in memory.records], CAPACITY)
        case "nop":
            subject = Subject(NopLog(), None, CAPACITY)
        case "stdout":
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
            subject = Subject(StdoutLog(descriptor=descriptor, flush_interval=60), lines, 100_000)
            os.close(descriptor)
        case _:
            subject = Subject(FileLog(path, flush_interval=60), lines, 100_000)
    yield subject
    await subject.sink.aclose()


async def test_records_arrive_whole_and_in_order(subject: Subject) -> None:
    """After closing, everything recorded is there, field by field, in order, and nothing is lost."""
    sent = [access_record(number) for number in range(30)]
    for record in sent:
        subject.sink.record(record)
    await subject.sink.aclose()
    assert subject.sink.lost == 0
    if subject.kept is not None:
        assert subject.kept() == [_as_json(record) for record in sent]


async def test_a_name_of_raw_bytes_survives(subject: Subject) -> None:
    """A key that is no UTF-8 (surrogate escapes) is recorded like any other."""
    key = os.fsdecode(b"r\xe9sum\xe9 \xff\n.txt")
    subject.sink.record(access_record(1, key=key))
    await subject.sink.aclose()
    assert subject.sink.lost == 0
    if subject.kept is not None:
        assert [record["key"] for record in subject.kept()] == [key]


async def test_recording_never_waits(subject: Subject) -> None:
    """Five thousand records are taken in far less time than one flush interval."""
    started = time.monotonic()
    for number in range(5000):
        subject.sink.record(access_record(number))
    assert time.monotonic() - started < 2.0


async def test_closing_twice_is_harmless_and_late_records_raise_nothing(subject: Subject) -> None:
    """The order of a shutdown must not matter."""
    await subject.sink.aclose()
    subject.sink.record(access_record(1))
    await asyncio.wait_for(subject.sink.aclose(), 5)
    if subject.kept is not None:
        assert subject.sink.lost == 1
