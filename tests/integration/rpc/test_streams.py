"""The watch stream, health and reflection, by grpc's own client."""

from collections.abc import AsyncIterator

import anyio
import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpclib.const import Status
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.reflection.v1.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from tests.support.ports import wait_until_async
from tests.support.rpc_door import Asked, Said, ScriptedDispatcher, encoded, open_door
from warpdrive.adapters.wire.contract import contract
from warpdrive.adapters.wire.status import WireFault

WATCH = "/warpdrive.v1.ControlService/WatchAgent"


async def test_updates_come_as_they_are_told_and_the_stream_ends_with_the_use_case() -> None:
    """In order, each at once."""

    async def tell(_asked: Asked) -> AsyncIterator[bytes]:
        for position in (3, 5, 8):
            yield encoded("WatchUpdate", position=position)

    dispatcher = ScriptedDispatcher(tell=tell)
    async with open_door(dispatcher) as door, grpc.aio.insecure_channel(door.target) as channel:
        request = encoded("WatchAgentRequest", node="n1", namespace="vision", after_position=2)
        updates = [update async for update in channel.unary_stream(WATCH)(request)]
    assert updates == [encoded("WatchUpdate", position=position) for position in (3, 5, 8)]
    assert dispatcher.asked[0].request == request
    assert dispatcher.watching == 0


async def test_a_fault_in_the_middle_is_the_streams_last_word() -> None:
    """What was told before it has arrived."""

    async def tell(_asked: Asked) -> AsyncIterator[bytes]:
        yield b""
        raise WireFault(Status.UNAVAILABLE, "the store cannot be reached", metadata={"x-correlation-id": "c2"})

    received: list[bytes] = []
    async with open_door(ScriptedDispatcher(tell=tell)) as door, grpc.aio.insecure_channel(door.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            received += [update async for update in channel.unary_stream(WATCH)(b"")]
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert ("x-correlation-id", "c2") in tuple(caught.value.trailing_metadata())


async def test_a_reader_that_takes_nothing_holds_one_update_and_is_ended() -> None:
    """Of endless updates only what flow control lets out is made; then the stream ends and the use case with it."""
    told = 0

    async def tell(_asked: Asked) -> AsyncIterator[bytes]:
        nonlocal told
        while True:
            told += 1
            yield bytes(100_000)

    dispatcher = ScriptedDispatcher(tell=tell)
    small = [("grpc.http2.lookahead_bytes", 64 * 1024), ("grpc.http2.bdp_probe", 0)]
    async with open_door(dispatcher, send_s=0.3) as door, grpc.aio.insecure_channel(door.target, small) as channel:
        call = channel.unary_stream(WATCH)(b"")
        assert len(await call.read()) == 100_000
        await wait_until_async(lambda: dispatcher.watching == 0, what="the end of the watch")
        assert told < 100
        call.cancel()


async def test_a_reader_that_leaves_ends_the_watch() -> None:
    """Nobody follows for a client that is gone."""

    async def tell(_asked: Asked) -> AsyncIterator[bytes]:
        yield b""
        await anyio.sleep_forever()

    dispatcher = ScriptedDispatcher(tell=tell)
    async with open_door(dispatcher) as door, grpc.aio.insecure_channel(door.target) as channel:
        call = channel.unary_stream(WATCH)(b"")
        assert await call.read() == b""
        assert dispatcher.watching == 1
        call.cancel()
        await wait_until_async(lambda: dispatcher.watching == 0, what="the end of the watch")


async def test_a_watch_outlives_the_longest_unary_call() -> None:
    """The server's own deadline is for calls that have one answer."""
    go_on = anyio.Event()

    async def tell(_asked: Asked) -> AsyncIterator[bytes]:
        yield b"1"
        await go_on.wait()
        yield b"2"

    async def forever(_asked: Asked) -> Said:
        await anyio.sleep_forever()
        raise AssertionError("unreachable")

    async with (
        open_door(ScriptedDispatcher(forever, tell), call_s=0.1) as door,
        grpc.aio.insecure_channel(door.target) as channel,
    ):
        call = channel.unary_stream(WATCH)(b"")
        assert await call.read() == b"1"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/warpdrive.v1.ControlService/GetNamespace")(b"")
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        go_on.set()
        assert await call.read() == b"2"


async def test_health_follows_readiness_for_each_service_and_for_all() -> None:
    """Check answers now, Watch at every change; unknown services are NOT_FOUND and SERVICE_UNKNOWN."""
    ready = True

    async with (
        open_door(ScriptedDispatcher(), ready=lambda: ready) as door,
        grpc.aio.insecure_channel(door.target) as channel,
    ):
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        names = ["", "warpdrive.v1.ControlService", "warpdrive.v1.GovernanceService"]
        for name in names:
            answer = await check(HealthCheckRequest(service=name))
            assert answer.status == HealthCheckResponse.SERVING
        watched = watch(HealthCheckRequest(service=names[1]))
        assert (await watched.read()).status == HealthCheckResponse.SERVING
        ready = False
        assert (await watched.read()).status == HealthCheckResponse.NOT_SERVING
        assert (await check(HealthCheckRequest())).status == HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await check(HealthCheckRequest(service="other"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        unknown = watch(HealthCheckRequest(service="other"))
        assert (await unknown.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
        with pytest.raises(grpc.aio.AioRpcError) as malformed:
            await channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff")
        assert malformed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        watched.cancel()
        unknown.cancel()


async def test_so_many_may_watch_the_health_and_no_more() -> None:
    """They show no token and never end; whoever leaves makes room for another."""
    async with (
        open_door(ScriptedDispatcher(), health_watches=1) as door,
        grpc.aio.insecure_channel(door.target) as channel,
    ):
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
        first = watch(b"")
        await first.read()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await watch(b"").read()
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        first.cancel()
        await wait_until_async(lambda: door.server.house.running == 0, what="the end of the first")
        last = watch(b"")
        assert await last.read()
        last.cancel()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_services_and_hands_out_files(version: str) -> None:
    """A client without proto files gets each service's file, with what it imports, from either version."""

    async def ask(request: ServerReflectionRequest) -> ServerReflectionResponse:
        call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )()
        await call.write(request)
        await call.done_writing()
        answer: ServerReflectionResponse = await call.read()
        assert await call.code() is grpc.StatusCode.OK
        return answer

    async with open_door(ScriptedDispatcher()) as door, grpc.aio.insecure_channel(door.target) as channel:
        listed = await ask(ServerReflectionRequest(list_services=""))
        names = {service.name for service in listed.list_services_response.service}
        assert {f"warpdrive.v1.{method.service}" for method in contract().methods.values()} <= names
        assert "grpc.health.v1.Health" in names
        for symbol in names:
            answer = await ask(ServerReflectionRequest(file_containing_symbol=symbol))
            (raw,) = answer.file_descriptor_response.file_descriptor_proto
            for imported in FileDescriptorProto.FromString(raw).dependency:
                found = await ask(ServerReflectionRequest(file_by_filename=imported))
                assert found.file_descriptor_response.file_descriptor_proto, imported
        missing = await ask(ServerReflectionRequest(file_containing_symbol="warpdrive.v1.Nothing"))
        assert missing.error_response.error_code == Status.NOT_FOUND.value
