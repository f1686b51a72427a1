"""A connection pool that is made on first use, since building a backend does no I/O and needs no loop."""

import aiohttp

from warpdrive.application.ports.errors import Unavailable

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
"""Silence on one socket; the wrappers around an adapter give up sooner, this is the net below them."""

_READ_BUFFER = 512 * 1024
"""aiohttp stops reading at twice this. Its default of 64 KiB stops and starts the socket for each piece."""


class LazySession:
    """One `aiohttp.ClientSession`, opened when first asked for, inside the running loop."""

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    def get(self) -> aiohttp.ClientSession:
        """Return the session. Raises Unavailable after `aclose`."""
        if self._closed:
            raise Unavailable("the backend was closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Stored bytes are what was asked for, whatever Content-Encoding says of them.
                auto_decompress=False,
                trust_env=True,
                read_bufsize=_READ_BUFFER,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S),
            )
        return self._session

    async def aclose(self) -> None:
        """Close the pool. Safe to call twice."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()
