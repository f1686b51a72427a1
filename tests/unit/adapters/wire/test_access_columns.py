"""Access records as columns: what goes in comes out, and what is no set of whole records is refused by its field."""

import struct
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from tests.support.access_records import access_record
from warpdrive.adapters.wire.access_columns import OPS, Columns, decode_columns, encode
from warpdrive.application.control.errors import Malformed
from warpdrive.application.ports.access_log import AccessRecord
from warpdrive.domain.content.texts import escaped

_MOST = 2**63 - 1

texts = st.one_of(
    st.sampled_from(["", "a", "a/b", "/a/b", "résumé", "\udce9", "b\udcff\0", "\0", "\ud83d\udca9"]),
    st.text(st.characters(exclude_categories=()), max_size=6),
)
counts = st.one_of(st.just(0), st.integers(0, _MOST))
latencies = st.one_of(st.just(0.0), st.floats(0, 2.0**100, width=32))


@st.composite
def records(draw: st.DrawFn) -> AccessRecord:
    """Any record; its path ends with its key more often than chance would have it."""
    key = draw(texts)
    path = draw(texts)
    return AccessRecord(
        ts=draw(st.integers(0, 253_402_300_799_999)) / 1000,
        window_ms=draw(counts),
        node="node-7",
        user=draw(texts),
        uid=draw(st.integers(0, 2**32 - 1)),
        job=draw(texts),
        backend=draw(texts),
        key=key,
        path=path + key if draw(st.booleans()) else path,
        version=draw(texts),
        op=draw(st.sampled_from(OPS)),
        opens=draw(counts),
        bytes_read=draw(counts),
        hits=draw(counts),
        misses=draw(counts),
        latency_ms=draw(latencies),
        latency_max_ms=draw(latencies),
        error=draw(texts),
    )


def rows(columns: Columns) -> list[AccessRecord]:
    """Put records together again; their moments are whole milliseconds."""
    at = columns.strings
    return [
        AccessRecord(
            ts=columns.ts_ms[row],
            window_ms=columns.window_ms[row],
            node="node-7",
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
            latency_max_ms=columns.latency_max_ms[row],
            error=at[columns.error[row]],
        )
        for row in range(len(columns))
    ]


def carried(record: AccessRecord) -> AccessRecord:
    """What a record is on the other side: texts escaped, milliseconds, latencies of single precision."""
    changed: dict[str, Any] = {
        name: escaped(value) for name, value in record._asdict().items() if isinstance(value, str)
    }
    single = {
        name: struct.unpack("f", struct.pack("f", getattr(record, name)))[0]
        for name in ("latency_ms", "latency_max_ms")
    }
    return record._replace(**changed, **single, ts=round(record.ts * 1000))


def over_the_wire(message: Message) -> Message:
    """Write and read it."""
    return type(message).FromString(message.SerializeToString())


@given(st.lists(records(), max_size=12))
def test_what_goes_in_comes_out(given_records: list[AccessRecord]) -> None:
    """Any records, with any bytes in their names, in any order of time."""
    assert rows(decode_columns(over_the_wire(encode(given_records)))) == [carried(each) for each in given_records]


def test_a_path_that_ends_with_its_key_is_not_sent_twice() -> None:
    """Only what stands before the key is, once for all; another path is sent whole."""
    message: Any = encode([access_record(1), access_record(2, key="b"), access_record(3)._replace(path="/other")])
    assert set(message.strings) == {"", "ada", "4711", "photos", '"etag"', "train/a.tar", "b", "/photos/", "/other"}
    assert len(message.strings) == 9
    columns = decode_columns(message)
    assert [columns.path_at(row) for row in range(3)] == ["/photos/train/a.tar", "/photos/b", "/other"]


def test_a_column_of_nothing_is_left_out() -> None:
    """Zeros and empty texts take no room."""
    message: Any = encode([access_record(0)._replace(job="", error="", hits=0)])
    assert [len(getattr(message, name)) for name in ("job", "error", "hits", "bytes_read", "user")] == [0, 0, 0, 0, 1]


def test_the_empty_text_need_not_be_sent() -> None:
    """Another writer may leave it out, and paths before keys still are what they were."""
    message: Any = type(encode([]))(strings=["k", "/p/"], ts_ms_delta=[5], key=[0], path=[1 + 2], opens=[1])
    columns = decode_columns(message)
    assert (columns.path_at(0), columns.strings[columns.user[0]], columns.strings[columns.key[0]]) == ("/p/k", "", "k")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("user", [1]),
        ("key", [7, 0]),
        ("path", [14, 0]),
        ("op", [5, 0]),
        ("opens", [-1, 0]),
        ("bytes_read", [1, 2, 3]),
        ("latency_ms", [float("nan"), 1.0]),
        ("latency_ms", [1.0, float("nan")]),
        ("latency_max_ms", [float("inf"), 1.0]),
        ("latency_max_ms", [-0.5, 1.0]),
        ("ts_ms_delta", [-1, 0]),
        ("ts_ms_delta", [253_402_300_799_999, 1]),
        ("strings", ["a\0"] + 6 * [""]),
    ],
)
def test_what_is_no_set_of_whole_records_is_refused_by_its_field(field: str, values: list[Any]) -> None:
    """Columns of other lengths, indexes and numbers out of range."""
    message: Any = encode([access_record(1), access_record(2)])
    assert len(message.strings) == 7
    message.ClearField(field)
    getattr(message, field).extend(values)
    with pytest.raises(Malformed) as caught:
        decode_columns(over_the_wire(message))
    assert caught.value.field == f"columns.{field}"
