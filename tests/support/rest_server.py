"""The HTTP door on loopback over the control plane on memory twins, on an event loop of its own thread."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from anyio.from_thread import BlockingPortal, start_blocking_portal
from prometheus_client import CollectorRegistry

from tests.support.memory_plane import MemoryPlane
from tests.support.ports import LOOPBACK
from warpdrive.adapters.observability.serving import ServingTls, serving
from warpdrive.adapters.rest.probes import Check, Probes
from warpdrive.adapters.rest.server import serving_rest
from warpdrive.adapters.wire.dispatch import Dispatcher
from warpdrive.adapters.wire.limits import CallLimits
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.secrets import make_secret


@dataclass(frozen=True, slots=True)
class RestServer:
    """A running door. `memory` belongs to the loop that `portal` leads to."""

    memory: MemoryPlane
    portal: BlockingPortal
    port: int
    token: str
    """An admin's."""

    @property
    def url(self) -> str:
        """Where it is, without TLS."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What an admin sends."""
        return {"authorization": f"Bearer {self.token}"}


@contextmanager
def rest_server(tls: ServingTls | None = None) -> Iterator[RestServer]:
    """Serve while the block runs."""
    with start_blocking_portal() as portal:
        memory = MemoryPlane()

        async def wait(position: int, seconds: float) -> None:
            del seconds
            reached = await memory.models.position()
            if position > reached:
                raise NotCaughtUp(position, reached)

        async def checks() -> Sequence[Check]:
            return [Check("database", ok=True)]

        def serve(app: object, listener: socket.socket) -> object:
            return serving(app, listener, tls=tls)

        secret = make_secret(UUID(int=1), bytes(32))
        portal.call(memory.plane.tokens.create_first, memory.call(), secret)
        limits = CallLimits(rate=1e6, burst=1_000_000)
        dispatcher = Dispatcher(memory.plane, clock=memory.clock, wait=wait, limits=limits)
        listener = socket.create_server((LOOPBACK, 0))
        port = listener.getsockname()[1]
        probes = Probes(dict, checks, CollectorRegistry())
        door = serving_rest(dispatcher, probes, listener, serve, version="1.2.3")  # type: ignore[arg-type]  # object is Any here
        with portal.wrap_async_context_manager(door):
            yield RestServer(memory, portal, port, secret.text)
