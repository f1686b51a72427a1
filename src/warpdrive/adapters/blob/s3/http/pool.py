"""Kept connections to one origin: the last used goes out first, stale ones are replaced without a word."""

import asyncio
import ssl
from typing import NamedTuple

from warpdrive.adapters.blob.s3.http.connection import Exchange, HttpConnection, StaleConnectionError
from warpdrive.adapters.blob.s3.http.head import ResponseHead
from warpdrive.application.ports.errors import BackendMisconfigured, Unavailable

_IDLE_S = 15.0
"""Seconds after which an idle connection is not used again: servers and address translators drop them
silently, S3 after about 20."""
_HAPPY_EYEBALLS_S = 0.25
"""Delay before the next address of a name is tried in parallel (RFC 8305 recommends 250 ms)."""


class Origin(NamedTuple):
    """Where to connect. `tls` is None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class ConnectionPool:
    """Connections to one origin, at most `limit` at once; an exchange past that waits for its turn."""

    def __init__(self, origin: Origin, *, limit: int, connect_timeout: float = 5.0) -> None:
        self._origin = origin
        self._connect_timeout = connect_timeout
        self._slots = asyncio.Semaphore(limit)
        self._idle: list[HttpConnection] = []
        self._all: set[HttpConnection] = set()
        self._shut = False

    async def ask(self, request: bytes, exchange: Exchange) -> tuple[ResponseHead, bytes]:
        """Run one exchange; see `HttpConnection.ask`.

        The request must be safe to repeat: on a kept connection that the server had already closed it goes
        out a second time, on a new one. Raises Unavailable, BackendMisconfigured (certificates), and what
        the exchange raises.
        """
        async with self._slots:
            connection = self._kept()
            if connection is not None:
                try:
                    answer = await connection.ask(request, exchange)
                except StaleConnectionError:
                    pass
                else:
                    self._keep(connection)
                    return answer
            connection = await self._connect()
            try:
                answer = await connection.ask(request, exchange)
            except StaleConnectionError as error:
                raise Unavailable(f"{self._name} closed a new connection at once") from error
            self._keep(connection)
            return answer

    async def aclose(self) -> None:
        """Close every connection and wait until they are gone. Safe to call twice."""
        self._shut = True
        self._idle.clear()
        connections = list(self._all)
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.closed for connection in connections))

    @property
    def _name(self) -> str:
        return f"{self._origin.host}:{self._origin.port}"

    def _kept(self) -> HttpConnection | None:
        oldest = asyncio.get_running_loop().time() - _IDLE_S
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    def _keep(self, connection: HttpConnection) -> None:
        if self._shut:
            connection.abort()
        elif connection.reusable:
            self._idle.append(connection)

    async def _connect(self) -> HttpConnection:
        if self._shut:
            raise Unavailable(f"the connections to {self._name} were closed")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await loop.create_connection(
                    lambda: HttpConnection(loop),
                    self._origin.host,
                    self._origin.port,
                    ssl=self._origin.tls,
                    happy_eyeballs_delay=_HAPPY_EYEBALLS_S,
                )
        except TimeoutError as error:
            raise Unavailable(f"no connection to {self._name} within {self._connect_timeout:g} s") from error
        except ssl.SSLCertVerificationError as error:
            raise BackendMisconfigured(f"the certificate of {self._name} is not trusted: {error.reason}") from error
        except OSError as error:
            raise Unavailable(f"no connection to {self._name}: {error}") from error
        self._all.add(connection)
        connection.closed.add_done_callback(lambda _: self._gone(connection))
        self._refuse_if_shut(connection)
        return connection

    def _gone(self, connection: HttpConnection) -> None:
        """Drop it, and its buffer with it: servers close idle connections by the dozen."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _refuse_if_shut(self, connection: HttpConnection) -> None:
        """The pool may have been closed while the connection was being made."""
        if self._shut:
            connection.abort()
