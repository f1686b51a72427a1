"""A call's whole way, whichever door it came through: who asks, is it well formed, may they, what comes of it."""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID, uuid4

import anyio
from google.protobuf.message import Message
from grpclib.const import Status

from warpdrive.adapters.wire import metadata as beside
from warpdrive.adapters.wire.binding import Binding
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import Contract, contract, message_bytes
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.limits import CallLimits, Crowd, Rates
from warpdrive.adapters.wire.parsing import canonical, check, parse
from warpdrive.adapters.wire.record import CallMeter, CallRecord, NoMeter, Recorder, Via, unwrapped
from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.adapters.wire.watching import WATCH, update_message, watched
from warpdrive.application.control.authorisation import RULES, authorise
from warpdrive.application.control.calls import Call, Principal
from warpdrive.application.control.doorkeeping import BELIEVED_WATCHING
from warpdrive.application.control.plane import ControlPlane
from warpdrive.application.control.views import WatchChange
from warpdrive.application.ports.clock import Clock

USUAL_DEADLINE: Final = 30.0
"""Seconds that a call has when its caller does not say."""

LONGEST_DEADLINE: Final = 300.0

_UPDATES_AT_HAND: Final = 16

Wait = Callable[[int, float], Awaitable[None]]
"""Waits until the read models have reached a position, for some seconds; raises NotCaughtUp."""

Request = bytes | Callable[[], Message]
"""What was asked: the message's bytes, or a function that makes the message, called once it is known who asks.

The function raises Malformed or WireFault.
"""

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Answer:
    """A message's bytes, and what travels beside it."""

    body: bytes
    metadata: Mapping[str, str]


