"""Batches of access records on the wire. The hot path of the API: google.protobuf only, and no look at single records.

What the API checks is what it must: that the batch has an id and speaks for its own node, and how much it is. The
process that counts takes the records apart, with `decode_batch`.
"""

from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError, Message

from warpdrive.adapters.wire.access_columns import OPS, decode_columns
from warpdrive.adapters.wire.binding import Binding, Fields
from warpdrive.adapters.wire.contract import PACKAGE, contract, message_class
from warpdrive.adapters.wire.fields import required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.ingest import MOST_RECORDS, SentBatch
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.ports.batch_intake import COLUMNS, AccessBatch, Ingested, RecordColumns
from warpdrive.domain.content.texts import why_no_word

METHOD: Final = "TelemetryService/IngestEvents"

_MOST_COUNT: Final = 2**46
"""No window of one handle has more bytes (70 TB) or reads, and sums of so many still fit 64 bits."""

_TEXTS: Final = ("user", "job", "backend", "key", "path", "version", "error")
_LAST_MS: Final = 253_402_300_799_999
_NUMBERS: Final = tuple(name for name in COLUMNS if name not in (*_TEXTS, "op"))


def check_batch(message: Message) -> None:
    """Refuse what cannot be counted, without a look at single records but at their nodes. Raises Malformed."""
    batch: Any = message
    _batch_id(batch.batch_id)
    reason = why_no_word(required("node", batch.node))
    if reason is not None:
        raise Malformed("node", reason)
    if batch.lost < 0:
        raise Malformed("lost", "must be 0 or more")
    if record_count(message) > MOST_RECORDS:
        raise Malformed("columns", f"and rows have {record_count(message)} records, more than {MOST_RECORDS}")
    for index, row in enumerate(batch.rows):
        if row.node and row.node != batch.node:
            raise Malformed(f"rows[{index}].node", f"is {row.node!r}, but the batch is of {batch.node!r}")


def record_count(message: Message) -> int:
    """Count the records of an IngestEventsRequest."""
    batch: Any = message
    return len(batch.columns.ts_ms_delta) + len(batch.rows)


def decode_batch(data: bytes, received_at: float) -> SentBatch:
    """Read an IngestEventsRequest, received at a moment (Unix time in seconds). Raises Malformed."""
    try:
        message: Any = message_class(
            contract().pool.FindMessageTypeByName(f"{PACKAGE}.IngestEventsRequest")
        ).FromString(data)
    except DecodeError:
        raise Malformed("request", "is no IngestEventsRequest") from None
    check_batch(message)
    records = _records(message)
    for name in ("opens", "bytes_read", "hits", "misses"):
        if max(getattr(records, name), default=0) > _MOST_COUNT:
            raise Malformed(name, f"is more than {_MOST_COUNT} in one record")
    return SentBatch(
        batch=AccessBatch(
            _batch_id(message.batch_id), message.node, round(received_at * 1000), records, lost=message.lost
        ),
        sent_at_ms=message.sent_at_ms,
        covers_from_ms=message.covers_from_ms,
        covers_to_ms=message.covers_to_ms,
    )


def _batch_id(text: str) -> UUID:
    try:
        return UUID(required("batch_id", text))
    except ValueError:
        raise Malformed("batch_id", "is no UUID") from None


def _records(batch: Any) -> RecordColumns:
    columns = decode_columns(batch.columns)
    records = RecordColumns(columns.strings, **{name: getattr(columns, name) for name in COLUMNS})
    if not batch.rows:
        return records
    rows = _from_rows(batch.rows)
    return _joined(records, rows) if len(records) else rows


def _from_rows(rows: Any) -> RecordColumns:
    """Return row messages as columns."""
    numbers: dict[str, int] = {"": 0}
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for index, row in enumerate(rows):
        for name in _TEXTS:
            text = getattr(row, name)
            if "\0" in text:
                raise Malformed(f"rows[{index}].{name}", "has a NUL character")
            columns[name].append(numbers.setdefault(text, len(numbers)))
        for name in _NUMBERS:
            value = getattr(row, name)
            if not (0 <= value < float("inf")) or (name == "ts_ms" and value > _LAST_MS):
                raise Malformed(f"rows[{index}].{name}", f"cannot be {value}")
            columns[name].append(value)
        if row.op not in OPS:
            raise Malformed(f"rows[{index}].op", f"must be one of: {', '.join(OPS)}")
        columns["op"].append(OPS.index(row.op))
    return RecordColumns(tuple(numbers), **columns)


def _joined(first: RecordColumns, second: RecordColumns) -> RecordColumns:
    """Return both, the second one's texts behind the first one's."""
    known, more = len(first.strings), len(second.strings)
    joined: dict[str, list[Any]] = {}
    for name in COLUMNS:
        before, behind = getattr(first, name), getattr(second, name)
        if name in _TEXTS:
            behind = [index + known for index in behind]
        if name == "path":  # indexes beyond the texts go on being beyond
            before = [index + more if index >= known else index for index in before]
        joined[name] = [*before, *behind]
    return RecordColumns((*first.strings, *second.strings), **joined)


async def _run(plane: ControlPlane, call: Call, message: Message) -> Done[Ingested]:
    return await plane.ingest.record(call, message.SerializeToString(), records=record_count(message))


def _answer(done: Ingested) -> Fields:
    return {
        "accepted": done.accepted,
        "repeated_batch": done.repeated,
        "too_old": done.too_old,
        "clock_correction_seconds": done.correction_ms / 1000,
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    Binding(METHOD, reads=False, request=wire.IngestEventsRequest, run=_run, answer=_answer, check=check_batch),
)
