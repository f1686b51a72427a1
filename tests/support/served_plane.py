"""A whole control plane on memory twins behind its real HTTP door, in a thread, so that tools can block on it."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.support.memory_plane import MemoryPlane
from tests.support.ports import LOOPBACK
from warpdrive.adapters.observability.serving import serving
from warpdrive.adapters.rest.probes import Probes
from warpdrive.adapters.rest.server import serving_rest
from warpdrive.adapters.wire.dispatch import Answer, Dispatcher, Request
from warpdrive.adapters.wire.record import Via
from warpdrive.adapters.wire.status import WireFault
from warpdrive.application.control.views import IssuedToken
from warpdrive.domain.token.values import Role

Interposed = Callable[[str, str], WireFault | None]
"""What a test puts in place of an answer, by method, "before" the call is made or "after" it: a fault, or nothing."""


class WatchedDispatcher(Dispatcher):
    """A dispatcher that remembers what was asked, and fails where a test says so."""

    asked: list[tuple[str, str]]
    """Method and idempotency key of every call, in order."""
    interpose: Interposed = staticmethod(lambda _method, _when: None)

    async def unary(
        self, method: str, request: Request, metadata: Mapping[str, str], *, deadline: float | None = None, via: Via
    ) -> Answer:
        """Answer, unless something comes between."""
        self.asked.append((method, metadata.get("idempotency-key", "")))
        if (fault := self.interpose(method, "before")) is not None:
            raise fault
        answer = await super().unary(method, request, metadata, deadline=deadline, via=via)
        if (fault := self.interpose(method, "after")) is not None:
            raise fault
        return answer


@dataclass
class ServedPlane:
    """Where it is, what is behind it. Its loop runs in another thread: ask it through `issue` and over HTTP only."""

    url: str
    plane: MemoryPlane
    dispatcher: WatchedDispatcher
    portal: anyio.from_thread.BlockingPortal
    secret: str = field(default="", repr=False)

    def issue(self, role: Role, **scope: Any) -> str:
        """Make a token; returns its secret."""

        async def make() -> IssuedToken:
            usual = {"namespaces": (), "teams": (), "node": "", "note": "", "expires_in": None}
            done = await self.plane.plane.tokens.create(self.plane.call(), role=role, **{**usual, **scope})
            return done.value

        return str(self.portal.call(make).secret)

    def token_file(self, folder: Path, secret: str | None = None) -> Path:
        """Write a token's file that only its owner reads."""
        file = folder / "token"
        file.touch(mode=0o600)
        file.write_text(f"{self.secret if secret is None else secret}\n")
        return file


@contextmanager
def served_plane() -> Iterator[ServedPlane]:
    """Serve while the block runs; `secret` is an admin's."""
    memory = MemoryPlane()
    dispatcher = WatchedDispatcher(memory.plane, clock=memory.clock, wait=memory.wait)
    dispatcher.asked = []

    async def checks() -> list[Any]:
        return []

    probes = Probes(dict, checks, CollectorRegistry())
    listener = socket.create_server((LOOPBACK, 0))
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    started, stop = threading.Event(), anyio.Event()

    async def serve() -> None:
        async with serving_rest(dispatcher, probes, listener, serving, version="test"):
            started.set()
            await stop.wait()

    # Its log lines would stand between those of the tool that is tested.
    with capture_logs(), anyio.from_thread.start_blocking_portal() as portal:
        future = portal.start_task_soon(serve)
        future.add_done_callback(lambda _: started.set())
        assert started.wait(10)
        if future.done():
            future.result()
        served = ServedPlane(url, memory, dispatcher, portal)
        served.secret = served.issue(Role.ADMIN)
        try:
            yield served
        finally:
            portal.call(stop.set)
            future.result(10)
