"""The head of a response: status line and headers, parsed strictly enough never to misjudge a body's end."""

from typing import NamedTuple

from warpdrive.application.ports.errors import Unavailable

_OK_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")
_LAST_STATUS = 599


class MalformedResponse(Unavailable):
    """Raised when what arrived is not HTTP/1: something between us and the server is broken. Transient."""


class ResponseHead(NamedTuple):
    """Status, headers by lower-case name, and what they say about the body and the connection."""

    status: int
    headers: dict[str, str]
    content_length: int | None
    """Announced bytes of the body; None when the server did not say."""
    chunked: bool
    keep_alive: bool
    """The server will take another request on this connection after this body."""


def parse_head(raw: bytes) -> ResponseHead:
    """Parse everything before the empty line. Raises MalformedResponse."""
    lines = raw.split(b"\r\n")
    version, _, rest = lines[0].partition(b" ")
    code = rest[:3]
    if version not in _OK_VERSIONS or not (len(code) == 3 and code.isdigit() and rest[3:4] in {b"", b" "}):  # noqa: PLR2004 (a status has three digits)
        raise MalformedResponse(f"not an HTTP/1 status line: {lines[0][:80]!r}")
    status = int(code)
    if not 100 <= status <= _LAST_STATUS:  # noqa: PLR2004 (the first status there is)
        raise MalformedResponse(f"no such status: {status}")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name[-1:] in b" \t" or name[:1] in b" \t":
            raise MalformedResponse(f"not a header line: {line[:80]!r}")
        field = name.decode("latin-1").lower()
        text = value.strip(b" \t").decode("latin-1")
        if field in headers:
            if field == "content-length" and headers[field] != text:
                raise MalformedResponse(f"two content lengths: {headers[field]!r} and {text!r}")
            if field != "content-length":
                text = f"{headers[field]}, {text}"
        headers[field] = text
    return _judged(version, status, headers)


def _judged(version: bytes, status: int, headers: dict[str, str]) -> ResponseHead:
    length = headers.get("content-length")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise MalformedResponse(f"not a content length: {length!r}")
    coding = headers.get("transfer-encoding", "").lower()
    if coding not in {"", "identity", "chunked"}:
        raise MalformedResponse(f"unknown transfer encoding: {coding!r}")
    chunked = coding == "chunked"
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if version == b"HTTP/1.1" else "keep-alive" in connection
    # RFC 9112 6.3: with both, chunked wins; the connection is not trusted any further.
    if chunked and length is not None:
        keep_alive = False
    return ResponseHead(status, headers, None if chunked or length is None else int(length), chunked, keep_alive)
