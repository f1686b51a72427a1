"""Speaks ListObjectsV2 (and HEAD, GET) over N synthetic keys, as fast as Python can send prepared pages.

For tests of large directories and for listing benchmarks, where a real server would be what is measured. Keys are
`names/file-0000000.jpg` and so on; the object of a key holds the key itself and a line feed. Signatures are ignored.
Pages of whole thousands are rendered once, at the start. Run it beside the measured process:
`python -m tests.support.listing_server COUNT PORT DELAY`. `DELAY`, in seconds, is a distant store's: each page waits so
long before it is sent, while other requests go on.
"""

import asyncio
import contextlib
import hashlib
import sys
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.ports import LOOPBACK, Address, accepts, free_port, running

BUCKET = "synthetic"
DIRECTORY = "names/"
PAGE = 1000
_MODIFIED = "2024-02-29T12:00:00.000Z"
_MODIFIED_HTTP = "Thu, 29 Feb 2024 12:00:00 GMT"
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_LAST = "\U0010ffff"
"""Sorts after everything that begins like the text before it."""


def key_at(index: int) -> str:
    """Name of object number `index`."""
    return f"{DIRECTORY}file-{index:07}.jpg"


def body_of(key: str) -> bytes:
    """Content of an object."""
    return f"{key}\n".encode()


class ListingServer:
    """The server, on the event loop it is entered on. `lists` counts the pages it gave out."""

    def __init__(self, count: int, *, port: int = 0, delay: float = 0.0) -> None:
        self.count = count
        self.delay = delay
        self.lists = 0
        self._port = port
        self._keys = [key_at(index) for index in range(count)]
        self._pages = {start: self._page(start, min(start + PAGE, count), count) for start in range(0, count, PAGE)}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    @property
    def address(self) -> Address:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def endpoint(self) -> str:
        """Its URL; the bucket is `BUCKET`, path style."""
        return "http://{}:{}".format(*self.address)

    async def __aenter__(self) -> Self:
        """Listen on loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), LOOPBACK, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        assert self._server is not None
        self._server.close()
        for transport in list(self._connections):
            transport.abort()
        await self._server.wait_closed()

    def answer(self, method: str, target: str, headers: dict[str, str]) -> bytes:
        """Answer one request, head and body."""
        url = urlsplit(target)
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        if bucket != BUCKET:
            return _error(method, 404, "NoSuchBucket")
        if key:
            return self._object(method, key, headers)
        if method == "HEAD":
            return _response(200, b"", method=method)
        return self._list(dict(parse_qsl(url.query, keep_blank_values=True)))

    def _list(self, query: dict[str, str]) -> bytes:
        self.lists += 1
        prefix = query.get("prefix", "")
        start = bisect_left(self._keys, prefix)
        stop = bisect_left(self._keys, prefix + _LAST)
        if query.get("delimiter") and not prefix.startswith(DIRECTORY) and start < stop:
            return _document(f"<CommonPrefixes><Prefix>{DIRECTORY}</Prefix></CommonPrefixes>", None)
        start = max(start, int(query.get("continuation-token", "0")))
        size = min(int(query.get("max-keys", PAGE)), PAGE)
        if size == PAGE and stop == self.count and start in self._pages:
            return self._pages[start]
        return self._page(start, min(start + size, stop), stop)

    def _page(self, start: int, stop: int, end: int) -> bytes:
        entries = "".join(map(_entry, self._keys[start:stop]))
        return _document(entries, stop if stop < end else None)

    def _object(self, method: str, key: str, headers: dict[str, str]) -> bytes:
        place = bisect_left(self._keys, key)
        if place == self.count or self._keys[place] != key:
            return _error(method, 404, "NoSuchKey")
        body = body_of(key)
        etag = f'"{_etag(key)}"'
        if headers.get("if-match", etag) != etag:
            return _error(method, 412, "PreconditionFailed")
        described = f"ETag: {etag}\r\nLast-Modified: {_MODIFIED_HTTP}\r\n"
        first, _, last = headers.get("range", "").removeprefix("bytes=").partition("-")
        if not first:
            return _response(200, body, described, method=method)
        start, stop = int(first), min(int(last) + 1, len(body)) if last else len(body)
        if start >= len(body):
            return _error(method, 416, "InvalidRange")
        described += f"Content-Range: bytes {start}-{stop - 1}/{len(body)}\r\n"
        return _response(206, body[start:stop], described, method=method)


class _Connection(asyncio.Protocol):
    def __init__(self, server: ListingServer) -> None:
        self._server = server
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (the protocol's signature)
        assert self._transport is not None
        self._server._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            head, _, self._held = self._held.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            pairs = (line.split(":", 1) for line in lines)
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            self._answer(self._server.answer(method, target, headers), listing="list-type" in target)

    def _answer(self, answer: bytes, *, listing: bool) -> None:
        assert self._transport is not None
        if listing and self._server.delay:
            asyncio.get_running_loop().call_later(self._server.delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _etag(key: str) -> str:
    return hashlib.md5(body_of(key), usedforsecurity=False).hexdigest()


def _entry(key: str) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{_MODIFIED}</LastModified><ETag>&quot;{_etag(key)}&quot;</ETag>"
        f"<Size>{len(body_of(key))}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _document(content: str, resume_at: int | None) -> bytes:
    more = "false" if resume_at is None else "true"
    token = "" if resume_at is None else f"<NextContinuationToken>{resume_at}</NextContinuationToken>"
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="{_NAMESPACE}"><Name>{BUCKET}</Name>'
        f"<EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{token}{content}</ListBucketResult>"
    )
    return _response(200, document.encode(), "Content-Type: application/xml\r\n")


def _error(method: str, status: int, code: str) -> bytes:
    document = f"<Error><Code>{code}</Code><Message>synthetic</Message></Error>".encode()
    return _response(status, document, method=method)


def _response(status: int, body: bytes, headers: str = "", *, method: str = "GET") -> bytes:
    head = f"HTTP/1.1 {status} Synthetic\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode()
    return head if method == "HEAD" else head + body


@contextlib.contextmanager
def listing_server(scratch: Path, count: int, *, delay: float = 0.0) -> Iterator[str]:
    """Run the server as a process of its own for the block; yields its endpoint."""
    port = free_port()
    argv = [sys.executable, "-m", "tests.support.listing_server", str(count), str(port), str(delay)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    log = scratch / "listing_server.log"
    with running(argv, log=log, env=environment, ready=lambda: accepts((LOOPBACK, port))):
        yield f"http://{LOOPBACK}:{port}"


async def _serve(count: int, port: int, delay: float) -> None:
    async with ListingServer(count, port=port, delay=delay):
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
