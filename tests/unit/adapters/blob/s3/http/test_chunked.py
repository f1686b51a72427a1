"""Chunked transfer coding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.blob.s3.http.chunked import ChunkedDecoder
from warpdrive.adapters.blob.s3.http.head import MalformedResponse


def _encoded(chunks: list[bytes], trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + trailer + b"\r\n"


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.data())
def test_any_cut_of_the_stream_gives_the_same_body(chunks: list[bytes], data: st.DataObject) -> None:
    """However the network cuts the bytes, the body is the chunks."""
    wire = _encoded(chunks, data.draw(st.sampled_from([b"", b"x-sum: 1\r\n"])))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    decoder = ChunkedDecoder()
    body = bytearray()
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        assert not (decoder.finished and stop > start)
        for piece in decoder.feed(memoryview(wire)[start:stop]):
            body += piece
    assert decoder.finished
    assert bytes(body) == b"".join(chunks)


@pytest.mark.parametrize(
    "wire",
    [
        b"zz\r\n",
        b"\r\n",
        b"-1\r\n",
        b"1_0\r\n",
        b"3\nabc",
        b"3\r\nabcd\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\nmore",
        b"1;" + b"x" * 5000,
    ],
)
def test_what_is_not_chunked_is_refused(wire: bytes) -> None:
    """A broken frame is no body."""
    with pytest.raises(MalformedResponse):
        ChunkedDecoder().feed(memoryview(wire))
