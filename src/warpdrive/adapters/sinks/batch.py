"""A batch: access records with what they cover, as the bytes that are sent in every attempt.

Everything about it is decided when it is cut. Only the sender's clock is said anew each time, by bytes after the rest:
in protobuf's encoding two messages one after the other are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from google.protobuf.message import Message

from warpdrive.adapters.wire.access_columns import encode
from warpdrive.adapters.wire.contract import PACKAGE, contract, message_class
from warpdrive.application.ports.access_log import AccessRecord

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Span:
    """Milliseconds since the epoch, the end not included. Both 0: nothing is claimed."""

    from_ms: int = 0
    to_ms: int = 0


NO_CLAIM: Final = Span()


@dataclass(frozen=True, slots=True)
class BatchMark:
    """What is known of a batch without its bytes. `sequence` orders one node's batches, across restarts too.

    `records` are in it, `lost` are told of by it: if it is lost itself, both are.
    """

    sequence: int
    id: UUID
    cut_ms: int
    records: int
    lost: int
    covers: Span
    origin: int = 0
    """The node's name, as `origin_of` has it: who calls itself another name now may not be allowed to send it."""

    @property
    def at_ms(self) -> int:
        """The moment that stands for it: the last that it covers, or when it was cut."""
        return max(self.covers.from_ms, self.covers.to_ms - 1) if self.covers != NO_CLAIM else self.cut_ms


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch with its bytes: an IngestEventsRequest without the sender's clock."""

    mark: BatchMark
    body: bytes


def origin_of(node: str) -> int:
    """Return a number of 32 bits for a node's name, short enough for a file's name."""
    return crc32(node.encode("utf-8", "surrogateescape"))


def cut(mark: BatchMark, records: Sequence[AccessRecord], *, node: str, metadata_sample_rate: float) -> Batch:
    """Write a batch. Takes 18 ms of a core for 10,000 records."""
    message = _request_class()(
        batch_id=str(mark.id),
        node=node,
        covers_from_ms=mark.covers.from_ms,
        covers_to_ms=mark.covers.to_ms,
        lost=mark.lost,
        metadata_sample_rate=metadata_sample_rate,
        columns=encode(records) if records else None,
    )
    return Batch(mark, _bytes_of(message))


def stamped(batch: Batch, sent_at_ms: int) -> bytes:
    """Return the request as it is sent at a moment."""
    return batch.body + _bytes_of(_request_class()(sent_at_ms=sent_at_ms))


def request_in(data: bytes) -> Message:
    """Read a request. Raises DecodeError."""
    message: Message = _request_class().FromString(data)
    return message


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString()


@cache
def _request_class() -> Any:
    return message_class(contract().pool.FindMessageTypeByName(f"{PACKAGE}.IngestEventsRequest"))
