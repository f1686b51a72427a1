"""A whole control plane on memory twins behind its real HTTP door, in a thread, so that tools can block on it."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
from google.protobuf.json_format import MessageToDict, ParseDict
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.support.memory_plane import MemoryPlane
from tests.support.ports import LOOPBACK
from warpdrive.adapters.observability.serving import serving
from warpdrive.adapters.rest.probes import Check, Probes
from warpdrive.adapters.rest.server import serving_rest
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.adapters.wire.dispatch import Answer, Dispatcher, Request
from warpdrive.adapters.wire.record import Via
from warpdrive.adapters.wire.status import WireFault
from warpdrive.application.control.views import IssuedToken
from warpdrive.domain.token.values import Role

Interposed = Callable[[str, str], Awaitable[WireFault | None]]
"""What a test puts in place of an answer, by method, "before" the call is made or "after" it: a fault, or nothing."""


async def nothing(_method: str, _when: str) -> None:
    """Come between nothing."""


class WatchedDispatcher(Dispatcher):
    """A dispatcher that remembers what was asked, and fails where a test says so."""

    def __init__(self, memory: MemoryPlane) -> None:
        super().__init__(memory.plane, clock=memory.clock, wait=memory.wait)
        self.begin(memory)

    def begin(self, memory: MemoryPlane) -> None:
        """Answer for another plane from now on."""
        self._inner = Dispatcher(memory.plane, clock=memory.clock, wait=memory.wait)
        self.asked: list[tuple[str, str]] = []
        """Method and idempotency key of every call, in order."""
        self.interpose: Interposed = nothing
        self.canned: dict[str, Sequence[Mapping[str, Any]]] = {}
        """What is answered instead, by method, as ProtoJSON: one after another, the last for good."""
        self.requests: list[dict[str, Any]] = []
        """What was asked of canned methods, as ProtoJSON in the contract's names."""

    async def unary(
        self, method: str, request: Request, metadata: Mapping[str, str], *, deadline: float | None = None, via: Via
    ) -> Answer:
        """Answer, unless something comes between."""
        self.asked.append((method, metadata.get("idempotency-key", "")))
        if (fault := await self.interpose(method, "before")) is not None:
            raise fault
        if method in self.canned:
            return self._from_can(method, request)
        answer = await self._inner.unary(method, request, metadata, deadline=deadline, via=via)
        if (fault := await self.interpose(method, "after")) is not None:
            raise fault
        return answer

    def _from_can(self, method: str, request: Request) -> Answer:
        known = contract().methods[method]
        asked = message_class(known.request).FromString(request) if isinstance(request, bytes) else request()
        self.requests.append(MessageToDict(asked, preserving_proto_field_name=True))
        answer, *more = self.canned[method]
        if more:
            self.canned[method] = more
        body = ParseDict(dict(answer), message_class(known.answer)()).SerializeToString()
        return Answer(body, {"x-warpdrive-position": "1"})


@dataclass
class ServedPlane:
    """Where it is, what is behind it. Its loop runs in another thread: ask it through `issue` and over HTTP only."""

    url: str
    plane: MemoryPlane
    dispatcher: WatchedDispatcher
    portal: anyio.from_thread.BlockingPortal
    secret: str = field(default="", repr=False)
    """An admin's."""

    @contextmanager
    def anew(self) -> Iterator[None]:
        """Be as if it had just been made, for the block; quiet, for its log would stand between a tool's lines."""
        self.plane = MemoryPlane()
        self.dispatcher.begin(self.plane)
        with capture_logs():
            self.secret = self.issue(Role.ADMIN)
            yield

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
    """Serve while the block runs; begin with `anew`."""
    memory = MemoryPlane()
    dispatcher = WatchedDispatcher(memory)

    async def checks() -> list[Check]:
        return []

    probes = Probes(dict, checks, CollectorRegistry())
    listener = socket.create_server((LOOPBACK, 0))
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    started, stop = threading.Event(), anyio.Event()

    async def serve() -> None:
        async with serving_rest(dispatcher, probes, listener, serving, version="test"):
            started.set()
            await stop.wait()

    with anyio.from_thread.start_blocking_portal() as portal:
        future = portal.start_task_soon(serve)
        future.add_done_callback(lambda _: started.set())
        assert started.wait(10)
        if future.done():
            future.result()
        try:
            yield ServedPlane(url, memory, dispatcher, portal)
        finally:
            portal.call(stop.set)
            future.result(10)
