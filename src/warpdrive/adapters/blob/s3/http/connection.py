"""One connection, one exchange at a time; a body of known place lands there without a copy.

Invariants: `_target` is set only while a body of known length is arriving and has room left, so
`get_buffer` never hands out an empty buffer; once an exchange ended, however it ended, no byte is written
to the caller's memory.
"""

import asyncio
from typing import Protocol, cast

from warpdrive.adapters.blob.s3.http.chunked import ChunkedDecoder
from warpdrive.adapters.blob.s3.http.head import MalformedResponse, ResponseHead, parse_head
from warpdrive.application.ports.errors import ShortBody, Unavailable

_SCRATCH_SIZE = 64 * 1024
"""Receives heads, and bodies without a place. A first recv of this size takes most small objects in one
call; copying what it caught of a body costs about 5 us, one more turn of the loop about 25 us."""
_COLLECT_LIMIT = 64 * 1024 * 1024
"""Largest body collected in memory: error documents and pages of listings are far smaller."""
_INFORMATIONAL_END = 200
_BODILESS = (204, 304)


class StaleConnectionError(Exception):
    """Raised when a kept connection ended before any byte of the response: the request may go out again."""


class Exchange(Protocol):
    """What the asker of one request wants to hear. Both calls are made on the event loop."""

    method: str

    def head_arrived(self, head: ResponseHead) -> memoryview | None:
        """Say where the body goes (None: collect it), or raise to end the exchange and the connection.

        A view must be as long as the body is announced to be, and not empty.
        """

    def body_advanced(self, filled: int) -> None:
        """The first `filled` bytes of the view are there."""


