"""A call's way through the dispatcher, whichever door it came through."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio
import pytest
import structlog
from grpclib.const import Status

from tests.support.fake_plane import SECRET, Asked, FakePlane
from tests.support.manual_clock import ManualClock
from tests.support.views import NAMESPACE
from warpdrive.adapters.wire.dispatch import Answer, Dispatcher
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.limits import CallLimits
from warpdrive.adapters.wire.status import WireFault
from warpdrive.application.control.calls import Done, Principal
from warpdrive.application.control.errors import NotCaughtUp, Unauthenticated
from warpdrive.application.control.views import WatchChange
from warpdrive.application.ports.event_store import StoreUnavailable
from warpdrive.domain.token.values import Role

GET = "ControlService/GetNamespace"
SEAL = "ControlService/SealNamespace"
TRAIN = bytes(wire.GetNamespaceRequest(namespace="train"))
KEY = "0191c7a0-0000-7000-8000-000000000001"


@dataclass
class Door:
    """A dispatcher over a fake plane, with what it counted, waited for and logged."""

    plane: FakePlane = field(default_factory=FakePlane)
    limits: CallLimits = field(default_factory=CallLimits)
    clock: ManualClock = field(default_factory=ManualClock)
    counted: list[tuple[str, str, str]] = field(default_factory=list)
    waited: list[tuple[int, float]] = field(default_factory=list)
    seen: list[wire.WatchUpdate] = field(default_factory=list)
    reached: int = 100

    def __post_init__(self) -> None:
        """Open it."""
        self.plane.answers.setdefault("namespaces.get", NAMESPACE)
        self.plane.answers.setdefault("namespaces.seal", NAMESPACE)
        self.dispatcher = Dispatcher(
            self.plane.plane(), clock=self.clock, wait=self.wait, meter=self, limits=self.limits
        )

    def finished(self, method: str, code: str, via: str, seconds: float) -> None:
        """Count a call."""
        assert seconds >= 0
        self.counted.append((method, code, via))

    async def wait(self, position: int, seconds: float) -> None:
        """Be asked to wait."""
        self.waited.append((position, seconds))
        if position > self.reached:
            raise NotCaughtUp(position, self.reached)

    async def ask(self, method: str = GET, request: bytes = TRAIN, **metadata: str) -> Answer:
        """Call, as the known principal."""
        given = {"authorization": f"Bearer {SECRET}"} | {
            name.replace("_", "-"): text for name, text in metadata.items()
        }
        return await self.dispatcher.unary(method, request, given, via="grpc")

    async def refused(self, method: str = GET, request: bytes = TRAIN, **metadata: str) -> WireFault:
        """Call, and return the fault."""
        with pytest.raises(WireFault) as caught:
            await self.ask(method, request, **metadata)
        return caught.value

    def watching(self, deadline: float | None = None) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Watch from position 2, as the known principal."""
        request = bytes(wire.WatchAgentRequest("n1", "train", 2))
        metadata = {"authorization": f"Bearer {SECRET}"}
        return self.dispatcher.watch("ControlService/WatchAgent", request, metadata, deadline=deadline)

    async def follow(self, deadline: float | None = None) -> None:
        """Watch until the stream ends."""
        async with self.watching(deadline) as updates:
            async for update in updates:
                self.seen.append(wire.WatchUpdate().parse(update))

    async def unfollowed(self, deadline: float | None = None) -> WireFault:
        """Watch until the stream fails; return the fault."""
        with pytest.raises(WireFault) as caught:
            await self.follow(deadline)
        return caught.value


async def test_an_answer_carries_message_position_and_correlation_id() -> None:
    """The caller's id comes back, with the position as of which it was answered."""
    door = Door()
    answer = await door.ask(x_correlation_id="job/17")
    assert wire.Namespace().parse(answer.body).name == "train"
    assert answer.metadata == {"x-correlation-id": "job/17", "x-warpdrive-position": "7"}
    assert door.counted == [(GET, "OK", "grpc")]


async def test_a_call_knows_who_asks_and_when() -> None:
    """The use case is handed principal, time, correlation id and the caller's command id."""
    door = Door()
    await door.ask(SEAL, TRAIN, idempotency_key=KEY, x_correlation_id="c")
    (asked,) = door.plane.asked
    assert (asked.subject, asked.verb, asked.given) == ("namespaces", "seal", ("train",))
    assert (asked.call.principal.name, asked.call.command_id) == ("token:admin", UUID(KEY))
    assert (asked.call.at.timestamp(), asked.call.correlation_id) == (door.clock.wall(), "c")


