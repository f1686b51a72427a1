"""Chunked transfer coding (RFC 9112, 7.1), undone piece by piece as bytes arrive."""

from enum import Enum

from warpdrive.adapters.blob.s3.http.head import MalformedResponse

_LINE_LIMIT = 4096
"""Longest size line or trailer accepted, in bytes."""
_SIZE_DIGITS = 15
"""Hexadecimal digits of the largest chunk accepted: more than any object has."""


class _Expecting(Enum):
    SIZE = "size"
    DATA = "data"
    DATA_END = "data end"
    TRAILER = "trailer"
    NOTHING = "nothing"


class ChunkedDecoder:
    """Give it what arrives; it gives back what is body.

    `finished` once the last chunk and the trailers are through.
    """

    def __init__(self) -> None:
        self._expecting = _Expecting.SIZE
        self._left = 0
        """Bytes of the current chunk still to come."""
        self._line = bytearray()
        """A size line or trailer of which only a beginning has arrived."""

    @property
    def finished(self) -> bool:
        """Whether the whole body has arrived."""
        return self._expecting is _Expecting.NOTHING

    def feed(self, data: memoryview) -> list[memoryview]:
        """Return the body's bytes in `data`, as views of it.

        Raises MalformedResponse, also for bytes past the end.
        """
        pieces: list[memoryview] = []
        at = 0
        while at < len(data):
            if self._expecting is _Expecting.DATA:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._expecting = _Expecting.DATA_END
            else:
                at = self._take_line(data, at)
        return pieces

    def _take_line(self, data: memoryview, at: int) -> int:
        if self._expecting is _Expecting.NOTHING:
            raise MalformedResponse("bytes follow the end of a chunked body")
        window = bytes(data[at : at + _LINE_LIMIT])
        end = window.find(b"\n")
        self._line += window if end < 0 else window[: end + 1]
        if len(self._line) > _LINE_LIMIT:
            raise MalformedResponse("a line of a chunked body is too long")
        if end < 0:
            return at + len(window)
        line = bytes(self._line)
        self._line.clear()
        if not line.endswith(b"\r\n"):
            raise MalformedResponse(f"a line of a chunked body ends without CR: {line[:40]!r}")
        self._line_arrived(line[:-2])
        return at + end + 1

    def _line_arrived(self, line: bytes) -> None:
        if self._expecting is _Expecting.SIZE:
            digits = line.partition(b";")[0].strip(b" \t")
            if not 0 < len(digits) <= _SIZE_DIGITS or not all(byte in b"0123456789abcdefABCDEF" for byte in digits):
                raise MalformedResponse(f"not a chunk size: {line[:40]!r}")
            self._left = int(digits, 16)
            self._expecting = _Expecting.DATA if self._left else _Expecting.TRAILER
        elif self._expecting is _Expecting.DATA_END:
            if line:
                raise MalformedResponse("a chunk is longer than it said")
            self._expecting = _Expecting.SIZE
        elif not line:
            self._expecting = _Expecting.NOTHING
