"""Batches on the wire: columns, rows, and what is neither."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.adapters.wire.telemetry import METHOD, check_batch, decode_batch, record_count
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.ingest import MOST_RECORDS
from warpdrive.application.ports.batch_intake import OPEN, WRITE, RecordColumns

ID = UUID(int=5)


def _message(**fields: Any) -> Any:
    return message_class(contract().methods[METHOD].request)(**{"batch_id": str(ID), "node": "gpu-1", **fields})


def _decoded(**fields: Any) -> RecordColumns:
    return decode_batch(_message(**fields).SerializeToString(), 12.5).batch.records


def _texts(records: RecordColumns, name: str) -> list[str]:
    return [records.strings[index] for index in getattr(records, name)]


def _paths(records: RecordColumns) -> list[str]:
    strings, count = records.strings, len(records.strings)
    return [
        strings[path] if path < count else strings[path - count] + strings[key]
        for path, key in zip(records.path, records.key, strict=True)
    ]


ROW = {"ts_ms": 7, "user": "ada", "backend": "lake", "key": "k", "path": "/p/k", "op": "write", "bytes_read": 3}
COLUMNS = {"strings": ["", "bob", "/m/", "q"], "ts_ms_delta": [5, 1], "user": [1, 0], "key": [3, 3], "path": [6, 1]}


def test_rows_are_read_as_columns() -> None:
    """A batch by hand needs nothing else."""
    records = _decoded(rows=[ROW, {"op": "open", "latency_ms": 0.5, "node": "gpu-1"}])
    assert records.ts_ms == [7, 0]
    assert records.op == [WRITE, OPEN]
    assert _texts(records, "user") == ["ada", ""]
    assert _paths(records) == ["/p/k", ""]
    assert (records.bytes_read, records.latency_ms) == ([3, 0], [0.0, 0.5])


def test_columns_and_rows_are_one_batch() -> None:
    """Texts of the one do not become texts of the other."""
    records = _decoded(columns=COLUMNS, rows=[ROW])
    assert records.ts_ms == [5, 6, 7]
    assert _texts(records, "user") == ["bob", "", "ada"]
    assert _texts(records, "key") == ["q", "q", "k"]
    assert _paths(records) == ["/m/q", "bob", "/p/k"]
    assert record_count(_message(columns=COLUMNS, rows=[ROW])) == 3


def test_what_stands_around_the_records_is_read_too() -> None:
    """By the sender's clock; the moment of receipt in milliseconds."""
    message = _message(sent_at_ms=9, covers_from_ms=3, covers_to_ms=8, lost=4)
    sent = decode_batch(message.SerializeToString(), 12.5)
    assert (sent.sent_at_ms, sent.covers_from_ms, sent.covers_to_ms) == (9, 3, 8)
    assert (sent.batch.batch_id, sent.batch.node, sent.batch.lost, sent.batch.received_ms) == (ID, "gpu-1", 4, 12_500)
    assert len(sent.batch.records) == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"batch_id": ""}, "batch_id"),
        ({"batch_id": "7"}, "batch_id"),
        ({"node": ""}, "node"),
        ({"node": "a\nb"}, "node"),
        ({"lost": -1}, "lost"),
        ({"rows": [ROW, {**ROW, "node": "gpu-2"}]}, r"rows\[1\].node"),
        ({"columns": {"ts_ms_delta": [0] * (MOST_RECORDS + 1)}}, "columns"),
        ({"rows": [{**ROW, "op": "unlink"}]}, r"rows\[0\].op"),
        ({"rows": [{**ROW, "key": "a\0"}]}, r"rows\[0\].key"),
        ({"rows": [{**ROW, "hits": -1}]}, r"rows\[0\].hits"),
        ({"rows": [{**ROW, "ts_ms": 10**15}]}, r"rows\[0\].ts_ms"),
        ({"rows": [{**ROW, "latency_ms": float("nan")}]}, r"rows\[0\].latency_ms"),
        ({"rows": [{**ROW, "bytes_read": 2**47}]}, "bytes_read"),
        ({"columns": {**COLUMNS, "user": [1]}}, "columns.user"),
        ({"columns": {**COLUMNS, "user": [1, 9]}}, "columns.user"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_its_field(fields: dict[str, Any], field: str) -> None:
    """Before anything of it is counted."""
    with pytest.raises(Malformed, match=f"^{field}"):
        _decoded(**fields)


def test_what_is_cut_off_is_refused() -> None:
    """By whoever reads it."""
    with pytest.raises(Malformed):
        decode_batch(_message(columns=COLUMNS).SerializeToString()[:-1], 1.0)


def test_the_api_looks_at_no_single_record() -> None:
    """A batch of thousands with an odd number in it is for the process that counts."""
    check_batch(_message(batch_id=str(uuid4()), columns={**COLUMNS, "user": [1, 9]}))
