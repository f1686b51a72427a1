"""The head of a response: status line and headers, parsed strictly enough never to misjudge a body's end."""

import re
from typing import NamedTuple

from warpdrive.application.ports.errors import Unavailable

_OK_VERSIONS = ("HTTP/1.1", "HTTP/1.0")
_STATUS = re.compile("[1-5][0-9][0-9]")
_BLANK = " \t"


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
    lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    code = rest[:3]
    if version not in _OK_VERSIONS or not _STATUS.fullmatch(code) or rest[3:4] not in {"", " "}:
        raise MalformedResponse(f"not an HTTP/1 status line: {lines[0][:80]!r}")
    del lines[0]
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        # No space around a name: before the first it would be a folded line, after the last a trick.
        if not colon or not name or name.strip(_BLANK) != name:
            raise MalformedResponse(f"not a header line: {line[:80]!r}")
        field, text = name.lower(), value.strip(_BLANK)
        known = headers.get(field)
        if known is None:
            headers[field] = text
        elif field != "content-length":
            headers[field] = f"{known}, {text}"
        elif known != text:
            raise MalformedResponse(f"two content lengths: {known!r} and {text!r}")
    return _judged(version, int(code), headers)


def _judged(version: str, status: int, headers: dict[str, str]) -> ResponseHead:
    length = headers.get("content-length")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise MalformedResponse(f"not a content length: {length!r}")
    coding = headers.get("transfer-encoding", "").lower()
    if coding not in {"", "identity", "chunked"}:
        raise MalformedResponse(f"unknown transfer encoding: {coding!r}")
    chunked = coding == "chunked"
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
    # RFC 9112 6.3: with both, chunked wins; the connection is not trusted any further.
    if chunked and length is not None:
        keep_alive = False
    return ResponseHead(status, headers, None if chunked or length is None else int(length), chunked, keep_alive)
