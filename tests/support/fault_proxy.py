"""A TCP proxy on loopback that breaks connections as told, and otherwise passes bytes through unchanged.

Faults are armed for the next `times` connections (or HTTP requests) that meet them, so a test says "the
first two attempts are reset after 1 MiB" and the third goes through. `heal()` forgets what is armed.
"""

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Self

from tests.support.ports import LOOPBACK, Address

_CHUNK = 64 * 1024


class FaultProxy:
    """Stands before one upstream address. Use as an async context manager on the test's own event loop."""

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.latency_s = 0.0
        """Added before the first bytes of each answer."""
        self.connections = 0
        """Connections accepted so far."""
        self.faults_met = 0
        """Faults that really happened: a test asserts on it, so that it cannot pass without the fault."""
        self._cuts: list[tuple[int, bool]] = []
        self._hangs = 0
        self._refusals = 0
        self._answers: list[bytes] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        """Where clients connect."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    def reset_after(self, count: int, *, times: int = 1) -> None:
        """Send RST after `count` more bytes (headers count) from the server, on `times` connections."""
        self._cuts += [(count, True)] * times

    def truncate_after(self, count: int, *, times: int = 1) -> None:
        """Close in the ordinary way (FIN) after `count` more bytes from server to client."""
        self._cuts += [(count, False)] * times

    def hang(self, *, times: int = 1) -> None:
        """Swallow what the next `times` requests send, and never answer."""
        self._hangs += times

    def refuse(self, *, times: int = 1) -> None:
        """Reset the next `times` connections as soon as they are accepted."""
        self._refusals += times

    def answer(
        self, status: int, reason: str, *, retry_after: str | None = None, body: bytes = b"", times: int = 1
    ) -> None:
        """Answer the next `times` HTTP requests ourselves; the server never sees them."""
        extra = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
        head = f"HTTP/1.1 {status} {reason}\r\n{extra}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self._answers += [head.encode() + body] * times

    def heal(self) -> None:
        """Forget every armed fault; connections that hang stay hung until the client leaves."""
        self.latency_s = 0.0
        self._cuts.clear()
        self._answers.clear()
        self._hangs = self._refusals = 0

    async def drop_connections(self) -> None:
        """End every connection there is now: pooled ones go stale."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, 0, limit=_CHUNK)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and end every connection."""
        assert self._server is not None
        self._server.close()
        await self.drop_connections()
        await self._server.wait_closed()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # a broken connection is this program's trade
        finally:
            self._tasks.discard(task)
            await _close(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusals:
            self._refusals -= 1
            self.faults_met += 1
            _reset(writer)
            return
        up_reader, up_writer = await asyncio.open_connection(*self.upstream, limit=_CHUNK)
        link = _Link()
        try:
            async with asyncio.TaskGroup() as tasks:
                to_server = tasks.create_task(self._requests(reader, up_writer, writer, link))
                to_client = tasks.create_task(self._answers_back(up_reader, writer, link))
                await asyncio.wait((to_server, to_client), return_when=asyncio.FIRST_COMPLETED)
                to_server.cancel()
                to_client.cancel()
        except* (OSError, EOFError):
            pass
        finally:
            await _close(up_writer)

    async def _requests(
        self,
        client: asyncio.StreamReader,
        up: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        link: "_Link",
    ) -> None:
        while data := await client.read(_CHUNK):
            if link.answered:  # the first bytes after an answer begin a new request
                link.answered = False
                if self._hangs:
                    self._hangs -= 1
                    self.faults_met += 1
                    while await client.read(_CHUNK):
                        pass
                    return
                if self._answers:
                    reply = self._answers.pop(0)
                    self.faults_met += 1
                    await _drain_request(data, client)
                    back.write(reply)
                    await back.drain()
                    return
            up.write(data)
            await up.drain()

    async def _answers_back(self, up: asyncio.StreamReader, client: asyncio.StreamWriter, link: "_Link") -> None:
        passed = 0
        while data := await up.read(_CHUNK):
            if not link.answered:
                link.answered = True
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
            if not self._cuts:
                passed = 0
            elif passed + len(data) > self._cuts[0][0]:
                count, hard = self._cuts.pop(0)
                self.faults_met += 1
                client.write(data[: max(0, count - passed)])
                await client.drain()
                if hard:
                    _reset(client)
                return
            else:
                passed += len(data)
            client.write(data)
            await client.drain()


class _Link:
    """Which side of a connection speaks: true between an answer's first bytes and the next request's."""

    answered = True


async def _drain_request(data: bytes, client: asyncio.StreamReader) -> None:
    while b"\r\n\r\n" not in data:
        more = await client.read(_CHUNK)
        if not more:
            return
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    if b"100-continue" in head.lower():
        return
    while length > len(rest):
        more = await client.read(_CHUNK)
        if not more:
            return
        length -= len(rest)
        rest = more


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: linger on, for no time."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()
