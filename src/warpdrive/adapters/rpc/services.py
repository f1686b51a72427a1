"""Every rpc of the contract as a grpclib handler: bytes in, the dispatcher's answer out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import groupby
from typing import Any, Final, Protocol

from grpclib.const import Cardinality, Handler
from grpclib.metadata import Deadline
from grpclib.server import Stream
from h2.exceptions import StreamClosedError

from warpdrive.adapters.rpc.calls import GRACE_S
from warpdrive.adapters.rpc.faults import send_fault
from warpdrive.adapters.rpc.limits import RpcLimits
from warpdrive.adapters.rpc.watching import watch
from warpdrive.adapters.wire.contract import Method
from warpdrive.adapters.wire.record import Via
from warpdrive.adapters.wire.status import WireFault

VIA: Final[Via] = "grpc"


class Answered(Protocol):
    """A call's answer: the message's bytes, and metadata to send after them."""

    @property
    def body(self) -> bytes:
        """Return the message's bytes."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return what follows it."""


class Dispatching(Protocol):
    """What this door needs of the wire's dispatcher. Both raise WireFault, and nothing else."""

    async def unary(
        self, method: str, request: bytes, metadata: Mapping[str, str], *, deadline: float | None, via: Via
    ) -> Answered:
        """Answer one call; `deadline` in seconds from now."""

    def watch(
        self, method: str, request: bytes, metadata: Mapping[str, str], *, deadline: float | None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Follow what a watch call asked for, message by message, for `deadline` seconds if given."""


BytesStream = Stream[bytes, bytes]


class Service:
    """The methods of one service."""

    def __init__(self, methods: Mapping[str, Handler]) -> None:
        self._methods = dict(methods)

    def __mapping__(self) -> dict[str, Handler]:
        """Return handlers by path, as grpclib asks for them."""
        return self._methods


def services_of(methods: Mapping[str, Method], dispatcher: Dispatching, limits: RpcLimits) -> Iterator[Service]:
    """Yield a service for each of the contract."""
    for _, group in groupby(sorted(methods.values(), key=lambda each: each.name), key=lambda each: each.service):
        yield Service({method.path: _handler(method, dispatcher, limits) for method in group})


def metadata_of(stream: BytesStream) -> dict[str, str]:
    """Return a call's metadata with lowercase names; what is given twice becomes one text with a comma, as in HTTP."""
    found: dict[str, str] = {}
    for name, value in (stream.metadata or {}).items():
        known = name.lower()
        found[known] = f"{found[known]}, {value!s}" if known in found else str(value)
    return found


def time_left(deadline: Deadline | None) -> float | None:
    """Return the seconds in which the call has to end itself."""
    return None if deadline is None else max(0.0, deadline.time_remaining() - GRACE_S)


def _handler(method: Method, dispatcher: Dispatching, limits: RpcLimits) -> Handler:
    async def unary(stream: BytesStream) -> None:
        request = await stream.recv_message()
        assert request is not None, "a guarded stream gives a message or raises"
        metadata = metadata_of(stream)
        try:
            answer = await dispatcher.unary(
                method.name, request, metadata, deadline=time_left(stream.deadline), via=VIA
            )
        except WireFault as fault:
            await send_fault(stream, fault)
            return
        try:
            await stream.send_message(answer.body)
            await stream.send_trailing_metadata(metadata=answer.metadata)
        except StreamClosedError:
            return  # the client is gone; the call's own log line says what was done

    async def streaming(stream: BytesStream) -> None:
        request = await stream.recv_message()
        assert request is not None, "a guarded stream gives a message or raises"
        deadline = time_left(stream.deadline)
        updates = dispatcher.watch(method.name, request, metadata_of(stream), deadline=deadline)
        await watch(stream, updates, limits.send_s)

    func: Callable[[Any], Awaitable[None]] = streaming if method.streams else unary
    cardinality = Cardinality.UNARY_STREAM if method.streams else Cardinality.UNARY_UNARY
    return Handler(func, cardinality, bytes, bytes)
