"""An ASGI app on a bound socket, inside the caller's event loop, started and stopped with a block.

The process's signals stay with the agent: uvicorn would take SIGTERM for itself and leave the mount behind.
"""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import uvicorn

_GRACE = 1
"""Seconds (whole, as uvicorn wants them) that requests under way get at the end."""


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
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` (ASGI) on `listener`, which this closes, while the block runs.

    Accepts connections when the block begins. At its end requests under way get a second, then they are
    cancelled.
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
