"""A gRPC door on loopback over a dispatcher whose answers a test writes, and foreign clients to knock with."""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from tests.support.ports import LOOPBACK
from warpdrive.adapters.rpc.limits import RpcLimits
from warpdrive.adapters.rpc.server import RpcServer, serving_rpc
from warpdrive.adapters.rpc.services import Dispatching
from warpdrive.adapters.wire.contract import PACKAGE, contract, message_class


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as the dispatcher gives it."""

    body: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as the dispatcher saw it."""

    method: str
    request: bytes
    metadata: Mapping[str, str]
    deadline: float | None = None
    via: str = ""


Answering = Callable[[Asked], Awaitable[Said]]
Telling = Callable[[Asked], AsyncIterator[bytes]]


async def echo(asked: Asked) -> Said:
    """Answer with the request's bytes and a position."""
    return Said(asked.request, {"x-warpdrive-position": "7"})


async def silence(_asked: Asked) -> AsyncIterator[bytes]:
    """Tell nothing and end."""
    nothing: tuple[bytes, ...] = ()
    for each in nothing:
        yield each


class ScriptedDispatcher:
    """Does as a test says, and remembers what it was asked."""

    def __init__(self, answer: Answering = echo, tell: Telling = silence) -> None:
        self.asked: list[Asked] = []
        self.watching = 0
        self._answer = answer
        self._tell = tell

    async def unary(
        self, method: str, request: bytes, metadata: Mapping[str, str], *, deadline: float | None, via: str
    ) -> Said:
        """Answer as scripted."""
        asked = Asked(method, request, metadata, deadline, via)
        self.asked.append(asked)
        return await self._answer(asked)

    @asynccontextmanager
    async def watch(
        self, method: str, request: bytes, metadata: Mapping[str, str], *, deadline: float | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Tell as scripted."""
        asked = Asked(method, request, metadata, deadline, "grpc")
        self.asked.append(asked)
        self.watching += 1
        try:
            yield self._tell(asked)
        finally:
            self.watching -= 1


@dataclass(frozen=True, slots=True)
class Door:
    """A running server and where it is."""

    server: RpcServer
    port: int

    @property
    def target(self) -> str:
        """As gRPC clients want it."""
        return f"{LOOPBACK}:{self.port}"


@asynccontextmanager
async def open_door(
    dispatcher: Dispatching,
    *,
    tls: ssl.SSLContext | None = None,
    ready: Callable[[], bool] = lambda: True,
    port: int = 0,
    **limits: Any,
) -> AsyncIterator[Door]:
    """Serve on a free port (or this one) while the block runs; `limits` are fields of RpcLimits."""
    listener = socket.create_server((LOOPBACK, port))
    bounds = RpcLimits(**{"drain_s": 2.0, **limits})
    async with serving_rpc(dispatcher, listener, ready=ready, tls=tls, limits=bounds) as server:
        yield Door(server, int(listener.getsockname()[1]))


def message(name: str, /, **fields: Any) -> Message:
    """Return a message of the contract, made by google.protobuf."""
    found: Message = message_class(contract().pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))(**fields)
    return found


def encoded(name: str, /, **fields: Any) -> bytes:
    """Return its bytes."""
    return message(name, **fields).SerializeToString()
