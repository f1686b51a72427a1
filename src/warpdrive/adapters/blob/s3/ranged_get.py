"""GetObject of a range, into the caller's memory."""

from warpdrive.adapters.blob.s3.http.head import MalformedResponse, ResponseHead
from warpdrive.adapters.blob.s3.object_headers import content_range, described, etag_of
from warpdrive.application.ports.errors import Unsupported, VersionChanged
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

_OK = 200
_PARTIAL = 206


class RangedGet:
    """One ranged GET under way (an `Exchange`). `info` is set once a fitting head arrived."""

    method = "GET"

    def __init__(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        version: ObjectVersion | None,
        sink: BodySink | None,
    ) -> None:
        self._key = key
        self._offset = offset
        self._into = into
        self._version = version
        self._sink = sink
        self.info: ObjectInfo | None = None
        self.length = 0
        """Bytes that this answer brings: fewer than asked for when the object ends before."""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request's own headers."""
        span = ("range", f"bytes={self._offset}-{self._offset + len(self._into) - 1}")
        return (span,) if self._version is None else (("if-match", etag_of(self._version)), span)

    def head_arrived(self, head: ResponseHead) -> memoryview | None:
        """Check that this is what was asked for, and place its body. Error documents are collected.

        Raises Unsupported (the server ignores ranges), VersionChanged (it ignores If-Match) or
        MalformedResponse.
        """
        if head.status == _PARTIAL:
            start, stop, size = content_range(head.headers)
            if start != self._offset or stop > self._offset + len(self._into):
                raise MalformedResponse(f"asked for {len(self._into)} bytes from {self._offset}, got {start} to {stop}")
            self.length = stop - start
        elif head.status == _OK:
            size = self.length = self._whole(head)
        else:
            return None
        if head.content_length is not None and head.content_length != self.length:
            raise MalformedResponse(f"a body of {head.content_length} bytes for a range of {self.length}")
        info = described(self._key, size, head.headers)
        if self._version is not None and info.version != self._version:
            raise VersionChanged(f"GET {self._key}: version {info.version} instead of {self._version}")
        self.info = info
        if self._sink is not None:
            self._sink.started(info)
        return self._into[: self.length]

    def body_advanced(self, filled: int) -> None:
        """Pass it on."""
        if self._sink is not None:
            self._sink.advanced(filled)

    def _whole(self, head: ResponseHead) -> int:
        """A 200 is fine when the range was the whole object; some servers shorten the answer like that."""
        if self._offset == 0 and head.content_length == len(self._into):
            return head.content_length
        raise Unsupported(f"GET {self._key}: the server ignores ranges (HTTP 200 for a part)")