async def test_one_request_of_one_caller_has_one_hash() -> None:
    """Unknown fields and spelling do not count; caller, method and content do."""
    door = Door()
    other = Principal("token:other", Role.ADMIN)
    door.plane.principals["wd_other"] = other
    await door.ask(SEAL, TRAIN)
    await door.ask(SEAL, TRAIN + b"\xf8\x06\x01")
    await door.ask(GET, TRAIN)
    await door.ask(SEAL, bytes(wire.SealNamespaceRequest(namespace="eval")))
    await door.ask(SEAL, TRAIN, authorization="Bearer wd_other")
    hashes = [asked.call.request_hash for asked in door.plane.asked]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
    assert all(len(each) == hashlib.sha256().digest_size for each in hashes)


async def test_nobody_is_served_before_they_say_who_they_are() -> None:
    """Without a token the request is not even looked at."""
    fault = await Door().refused(GET, b"\xff\xff", authorization="Bearer wd_wrong")
    assert fault.code is Status.UNAUTHENTICATED
    with pytest.raises(WireFault) as caught:
        await Door().dispatcher.unary(GET, TRAIN, {}, via="grpc")
    assert caught.value.code is Status.UNAUTHENTICATED


async def test_a_scope_is_held_against_the_request() -> None:
    """A token for one namespace is refused another, before any use case hears of it."""
    door = Door()
    door.plane.principals[SECRET] = Principal("token:scoped", Role.OPERATOR, namespaces=("eval",))
    fault = await door.refused()
    assert (fault.code, door.plane.asked) == (Status.PERMISSION_DENIED, [])
    door.plane.principals[SECRET] = Principal("token:scoped", Role.OPERATOR, namespaces=("train",))
    await door.ask()


async def test_a_node_cannot_speak_for_another() -> None:
    """An agent's token names its node; a heartbeat for another is refused."""
    door = Door()
    door.plane.principals[SECRET] = Principal("token:agent", Role.AGENT, node="n1", namespaces=("train",))
    fault = await door.refused("ControlService/Heartbeat", bytes(wire.HeartbeatRequest(node="n2", health="ok")))
    assert fault.code is Status.PERMISSION_DENIED


@pytest.mark.parametrize("request_bytes", [b"\x0a\x05ab", b"\x0a\x02\xff\xfe", b"\xff" * 50])
async def test_broken_bytes_are_an_invalid_argument(request_bytes: bytes) -> None:
    """Whatever betterproto would make of them, nobody hears of them."""
    door = Door()
    fault = await door.refused(GET, request_bytes)
    assert (fault.code, door.plane.asked) == (Status.INVALID_ARGUMENT, [])
    assert "x-correlation-id" in fault.metadata


async def test_a_query_waits_for_the_position_it_asks_for() -> None:
    """Read your own write: up to the deadline, then UNAVAILABLE with a time to try again."""
    door = Door(reached=41)
    await door.ask(x_warpdrive_min_position="41")
    assert door.waited == [(41, 30.0)]
    fault = await door.refused(x_warpdrive_min_position="42")
    assert (fault.code, fault.retry_after) == (Status.UNAVAILABLE, 1.0)


async def test_a_command_waits_for_no_read_model() -> None:
    """It decides on the events themselves."""
    door = Door(reached=0)
    await door.ask(SEAL, TRAIN, x_warpdrive_min_position="42")
    assert door.waited == []


async def test_a_call_ends_at_its_deadline() -> None:
    """DEADLINE_EXCEEDED, and the use case is cancelled."""
    door = Door()
    cancelled: list[bool] = []

    async def slow(_asked: Asked) -> Any:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(True)

    door.plane.answers["namespaces.get"] = slow
    with pytest.raises(WireFault) as caught:
        await door.dispatcher.unary(GET, TRAIN, {"authorization": f"Bearer {SECRET}"}, deadline=0.01, via="rest")
    assert (caught.value.code, cancelled) == (Status.DEADLINE_EXCEEDED, [True])
    assert door.counted == [(GET, "DEADLINE_EXCEEDED", "rest")]


async def test_a_time_out_inside_is_no_deadline() -> None:
    """A TimeoutError of somebody's own is a fault of ours, not the caller's impatience."""
    door = Door()
    door.plane.answers["namespaces.get"] = TimeoutError("inside")
    assert (await door.refused()).code is Status.INTERNAL


async def test_too_many_at_once_are_turned_away() -> None:
    """The limit holds for all doors together, and whoever leaves makes room."""
    door = Door(limits=CallLimits(calls=1))
    entered, leave = anyio.Event(), anyio.Event()

    async def slow(_asked: Asked) -> Any:
        entered.set()
        await leave.wait()
        return NAMESPACE

    door.plane.answers["namespaces.get"] = slow
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(door.ask)
        await entered.wait()
        fault = await door.refused(SEAL)
        leave.set()
    assert fault.code is Status.RESOURCE_EXHAUSTED
    assert fault.retry_after is not None
    await door.ask(SEAL)


async def test_one_callers_rate_does_not_hinder_another() -> None:
    """The bucket belongs to the principal."""
    door = Door(limits=CallLimits(rate=1.0, burst=1))
    door.plane.principals["wd_other"] = Principal("token:other", Role.ADMIN)
    await door.ask()
    fault = await door.refused()
    assert fault.code is Status.RESOURCE_EXHAUSTED
    await door.ask(authorization="Bearer wd_other")


