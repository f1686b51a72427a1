"""An ASGI app on a bound socket, inside the caller's event loop, started and stopped with a block.

The process's signals stay with the agent: uvicorn would take SIGTERM for itself and leave the mount behind.
"""

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import anyio
import uvicorn

_GRACE = 1
"""Seconds (whole, as uvicorn wants them) that requests under way get at the end."""


class ServingTlsError(Exception):
    """Raised when a certificate, key or client authority cannot be used. The message names the files."""


class ServingTls(Protocol):
    """PEM files, in whatever form the caller keeps them. `client_ca_file`: clients must show its certificates."""

    @property
    def cert_file(self) -> Path:
        """The server's certificate and what leads to its authority."""

    @property
    def key_file(self) -> Path:
        """The certificate's key."""

    @property
    def client_ca_file(self) -> Path | None:
        """The authority of clients; None asks for no certificate."""


class _QuietServer(uvicorn.Server):
    """A server that says when it is ready and leaves signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, *, tls: ServingTls | None = None) -> AsyncIterator[None]:
    """Serve `app` (ASGI) on `listener`, which this closes, while the block runs.

    Accepts connections when the block begins, of TLS 1.2 or later if `tls` is given. At its end requests under way
    get a second, then they are cancelled. Raises ServingTlsError before anything starts.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
        **_tls_options(tls),
    )
    server = _QuietServer(config)
    stopped = anyio.Event()
    # Shielded, so that a cancelled agent still ends its requests in order: should_exit ends the server, and the
    # scope is cancelled only when that takes too long.
    scope = anyio.CancelScope(shield=True)

    async def serve() -> None:
        try:
            with scope:
                await server.serve([listener])
        finally:
            stopped.set()

    with listener:
        _load(config, tls)
        if listener.family in {socket.AF_INET, socket.AF_INET6}:
            # Accepted connections inherit it. asyncio sets it itself only where the socket was made with the protocol's
            # number; without it a head and a body, which are two writes, are 40 ms apart.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            await server.ready.wait()
            try:
                yield
            finally:
                server.should_exit = True
                with anyio.move_on_after(_GRACE + 2, shield=True):
                    await stopped.wait()
                scope.cancel()


def _tls_options(tls: ServingTls | None) -> dict[str, Any]:
    if tls is None:
        return {}
    return {
        "ssl_certfile": tls.cert_file,
        "ssl_keyfile": tls.key_file,
        "ssl_ca_certs": tls.client_ca_file,
        "ssl_cert_reqs": ssl.CERT_NONE if tls.client_ca_file is None else ssl.CERT_REQUIRED,
    }


def _load(config: uvicorn.Config, tls: ServingTls | None) -> None:
    """Load the app and the files now: inside the server a fault in them would end the process."""
    try:
        config.load()
    except (OSError, ValueError) as error:
        if tls is None:
            raise
        files = ", ".join(str(file) for file in (tls.cert_file, tls.key_file, tls.client_ca_file) if file is not None)
        raise ServingTlsError(f"cannot use the TLS files {files}: {error}") from None