class HttpConnection(asyncio.BufferedProtocol):
    """The protocol of one transport."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._scratch = bytearray(_SCRATCH_SIZE)
        self._scratch_view = memoryview(self._scratch)
        self._held = 0
        """Bytes of an unfinished head at the start of the scratch buffer."""
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[ResponseHead, bytes]] | None = None
        """Set while an exchange is under way."""
        self._exchange: Exchange | None = None
        self._head: ResponseHead | None = None
        self._target: memoryview | None = None
        self._filled = 0
        """Bytes of the body that arrived."""
        self._length: int | None = None
        """Bytes the body will have; None: until the last chunk, or the end of the connection."""
        self._collected = bytearray()
        self._place: memoryview | None = None
        """The caller's view for a body of unknown length."""
        self._decoder: ChunkedDecoder | None = None
        self._exchanges = 0
        self.reusable = False
        """May take (another) request."""
        self.idle_since = 0.0
        """Loop time of the end of the last exchange, in seconds."""
        self.closed: asyncio.Future[None] = loop.create_future()
        """Done once the transport is gone."""

    async def ask(self, request: bytes, exchange: Exchange) -> tuple[ResponseHead, bytes]:
        """Send the request; return the head and, unless the exchange gave it a place, the body.

        Cancelling closes the connection. Raises StaleConnectionError, Unavailable, ShortBody,
        MalformedResponse, or what `exchange.head_arrived` raised.
        """
        assert self._answer is None, "one exchange at a time"
        if self._transport is None or not self.reusable:
            raise StaleConnectionError
        self.reusable = False
        self._exchange = exchange
        self._answer = self._loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except BaseException:
            self.abort()
            raise
        finally:
            self._forget_exchange()

    def abort(self) -> None:
        """Close at once; an exchange under way ends with an error."""
        self.reusable = False
        self._target = self._place = None
        if self._transport is not None:
            self._transport.abort()

    def _forget_exchange(self) -> None:
        self._exchanges += 1
        self._answer = None
        self._exchange = None
        self._head = None
        self._target = self._place = None
        self._decoder = None
        self._filled = 0
        self._length = None
        if self._collected:
            self._collected = bytearray()

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self.reusable = True

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (the transport's guess; we know better)
        """Where the next bytes go: the caller's memory once the head is through."""
        if self._target is not None:
            return self._target[self._filled :]
        return self._scratch_view[self._held :]

    def buffer_updated(self, nbytes: int) -> None:
        """`nbytes` arrived in the buffer that was handed out last."""
        if self._target is not None:
            self._filled += nbytes
            assert self._exchange is not None
            self._exchange.body_advanced(self._filled)
            if self._filled == len(self._target):
                self._finish()
            return
        if self._answer is None or self._answer.done():
            self.abort()  # Nobody asked, or the asker is gone: whatever this is, it is no answer.
            return
        try:
            if self._head is None:
                self._held += nbytes
                self._read_head()
            else:
                self._read_body(self._scratch_view[:nbytes])
        except Exception as error:  # noqa: BLE001 (a fault of this response, handed to whoever waits for it)
            self._fail(error)

    def eof_received(self) -> bool:
        """The server will send no more: the proper end of a body without a length, and of nothing else."""
        if self._head is not None and self._length is None and self._decoder is None:
            self._finish()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """End the exchange under way, if any, with what that means for it."""
        self.reusable = False
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._fail(self._loss(error))
        self._target = self._place = None
        if not self.closed.done():
            self.closed.set_result(None)

    def _loss(self, error: Exception | None) -> Exception:
        why = f"connection lost: {error}" if error is not None else "connection closed by the server"
        if self._head is not None:
            return ShortBody(f"{why} after {self._filled} bytes of the body", self._filled)
        if self._exchanges and not self._held:
            return StaleConnectionError(why)
        return Unavailable(f"{why} before the response")

    # The response, in order.

    def _read_head(self) -> None:
        while True:
            end = self._scratch.find(b"\r\n\r\n", 0, self._held)
            if end < 0:
                if self._held == _SCRATCH_SIZE:
                    raise MalformedResponse(f"no end of the response's head in {_SCRATCH_SIZE} bytes")
                return
            head = parse_head(bytes(self._scratch_view[:end]))
            start, stop = end + 4, self._held
            if head.status >= _INFORMATIONAL_END:
                break
            self._scratch_view[: stop - start] = bytes(self._scratch_view[start:stop])
            self._held = stop - start
        self._held = 0
        self._begin_body(head, self._scratch_view[start:stop])

    def _begin_body(self, head: ResponseHead, rest: memoryview) -> None:
        assert self._exchange is not None
        self._head = head
        bodiless = self._exchange.method == "HEAD" or head.status in _BODILESS
        self._length = 0 if bodiless else head.content_length
        self._decoder = ChunkedDecoder() if head.chunked and not bodiless else None
        place = self._exchange.head_arrived(head)
        if place is not None and self._length is not None:
            if len(place) != self._length:
                raise MalformedResponse(f"{self._length} bytes announced, {len(place)} expected")
            taken = len(rest)
            if taken < len(place):
                place[:taken] = rest
                self._target, self._filled = place, taken
                if taken:
                    self._exchange.body_advanced(taken)
                return
        self._place = place
        if self._length == 0 and not rest:
            self._finish()
        elif rest:
            self._read_body(rest)

    def _read_body(self, data: memoryview) -> None:
        """Take body bytes that are in the scratch buffer: collect them, or copy them to their place."""
        pieces = [data] if self._decoder is None else self._decoder.feed(data)
        for piece in pieces:
            self._take(piece)
        if self._decoder is not None:
            if self._decoder.finished:
                self._finish()
        elif self._length is not None:
            if self._filled > self._length:
                raise MalformedResponse(f"more than the {self._length} bytes announced")
            if self._filled == self._length:
                self._finish()

    def _take(self, piece: memoryview) -> None:
        assert self._exchange is not None
        filled = self._filled + len(piece)
        if self._place is None:
            if filled > _COLLECT_LIMIT:
                raise MalformedResponse(f"a body of more than {_COLLECT_LIMIT} bytes that nobody expects")
            self._collected += piece
        else:
            if filled > len(self._place):
                raise MalformedResponse(f"more than the {len(self._place)} bytes asked for")
            self._place[self._filled : filled] = piece
        self._filled = filled
        if self._place is not None:
            self._exchange.body_advanced(filled)

    def _finish(self) -> None:
        assert self._head is not None
        answer, head = self._answer, self._head
        place = self._place
        self._target = None
        if answer is None or answer.done():
            self.abort()
            return
        if place is not None and self._filled < len(place):
            self._fail(ShortBody(f"the body ended after {self._filled} of {len(place)} bytes", self._filled))
            return
        framed = self._length is not None or self._decoder is not None
        self.reusable = head.keep_alive and framed
        self.idle_since = self._loop.time()
        answer.set_result((head, bytes(self._collected)))
        if not self.reusable and self._transport is not None:
            self._transport.abort()

    def _fail(self, error: Exception) -> None:
        self._target = self._place = None
        self.reusable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        if self._transport is not None:
            self._transport.abort()
