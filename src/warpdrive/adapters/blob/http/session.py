"""A connection pool that is made on first use, since building a backend does no I/O and needs no loop."""

import asyncio
import contextlib
import socket
import weakref

import aiohttp

from warpdrive.application.ports.errors import Unavailable

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
"""Silence on one socket; the wrappers around an adapter give up sooner, this is the net below them."""

_READ_BUFFER = 512 * 1024
"""aiohttp stops reading at twice this. Its default of 64 KiB stops and starts the socket for each piece."""

_CLOSING_TURNS = 10
"""Turns of the event loop in which broken connections get to tell their transports; two are enough."""


class LazySession:
    """One `aiohttp.ClientSession`, opened when first asked for, inside the running loop."""

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._closed = False

    def get(self) -> aiohttp.ClientSession:
        """Return the session. Raises Unavailable after `aclose`."""
        if self._closed:
            raise Unavailable("the backend was closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections, socket_factory=self._socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Stored bytes are what was asked for, whatever Content-Encoding says of them.
                auto_decompress=False,
                trust_env=True,
                read_bufsize=_READ_BUFFER,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S),
            )
        return self._session

    async def aclose(self) -> None:
        """Close the pool, also connections with bytes that nobody takes. Safe to call twice."""
        self._closed = True
        session, self._session = self._session, None
        if session is None:
            return
        await session.close()
        # An abandoned upload's transport closes only when its buffer is sent, which a silent server never allows.
        for left in self._open():
            with contextlib.suppress(OSError):  # closed in the meantime, which is what is wanted
                left.shutdown(socket.SHUT_RDWR)
        for _ in range(_CLOSING_TURNS):
            if not self._open():
                return
            await asyncio.sleep(0)

    def _open(self) -> list[socket.socket]:
        return [opened for opened in self._sockets if opened.fileno() >= 0]

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol = address[:3]
        opened = socket.socket(family, kind, protocol)
        # The kernel ends a connection on which nothing sent was taken for this long: an upload given up in the
        # middle would otherwise hold its socket and buffer for as long as the server stays silent.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(READ_TIMEOUT_S * 1000))
        self._sockets.add(opened)
        return opened
