"""Batches over real gRPC connections: what arrives, and what each way of failing means."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from grpclib.const import Status

from tests.support.authority import Authority
from tests.support.ports import LOOPBACK, free_port
from tests.support.rpc_door import Asked, Said, ScriptedDispatcher, encoded, open_door
from warpdrive.adapters.control_client.dialling import DialFault, Dialling
from warpdrive.adapters.sinks.grpc import GrpcSender
from warpdrive.adapters.sinks.sender import Denied, NotTaken, Refused, Unreachable, Unwelcome
from warpdrive.adapters.wire.status import WireFault

REQUEST = encoded("IngestEventsRequest", batch_id="b", node="n")


async def taken(_asked: Asked) -> Said:
    """Take every batch."""
    return Said(encoded("IngestEventsResponse", accepted=1))


def failing(fault: WireFault) -> Callable[[Asked], Awaitable[Said]]:
    """Answer with a fault."""

    async def answer(_asked: Asked) -> Said:
        raise fault

    return answer


@asynccontextmanager
async def sending(port: int, token: Path | None = None, *, patience: float = 5.0) -> AsyncIterator[GrpcSender]:
    """Give a sender that is closed in the end."""
    dialling = Dialling(f"{LOOPBACK}:{port}", token)
    sender = GrpcSender(dialling.channel, dialling.token, faults=(DialFault,), timeout=patience)
    try:
        yield sender
    finally:
        await sender.aclose()


async def test_batches_arrive_as_they_are_with_the_token_of_now(tmp_path: Path) -> None:
    """On one connection; the token's file is read again each time."""
    token = tmp_path / "token"
    dispatcher = ScriptedDispatcher(taken)
    async with open_door(dispatcher) as door, sending(door.port, token) as sender:
        for secret in ("wd_one", "wd_two"):
            token.write_text(secret)
            await sender.send(REQUEST)
    assert [asked.request for asked in dispatcher.asked] == [REQUEST, REQUEST]
    assert {asked.method for asked in dispatcher.asked} == {"TelemetryService/IngestEvents"}
    assert [asked.metadata["authorization"] for asked in dispatcher.asked] == ["Bearer wd_one", "Bearer wd_two"]


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (WireFault(Status.INVALID_ARGUMENT, "columns.op"), Refused),
        (WireFault(Status.ALREADY_EXISTS, "another batch"), Refused),
        (WireFault(Status.OUT_OF_RANGE, "ts"), Refused),
        (WireFault(Status.UNAUTHENTICATED, "who?"), Unwelcome),
        (WireFault(Status.PERMISSION_DENIED, "not your node"), Denied),
        (WireFault(Status.UNIMPLEMENTED, "an older one"), Unwelcome),
        (WireFault(Status.UNAVAILABLE, "no database"), Unreachable),
        (WireFault(Status.INTERNAL, "a defect"), Unreachable),
        (WireFault(Status.DEADLINE_EXCEEDED, "slow"), Unreachable),
    ],
)
async def test_an_answer_says_whether_to_come_back(fault: WireFault, meaning: type[NotTaken]) -> None:
    """Never, when a person has mended something, or soon."""
    async with open_door(ScriptedDispatcher(failing(fault))) as door, sending(door.port) as sender:
        with pytest.raises(NotTaken) as caught:
            await sender.send(REQUEST)
    assert type(caught.value) is meaning
    assert fault.code.name in caught.value.detail


async def test_a_busy_control_plane_says_when_to_come_back() -> None:
    """RESOURCE_EXHAUSTED carries seconds."""
    details = failing(WireFault(Status.RESOURCE_EXHAUSTED, "too many", (_retry(2.5),)))
    async with open_door(ScriptedDispatcher(details)) as door, sending(door.port) as sender:
        with pytest.raises(Unreachable) as caught:
            await sender.send(REQUEST)
    assert caught.value.retry_after == 2.5


async def test_nobody_there_and_back_again() -> None:
    """A refused connection is no reason to give up, and the next attempt makes a new one."""
    port = free_port()
    async with sending(port) as sender:
        for _ in range(2):
            with pytest.raises(Unreachable):
                await sender.send(REQUEST)
            async with open_door(ScriptedDispatcher(taken), port=port):
                await sender.send(REQUEST)


async def test_silence_ends_by_itself() -> None:
    """A control plane that takes a batch and never answers is left."""

    async def silent(_asked: Asked) -> Said:
        await anyio.sleep_forever()
        raise AssertionError

    async with open_door(ScriptedDispatcher(silent), drain_s=0.1) as door, sending(door.port, patience=0.2) as sender:
        with pytest.raises(Unreachable):
            await sender.send(REQUEST)


async def test_a_missing_token_or_an_untrusted_certificate_waits_for_a_person(tmp_path: Path) -> None:
    """Both are files that somebody can mend while the agent runs."""
    async with sending(free_port(), tmp_path / "gone") as sender:
        with pytest.raises(Unwelcome, match="token_file"):
            await sender.send(REQUEST)
    mine, theirs = Authority(tmp_path, "mine"), Authority(tmp_path, "theirs")
    identity = theirs.issue()
    context = _server_tls(identity.cert, identity.key)
    async with open_door(ScriptedDispatcher(taken), tls=context) as door:
        dialling = Dialling(f"{LOOPBACK}:{door.port}", ca_file=mine.cert)
        sender = GrpcSender(dialling.channel, dialling.token)
        with pytest.raises(Unwelcome, match="TLS"):
            await sender.send(REQUEST)
        trusting = Dialling(f"{LOOPBACK}:{door.port}", ca_file=theirs.cert)
        sender = GrpcSender(trusting.channel, trusting.token)
        await sender.send(REQUEST)
        await sender.aclose()


def _retry(seconds: float) -> RetryInfo:
    whole = int(seconds)
    return RetryInfo(retry_delay=Duration(seconds=whole, nanos=round((seconds - whole) * 1e9)))


def _server_tls(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["h2"])
    return context
