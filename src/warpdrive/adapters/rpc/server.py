"""The gRPC server on its socket, from the first connection to the last word."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel
from grpclib._typing import IServable
from grpclib.config import Configuration
from grpclib.const import Handler

from warpdrive.adapters.rpc.calls import CallHandler, CallHouse
from warpdrive.adapters.rpc.connection import GuardedProtocol
from warpdrive.adapters.rpc.health import Health
from warpdrive.adapters.rpc.limits import DEFAULT_LIMITS, RpcLimits
from warpdrive.adapters.rpc.reading import ReceiveBudget
from warpdrive.adapters.rpc.reflection import reflected
from warpdrive.adapters.rpc.services import Dispatching, services_of
from warpdrive.adapters.wire.contract import PACKAGE, contract

log = logging.getLogger(__name__)

_BACKLOG: Final = 512
_LAST_WORDS_S: Final = 1.0
"""What is written when connections are closed has this long to leave."""


class RpcServer:
    """Connections and their calls. `drain` is the way to end it."""

    def __init__(
        self, services: Iterable[IServable], limits: RpcLimits, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        methods: dict[str, Handler] = {}
        for service in services:
            methods.update(service.__mapping__())
        self.house = CallHouse(methods, limits)
        self.budget = ReceiveBudget(limits.receiving)
        self._limits = limits
        self._monotonic = monotonic
        self._config = Configuration(
            _keepalive_time=limits.keepalive_s,
            _keepalive_timeout=limits.keepalive_answer_s,
            _keepalive_permit_without_calls=True,
            _http2_max_pings_without_data=0,
            _http2_min_sent_ping_interval_without_data=limits.keepalive_s / 2,
        ).__for_server__()
        self._peers: set[GuardedProtocol] = set()
        self._alone = anyio.Event()
        """Set when the last peer has left a server that is draining."""
        self._draining = False
        self._listener: asyncio.AbstractServer | None = None

    @property
    def connections(self) -> int:
        """How many peers are connected."""
        return len(self._peers)

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Accept connections from a bound socket, which belongs to the server from now on."""
        self._listener = await asyncio.get_running_loop().create_server(
            self._greet,
            sock=listener,
            backlog=_BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=self._limits.handshake_s if tls else None,
            ssl_shutdown_timeout=_LAST_WORDS_S if tls else None,
        )

    async def drain(self) -> None:
        """Take nothing new, let calls under way end (streams at once), then hang up on everyone."""
        if self._listener is not None:
            self._listener.close()
        await self.house.drain()
        self._draining = True
        if not self._peers:
            self._alone.set()
        for peer in tuple(self._peers):
            peer.say_goodbye()
            peer.hang_up()
        with anyio.move_on_after(_LAST_WORDS_S):
            await self._alone.wait()
            while self._shaking_hands():  # noqa: ASYNC110 - nobody tells us of their end
                await anyio.sleep(0.01)
        for peer in tuple(self._peers):
            peer.abort()
        await anyio.lowlevel.checkpoint()  # connections learn of their end from the loop

    def _shaking_hands(self) -> bool:
        """Say whether there are connections that TLS has not handed to us yet: asyncio counts them for itself."""
        return bool(getattr(self._listener, "_active_count", 0))

    def _greet(self) -> GuardedProtocol:
        return GuardedProtocol(
            CallHandler(self.house),
            self._config,
            limits=self._limits,
            budget=self.budget,
            monotonic=self._monotonic,
            admit=self._admit,
            leave=self._left,
        )

    def _admit(self, peer: GuardedProtocol) -> bool:
        if len(self._peers) >= self._limits.connections:
            log.warning("a connection is refused: there are %d already", len(self._peers))
            return False
        self._peers.add(peer)
        return True

    def _left(self, peer: GuardedProtocol) -> None:
        self._peers.discard(peer)
        if self._draining and not self._peers:
            self._alone.set()


def all_services(dispatcher: Dispatching, limits: RpcLimits, ready: Callable[[], bool]) -> Collection[IServable]:
    """Return the contract's services with health and reflection."""
    known = contract()
    ours = list(services_of(known.methods, dispatcher, limits))
    names = {f"{PACKAGE}.{method.service}" for method in known.methods.values()}
    return reflected([*ours, Health(names, ready, most_watches=limits.health_watches)], known.files)


@asynccontextmanager
async def serving_rpc(
    dispatcher: Dispatching,
    listener: socket.socket,
    *,
    ready: Callable[[], bool],
    tls: ssl.SSLContext | None = None,
    limits: RpcLimits = DEFAULT_LIMITS,
) -> AsyncIterator[RpcServer]:
    """Serve the contract on a bound socket while the block runs; at its end, drain (`limits.drain_s` at most).

    `ready` is asked for health; while draining, health says NOT_SERVING. The socket is closed in the end.
    """
    stopping = False
    server = RpcServer(all_services(dispatcher, limits, lambda: ready() and not stopping), limits)
    await server.start(listener, tls)
    try:
        yield server
    finally:
        stopping = True
        with anyio.CancelScope(shield=True):
            await server.drain()
