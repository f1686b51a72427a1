"""What every `AccessLog` promises, whatever it does with the records."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.access_records import access_record
from tests.support.shipped import Shipping
from warpdrive.adapters.sinks.file import FileLog
from warpdrive.adapters.sinks.memory import MemoryLog
from warpdrive.adapters.sinks.nop import NopLog
from warpdrive.adapters.sinks.sender import Unreachable
from warpdrive.adapters.sinks.stdout import StdoutLog
from warpdrive.adapters.wire.access_columns import OPS
from warpdrive.application.ports.access_log import AccessLog, AccessRecord
from warpdrive.domain.content.texts import escaped


class ClosingLog(AccessLog, Protocol):
    """A sink as the composition root owns it."""

    @property
    def lost(self) -> int: ...  # noqa: D102 - described by each sink

    async def aclose(self, *, patience: float = 2.0) -> None: ...  # noqa: D102 - described by each sink


class Subject:
    """A sink, how to read back what it kept, and how many records it bears."""

    def __init__(
        self, sink: ClosingLog, kept: Callable[[], Awaitable[list[dict[str, object]]]] | None, capacity: int
    ) -> None:
        self.sink = sink
        self.kept = kept
        self.capacity = capacity
        self.writes_keys: Callable[[str], str] = str
        """How a key looks in what it kept."""


CAPACITY = 50


def _as_json(record: AccessRecord) -> dict[str, object]:
    return dict(record._asdict())


async def _after(shipping: Shipping) -> Shipping:
    """Return the process that sends what this one left on disk, when it left something."""
    if shipping.sender.fault is None:
        return shipping
    later = Shipping(shipping.folder)
    await later.log.aclose()
    return later


def _arrived(shipping: Shipping) -> list[dict[str, object]]:
    """What a control plane was sent, as the records that it was made of."""
    kept: list[dict[str, object]] = []
    for each in shipping.shipments:
        columns, at = each.columns, each.columns.strings
        kept += [
            _as_json(
                AccessRecord(
                    ts=columns.ts_ms[row] / 1000,
                    window_ms=columns.window_ms[row],
                    node=each.message.node,
                    user=at[columns.user[row]],
                    uid=columns.uid[row],
                    job=at[columns.job[row]],
                    backend=at[columns.backend[row]],
                    key=at[columns.key[row]],
                    path=columns.path_at(row),
                    version=at[columns.version[row]],
                    op=OPS[columns.op[row]],
                    opens=columns.opens[row],
                    bytes_read=columns.bytes_read[row],
                    hits=columns.hits[row],
                    misses=columns.misses[row],
                    latency_ms=columns.latency_ms[row],
                    latency_max_ms=round(columns.latency_max_ms[row], 6),  # single precision
                    error=at[columns.error[row]],
                )
            )
            for row in range(len(columns))
        ]
    return kept


@pytest.fixture(params=["memory", "nop", "stdout", "file", "shipping", "spooled"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each sink in turn; `stdout` writes to a file here, pipes are its own tests."""
    path = tmp_path / "access.jsonl"

    async def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    match request.param:
        case "memory":
            memory = MemoryLog(capacity=CAPACITY)

            async def remembered() -> list[dict[str, object]]:
                return [_as_json(record) for record in memory.records]

            subject = Subject(memory, remembered, CAPACITY)
        case "nop":
            subject = Subject(NopLog(), None, CAPACITY)
        case "stdout":
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
            subject = Subject(StdoutLog(descriptor=descriptor, flush_interval=60), lines, 100_000)
            os.close(descriptor)
        case "shipping" | "spooled":
            shipping = Shipping(tmp_path, batch_size=7)
            if request.param == "spooled":
                shipping.sender.fault = Unreachable("away")

            async def arrived() -> list[dict[str, object]]:
                return _arrived(await _after(shipping))

            subject = Subject(shipping.log, arrived, 100_000)
            subject.writes_keys = escaped
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
        assert await subject.kept() == [_as_json(record) for record in sent]


async def test_a_name_of_raw_bytes_survives(subject: Subject) -> None:
    """A key that is no UTF-8 (surrogate escapes) is recorded like any other."""
    key = os.fsdecode(b"r\xe9sum\xe9 \xff\n.txt")
    subject.sink.record(access_record(1, key=key))
    await subject.sink.aclose()
    assert subject.sink.lost == 0
    if subject.kept is not None:
        assert [record["key"] for record in await subject.kept()] == [subject.writes_keys(key)]


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