class Dispatcher:
    """Answers calls. One for a process, shared by all its doors, so that limits count every call."""

    def __init__(
        self,
        plane: ControlPlane,
        *,
        clock: Clock,
        wait: Wait,
        meter: CallMeter | None = None,
        limits: CallLimits | None = None,
        new_id: Callable[[], UUID] = uuid4,
    ) -> None:
        self._plane = plane
        self._clock = clock
        self._wait = wait
        self._recorder = Recorder(clock, meter or NoMeter())
        limits = limits or CallLimits()
        self._calls = Crowd("calls", limits.calls)
        self._streams = Crowd("streams", limits.streams)
        self._rates = Rates(limits, clock.monotonic)
        self._new_id = new_id
        self._contract: Contract = contract()
        self._updates_written: OrderedDict[tuple[int, int], tuple[WatchChange, bytes]] = OrderedDict()
        """By position and the view's identity, which is the view's own for as long as the change is kept beside it."""

    async def unary(
        self, method: str, request: Request, metadata: Mapping[str, str], *, deadline: float | None = None, via: Via
    ) -> Answer:
        """Answer one call. Raises WireFault for every end but success, with `metadata` for the answer.

        `method` as in the contract ("ControlService/GetNamespace"), metadata names in lower case, `deadline` in
        seconds from now (None: 30; never more than 300).
        """
        binding = BINDINGS[method]
        record = self._record(method, metadata, via)
        seconds = min(USUAL_DEADLINE if deadline is None else deadline, LONGEST_DEADLINE)
        with _marked(record), self._recorder.recording(record), self._calls.one_more():
            return await _within(seconds, lambda: self._answer(binding, request, metadata, record, seconds))

    @asynccontextmanager
    async def watch(
        self,
        method: str,
        request: bytes,
        metadata: Mapping[str, str],
        *,
        deadline: float | None = None,
        via: Via = "grpc",
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give the updates' bytes while the block runs. Raises WireFault, on entering or from the iterator.

        A `deadline` bounds the whole stream. Who calls is asked again with each update, so that a revoked token's
        stream ends. What the block itself raises passes through, and is logged as cancelled.
        """
        assert method == WATCH, "the contract has one stream"
        record = self._record(method, metadata, via)
        outside: list[BaseException] = []
        with _marked(record):
            try:
                with self._recorder.recording(record):
                    async with AsyncExitStack() as stack:
                        stack.enter_context(self._streams.one_more())
                        call, message = await self._prepare(method, request, metadata, record)
                        node, namespace, after = watched(wire.WatchAgentRequest().parse(canonical(message)))
                        following = self._plane.watch.following(call, node, namespace, after)
                        changes = await stack.enter_async_context(following)
                        ends = None if deadline is None else self._clock.monotonic() + deadline
                        try:
                            yield self._updates(changes, metadata, record, ends)
                        except WireFault:
                            raise
                        except Exception as error:
                            outside.append(error)
                            raise WireFault(Status.CANCELLED, "the caller has gone") from error
            except WireFault:
                if outside:
                    raise outside[0] from None
                raise

    async def _answer(
        self, binding: Binding, request: Request, metadata: Mapping[str, str], record: CallRecord, seconds: float
    ) -> Answer:
        ends = self._clock.monotonic() + seconds
        call, message = await self._prepare(binding.method, request, metadata, record)
        if binding.reads and call.min_position:
            await self._wait(call.min_position, max(0.0, ends - self._clock.monotonic()))
        # A binding with its own check takes the message as it is.
        asked = message if binding.check else binding.request().parse(canonical(message))
        done = await binding.run(self._plane, call, asked)
        record.position, record.repeated = done.position, done.repeated
        return Answer(
            message_bytes(self._contract.methods[binding.method].answer, binding.answer(done.value)),
            {beside.CORRELATION_ID: record.correlation_id, beside.POSITION: str(done.position)},
        )

    async def _prepare(
        self, method: str, request: Request, metadata: Mapping[str, str], record: CallRecord
    ) -> tuple[Call, Message]:
        """Find out who asks for what, and whether they may."""
        principal = await self._principal(metadata)
        record.principal = principal.name
        self._rates.take(principal.name)
        judge = BINDINGS[method].check if method in BINDINGS else None
        message = self._message(method, request, judge)
        authorise(principal, method, _scope(method, message))
        return (
            Call(
                principal=principal,
                command_id=beside.command_id(metadata, self._new_id),
                # Those are told apart by ids of their own, and hashing megabytes is work.
                request_hash=_hash(method, principal, b"" if judge else canonical(message)),
                correlation_id=record.correlation_id,
                at=datetime.fromtimestamp(self._clock.wall(), UTC),
                min_position=beside.min_position(metadata),
            ),
            message,
        )

    async def _principal(self, metadata: Mapping[str, str]) -> Principal:
        return await self._plane.doorkeeper.principal(beside.bearer(metadata))

    def _message(self, method: str, request: Request, judge: Callable[[Message], None] | None) -> Message:
        if isinstance(request, bytes):
            return parse(self._contract.methods[method].request, request, judge)
        message = request()
        (judge or check)(message)
        return message

    async def _updates(
        self,
        changes: AsyncIterator[WatchChange],
        metadata: Mapping[str, str],
        record: CallRecord,
        ends: float | None,
    ) -> AsyncIterator[bytes]:
        try:
            while True:
                seconds = None if ends is None else max(0.0, ends - self._clock.monotonic())
                change = await _within(seconds, lambda: anext(changes))
                await self._plane.doorkeeper.principal(beside.bearer(metadata), believed=BELIEVED_WATCHING)
                record.position = change.position
                yield self._update(change)
        except StopAsyncIteration:
            return
        except Exception as error:
            raise fault_of(unwrapped(error)) from error

    def _update(self, change: WatchChange) -> bytes:
        """Write an update; what many watchers are told at once is written once."""
        key = (change.position, id(change.change))
        written = self._updates_written.get(key)
        if written is None:
            update = message_bytes(self._contract.methods[WATCH].answer, update_message(change))
            written = self._updates_written[key] = (change, update)
            if len(self._updates_written) > _UPDATES_AT_HAND:
                self._updates_written.popitem(last=False)
        return written[1]

    def _record(self, method: str, metadata: Mapping[str, str], via: Via) -> CallRecord:
        return CallRecord(method, via, beside.correlation_id(metadata, self._new_id))


@contextmanager
def _marked(record: CallRecord) -> Iterator[None]:
    """Give every fault the correlation id, by which its sender finds it in our log."""
    try:
        yield
    except WireFault as fault:
        fault.metadata = {**fault.metadata, beside.CORRELATION_ID: record.correlation_id}
        raise


async def _within(seconds: float | None, work: Callable[[], Awaitable[Answered]]) -> Answered:
    """Do the work, or raise DEADLINE_EXCEEDED. Only our own clock counts: a time-out inside is another error."""
    with anyio.move_on_after(seconds):
        return await work()
    raise WireFault(Status.DEADLINE_EXCEEDED, "the deadline has passed; a change may have happened all the same")


def _scope(method: str, message: Message) -> Mapping[str, str]:
    """Return the request's fields that its rule compares."""
    rule = RULES[method]
    names = (rule.namespace_field, rule.team_field, rule.node_field)
    return {name: getattr(message, name) for name in names if name}


def _hash(method: str, principal: Principal, request: bytes) -> bytes:
    """Return 32 bytes that are the same for the same request of the same caller only."""
    digest = hashlib.sha256()
    for part in (method.encode(), principal.name.encode(), request):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
