"""Response heads."""

import pytest

from warpdrive.adapters.blob.s3.http.head import MalformedResponse, parse_head


def test_tells_status_headers_and_length() -> None:
    """Names are lower case, values trimmed, the length a number."""
    head = parse_head(b'HTTP/1.1 206 Partial Content\r\nETag:  "a" \r\nCONTENT-LENGTH: 12')
    assert (head.status, head.content_length, head.chunked, head.keep_alive) == (206, 12, False, True)
    assert head.headers == {"etag": '"a"', "content-length": "12"}


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b"HTTP/1.1 200 OK", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close", False),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3", False),
    ],
)
def test_knows_whether_the_connection_lives_on(raw: bytes, kept: bool) -> None:
    """By version, by header, and never when the framing is doubtful."""
    assert parse_head(raw).keep_alive is kept


def test_chunked_has_no_length_of_its_own() -> None:
    """Transfer-Encoding wins over Content-Length."""
    head = parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3")
    assert (head.chunked, head.content_length) == (True, None)


def test_repeated_headers_are_joined_and_equal_lengths_are_one() -> None:
    """As RFC 9110 says of lists; a length said twice alike is still one length."""
    head = parse_head(b"HTTP/1.1 200 OK\r\nVary: a\r\nvary: b\r\nContent-Length: 3\r\ncontent-length: 3")
    assert (head.headers["vary"], head.content_length) == ("a, b", 3)


def test_a_status_line_needs_no_reason() -> None:
    """Some servers send only the number."""
    assert parse_head(b"HTTP/1.1 404").status == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2",
        b"HTTP/2 200 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 abc OK",
        b"HTTP/1.1 999 Beyond",
        b"HTTP/1.1 200 OK\r\nno colon",
        b"HTTP/1.1 200 OK\r\n: no name",
        b"HTTP/1.1 200 OK\r\nname : space before the colon",
        b"HTTP/1.1 200 OK\r\nfolded: a\r\n  b",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x10",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
    ],
)
def test_what_is_not_http_is_refused(raw: bytes) -> None:
    """Rather than guess where a body ends."""
    with pytest.raises(MalformedResponse):
        parse_head(raw)