async def test_each_call_has_one_line_without_secrets() -> None:
    """Method, door, caller, code, time, correlation id, position; and why it failed, for the operator."""
    door = Door()
    door.plane.answers["namespaces.seal"] = Done(NAMESPACE, 12, repeated=True)
    with structlog.testing.capture_logs() as lines:
        await door.ask(SEAL, TRAIN, x_correlation_id="c1")
        door.plane.answers["namespaces.seal"] = StoreUnavailable("db.internal is away")
        fault = await door.refused(SEAL, TRAIN, x_correlation_id="c2")
    first, second = lines
    assert first == {
        "event": "call",
        "log_level": "info",
        "method": SEAL,
        "via": "grpc",
        "principal": "token:admin",
        "code": "OK",
        "ms": 0.0,
        "correlation_id": "c1",
        "position": 12,
        "repeated": True,
    }
    assert (second["code"], second["log_level"], second["why"]) == ("UNAVAILABLE", "warning", "db.internal is away")
    assert "db.internal" not in fault.message
    assert SECRET not in str(lines)


async def test_a_fault_of_ours_is_logged_with_its_trace() -> None:
    """The caller gets a general sentence and the id under which the operator finds the truth."""
    door = Door()
    door.plane.answers["namespaces.get"] = ZeroDivisionError("secret detail")
    with structlog.testing.capture_logs() as lines:
        fault = await door.refused(x_correlation_id="c9")
    assert fault.code is Status.INTERNAL
    assert "secret detail" not in str(fault.status())
    assert fault.metadata == {"x-correlation-id": "c9"}
    (line,) = lines
    assert (line["log_level"], line["why"]) == ("error", "secret detail")
    assert isinstance(line["exc_info"], ZeroDivisionError)


async def test_a_cancelled_call_is_counted_as_such() -> None:
    """The caller has gone; the numbers say so."""
    door = Door()
    entered = anyio.Event()

    async def slow(_asked: Asked) -> Any:
        entered.set()
        await anyio.sleep_forever()

    door.plane.answers["namespaces.get"] = slow
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(door.ask)
        await entered.wait()
        tasks.cancel_scope.cancel()
    assert door.counted == [(GET, "CANCELLED", "grpc")]


async def test_a_watch_gives_every_update_as_bytes() -> None:
    """In order, with positions; the line at its end has the last one."""
    door = Door()
    door.plane.changes = [WatchChange(3, NAMESPACE), WatchChange(5, None)]
    with structlog.testing.capture_logs() as lines:
        await door.follow()
    assert [update.position for update in door.seen] == [3, 5]
    assert door.plane.watched[0][1:] == ("n1", "train", 2)
    assert (lines[0]["code"], lines[0]["position"]) == ("OK", 5)


async def test_a_watch_of_a_revoked_token_ends() -> None:
    """Who watches is asked again with each update."""

    class Revoked(FakePlane):
        async def principal(self, secret: str | None, *, believed: float = 0.0) -> Principal:
            found = await super().principal(secret, believed=believed)
            self.seen += 1
            if self.seen > 2:
                raise Unauthenticated
            return found

        seen = 0

    door = Door(plane=Revoked(changes=[WatchChange(3, None), WatchChange(4, None)]))
    fault = await door.unfollowed()
    assert ([update.position for update in door.seen], fault.code) == ([3], Status.UNAUTHENTICATED)
    assert door.counted == [("ControlService/WatchAgent", "UNAUTHENTICATED", "grpc")]


async def test_a_watch_translates_what_fails_inside() -> None:
    """A store that goes away ends the stream with UNAVAILABLE."""
    door = Door()
    door.plane.changes = [WatchChange(3, None), StoreUnavailable("away")]
    assert (await door.unfollowed()).code is Status.UNAVAILABLE


async def test_a_watchers_own_error_passes_through() -> None:
    """What fails in sending is the door's business: it is not dressed up as a fault of the call."""
    door = Door()
    door.plane.changes = [WatchChange(3, None)]
    with pytest.raises(ConnectionResetError):
        async with door.watching():
            raise ConnectionResetError
    assert door.counted == [("ControlService/WatchAgent", "CANCELLED", "grpc")]


async def test_a_watch_ends_at_its_deadline() -> None:
    """A client's deadline bounds the stream."""
    door = Door()

    @asynccontextmanager
    async def forever(*_given: Any) -> AsyncIterator[AsyncIterator[WatchChange]]:
        async def tell() -> AsyncIterator[WatchChange]:
            yield WatchChange(3, None)
            await anyio.sleep_forever()

        yield tell()

    door.plane.following = forever  # type: ignore[method-assign]  # this one never ends by itself
    fault = await door.unfollowed(deadline=0.01)
    assert (len(door.seen), fault.code) == (1, Status.DEADLINE_EXCEEDED)
