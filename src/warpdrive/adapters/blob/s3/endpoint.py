"""The lean way to one bucket: signed requests over kept connections, made when first needed."""

import asyncio
import os
import ssl

from warpdrive.adapters.blob.s3.http.connection import Exchange
from warpdrive.adapters.blob.s3.http.head import ResponseHead
from warpdrive.adapters.blob.s3.http.pool import ConnectionPool, Origin
from warpdrive.adapters.blob.s3.keychain import Keychain
from warpdrive.adapters.blob.s3.place import S3Options, S3Place, locate, query_string
from warpdrive.adapters.blob.s3.signing import RequestWriter
from warpdrive.application.ports.errors import BackendMisconfigured, Unavailable

MAX_CONNECTIONS = 128
"""More than `Capabilities.max_parallel`, so that cancelled requests never make new ones wait."""


class Collected:
    """An exchange whose body is collected."""

    def __init__(self, method: str) -> None:
        self.method = method

    def head_arrived(self, head: ResponseHead) -> memoryview | None:
        """Collect it."""

    def body_advanced(self, filled: int) -> None:
        """Nobody waits for parts of it."""


class Endpoint:
    """Sends GET and HEAD to one bucket."""

    def __init__(self, options: S3Options, keychain: Keychain) -> None:
        self._options = options
        self.keychain = keychain
        self._place: S3Place | None = None
        self._pool: ConnectionPool | None = None
        self._writer: RequestWriter | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def place(self) -> S3Place:
        """Where the bucket is; the region may come from the environment."""
        if self._place is None:
            region = None if self._options.region else await self.keychain.region()
            self._place = locate(self._options, region)
        return self._place

    async def send(
        self,
        path: str,
        exchange: Exchange,
        *,
        query: dict[str, str] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> tuple[ResponseHead, bytes]:
        """Send one request of the exchange's method; `headers` are as `RequestWriter.write` wants them."""
        keys = await self.keychain.keys()
        if self._pool is None or self._writer is None:
            pool, writer = await self._open()
        else:
            pool, writer = self._pool, self._writer
        request = writer.write(exchange.method, path, query_string(query) if query else "", headers, keys)
        return await pool.ask(request, exchange)

    async def aclose(self) -> None:
        """Close every connection. Safe to call twice."""
        self._closed = True
        if self._pool is not None:
            await self._pool.aclose()

    async def _open(self) -> tuple[ConnectionPool, RequestWriter]:
        async with self._opening:
            if self._closed:
                raise Unavailable("the backend was closed")
            place = await self.place()
            if self._pool is None or self._writer is None:
                # Reading the system's certificates takes some 20 ms of disk and CPU.
                tls = await asyncio.to_thread(_trust) if place.tls else None
                self._pool = ConnectionPool(Origin(place.host, place.port, tls), limit=MAX_CONNECTIONS)
                self._writer = RequestWriter(place.host_header, place.region)
            return self._pool, self._writer


def _trust() -> ssl.SSLContext:
    """The system's certificates, or those that AWS_CA_BUNDLE names, as for the SDK."""
    bundle = os.environ.get("AWS_CA_BUNDLE") or None
    try:
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        raise BackendMisconfigured(f"AWS_CA_BUNDLE names {bundle}, which cannot be used: {error}") from error
