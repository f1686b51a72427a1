"""The bytes that an event's hash is made of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.projections.chain import BEGINNING, chain_hash

EVENT = RecordedEvent(
    position=7,
    stream=UUID(int=1),
    version=2,
    topic="é",
    state=b"{}",
    recorded_at=datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC),
    actor="alice",
    command_id=UUID(int=3),
    correlation_id="x",
    causation_id="y",
    hash=b"",
)


def test_the_bytes_are_those_of_the_docstring() -> None:
    """Written out by hand, so that a verifier in any language can be held against it."""
    written = (
        bytes(32)
        + bytes.fromhex("00000000000000000000000000000001")
        + bytes.fromhex("0000000000000002")
        + bytes.fromhex("00000002 c3a9")
        + bytes.fromhex("00000002") + b"{}"
        + bytes.fromhex("00000005") + b"alice"
        + bytes.fromhex("00000010 00000000000000000000000000000003")
        + bytes.fromhex("00000000000f4240")
    )  # fmt: skip
    assert chain_hash(BEGINNING, EVENT) == sha256(written).digest()


def test_no_command_is_told_from_any_command() -> None:
    """Its length is -1, and nothing follows."""
    written = (
        bytes(32) + bytes(15) + b"\x01" + bytes(7) + b"\x02" + bytes.fromhex("00000000 00000000 00000000 ffffffff")
    ) + bytes.fromhex("fffffffffff0bdc0")
    bare = replace(
        EVENT,
        topic="",
        state=b"",
        actor="",
        command_id=None,
        recorded_at=datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    assert chain_hash(BEGINNING, bare) == sha256(written).digest()


@pytest.mark.parametrize(
    "changed",
    [
        replace(EVENT, stream=UUID(int=2)),
        replace(EVENT, version=3),
        replace(EVENT, topic="e"),
        replace(EVENT, state=b"{ "),
        replace(EVENT, actor="alicf"),
        replace(EVENT, command_id=None),
        replace(EVENT, recorded_at=EVENT.recorded_at + timedelta(microseconds=1)),
        replace(EVENT, topic="é{", state=b"}"),
    ],
)
def test_whatever_changes_the_hash_changes(changed: RecordedEvent) -> None:
    """Every field counts, and bytes cannot move from one field to the next."""
    assert chain_hash(BEGINNING, changed) != chain_hash(BEGINNING, EVENT)


def test_the_hash_before_counts() -> None:
    """So an event that was taken out, put in or moved is found."""
    assert chain_hash(bytes([1]) * 32, EVENT) != chain_hash(BEGINNING, EVENT)
