"""Calls begin, are refused, and end: one handler per connection, one house for all of them."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import anyio
import anyio.lowlevel
from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.proto import ProtoStatusDetailsCodec
from grpclib.events import _DispatchServerEvents
from grpclib.exceptions import GRPCError
from grpclib.metadata import encode_grpc_message
from grpclib.protocol import Stream
from grpclib.server import Handler as GrpclibHandler
from grpclib.server import request_handler
from h2.exceptions import StreamClosedError

from warpdrive.adapters.rpc.codec import BytesCodec
from warpdrive.adapters.rpc.headers import Headers, Refusal, passed_on, refusal_of, timeout_of
from warpdrive.adapters.rpc.limits import RpcLimits
from warpdrive.adapters.rpc.reading import GuardedStream

log = logging.getLogger(__name__)

GRACE_S: Final = 0.25
"""A call ends itself at its deadline, in its own words; grpclib's knife falls this much later."""

_STOPPING: Final = Refusal(Status.UNAVAILABLE, "the server is stopping; call again")

_BUSY: Final = Refusal(Status.RESOURCE_EXHAUSTED, "too many calls are under way; try again")


class CallHouse:
    """Every call of every connection under way, and whether new ones may begin. Lives on one event loop."""

    def __init__(self, methods: Mapping[str, Handler], limits: RpcLimits) -> None:
        self.methods = methods
        self.limits = limits
        self._running: dict[Stream, Cardinality] = {}
        """Calls that hold a task, refusals included."""
        self._stopping = False
        self._empty = anyio.Event()
        self._empty.set()

    @property
    def running(self) -> int:
        """How many calls are under way."""
        return len(self._running)

    def entered(self, stream: Stream, cardinality: Cardinality) -> None:
        """Note a call's begin."""
        if not self._running:
            self._empty = anyio.Event()
        self._running[stream] = cardinality

    def left(self, stream: Stream) -> None:
        """Note a call's end."""
        self._running.pop(stream, None)
        if not self._running:
            self._empty.set()

    def refusal(self, headers: Headers) -> Refusal | None:
        """Say why a request cannot become a call; None when it can."""
        if self._stopping:
            return _STOPPING
        return _BUSY if self.running >= self.limits.calls else refusal_of(headers, self.methods)

    async def drain(self) -> None:
        """Take no further calls, end streams at once and others at their own pace, or when time is up."""
        self._stopping = True
        await anyio.lowlevel.checkpoint()  # calls that were accepted this moment get to where they can be ended
        self._end_those(lambda cardinality: cardinality is not Cardinality.UNARY_UNARY)
        with anyio.move_on_after(self.limits.drain_s):
            await self._empty.wait()
        if self._running:
            log.warning("%d calls did not end within %g s and are cut off", self.running, self.limits.drain_s)
            self._end_those(lambda _: True)
            with anyio.move_on_after(1.0):
                await self._empty.wait()

    def _end_those(self, chosen: Callable[[Cardinality], bool]) -> None:
        for stream, cardinality in tuple(self._running.items()):
            if chosen(cardinality) and stream.wrapper is not None:
                # The call's task is woken with this error, which grpclib turns into the call's last word.
                stream.wrapper.cancel(GRPCError(_STOPPING.status, _STOPPING.message))


class CallHandler(GrpclibHandler):
    """One connection's calls, as grpclib's protocol wants to hand them over.

    Tasks are grpclib's way: it calls `accept` from the middle of reading, owns each task until it is done, and ends
    it with its stream or connection. So no call outlives its connection, and the server outlives every call.
    """

    def __init__(self, house: CallHouse) -> None:
        self._house = house
        super().__init__(
            dict(house.methods), BytesCodec(), ProtoStatusDetailsCodec(), cast("Any", _DispatchServerEvents())
        )

    def accept(self, stream: Stream, headers: Headers, release_stream: Callable[[], Any]) -> None:
        """Begin a call, or refuse it."""
        self.__gc_step__()
        release = _Once(release_stream)
        refusal = self._house.refusal(headers)
        if refusal is not None:
            cardinality = Cardinality.UNARY_UNARY
            work = _refuse(stream, refusal)
        else:
            method = self._house.methods[dict(headers)[":path"]]
            cardinality = method.cardinality
            if isinstance(stream, GuardedStream):
                stream.single = not cardinality.client_streaming
            work = request_handler(
                self.mapping,
                stream,
                passed_on(headers, timeout=self._timeout(headers, method)),
                self.codec,
                self.status_details_codec,
                self.dispatch,
                release,
            )
        self._house.entered(stream, cardinality)

        def over(_task: object) -> None:
            # A task that is cancelled before its first step runs no `finally` of its own.
            release()
            self._house.left(stream)

        task = self.loop.create_task(work)
        task.add_done_callback(over)
        self._tasks[stream] = task

    def cancel(self, stream: Stream) -> None:
        """End a call that its client reset; it may be over already."""
        if stream in self._tasks:
            super().cancel(stream)

    def _timeout(self, headers: Headers, method: Handler) -> float | None:
        wanted = timeout_of(headers)
        longest = None if method.cardinality is Cardinality.UNARY_STREAM else self._house.limits.call_s
        known = [each for each in (wanted, longest) if each is not None]
        return min(known) + GRACE_S if known else None


class _Once:
    """A callable that does its work the first time only."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work: Callable[[], Any] | None = work

    def __call__(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()


async def _refuse(stream: Stream, refusal: Refusal) -> None:
    answer = [
        (":status", str(refusal.http)),
        ("content-type", "application/grpc"),
        ("grpc-accept-encoding", "identity"),
        ("grpc-status", str(refusal.status.value)),
        ("grpc-message", encode_grpc_message(refusal.message)),
    ]
    try:
        await stream.send_headers(answer, end_stream=True)
        if stream.closable:
            stream.reset_nowait()
    except StreamClosedError:
        log.debug("a refused client did not wait for the answer")
