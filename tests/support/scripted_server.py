"""A TCP server that answers each HTTP request with the next bytes of a script, right or wrong."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.support.ports import LOOPBACK, Address


@dataclass(frozen=True, slots=True)
class Answer:
    """Pieces sent one after the other, then `end`: "keep" the connection, "close" it, "reset" it or "hang"."""

    pieces: Sequence[bytes]
    end: str = "keep"


def whole(status: int, body: bytes = b"", *, headers: dict[str, str] | None = None, end: str = "keep") -> Answer:
    """Make a well-formed answer with a Content-Length."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"HTTP/1.1 {status} Scripted\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return Answer([head.encode("latin-1") + body], end)


class ScriptedServer:
    """Use on the test's event loop. `requests` are the heads that arrived, `connections` how many were accepted."""

    def __init__(self, *script: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self.closed_by_client = asyncio.Event()
        """Set when a client ended a connection that we would have kept."""
        self._script = list(script)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> Address:
        """Where it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    def then(self, *answers: Answer) -> None:
        """Add to the script."""
        self._script += answers

    async def __aenter__(self) -> Self:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._accepted, LOOPBACK, 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            self.closed_by_client.set()
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode("latin-1"))
            answer = self._script.pop(0)
            for piece in answer.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if answer.end == "close":
                writer.close()
                return
            if answer.end == "reset":
                raw: socket.socket = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if answer.end == "hang":
                await reader.read()
                self.closed_by_client.set()
                return
