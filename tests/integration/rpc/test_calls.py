"""Unary calls, by grpc's own client (C core), against the door."""

import anyio
import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpclib.const import Status

from tests.support.ports import wait_until_async
from tests.support.rpc_door import Asked, Said, ScriptedDispatcher, encoded, open_door
from warpdrive.adapters.wire.contract import contract
from warpdrive.adapters.wire.status import WireFault

GET = "/warpdrive.v1.ControlService/GetNamespace"
NO_RETRY = [("grpc.enable_retries", 0)]


def caller(channel: grpc.aio.Channel, path: str = GET) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
    """Return a call that sends and receives bytes."""
    return channel.unary_unary(path)


async def test_a_call_reaches_the_dispatcher_and_its_answer_comes_back_with_metadata() -> None:
    """Bytes in, bytes out; method, metadata and time-out are what the client said."""
    dispatcher = ScriptedDispatcher()
    request = encoded("GetNamespaceRequest", namespace="vision")
    async with open_door(dispatcher) as door, grpc.aio.insecure_channel(door.target, NO_RETRY) as channel:
        call = caller(channel)(request, timeout=5.0, metadata=(("authorization", "Bearer wd_x"), ("x-a", "1")))
        assert await call == request
        assert ("x-warpdrive-position", "7") in tuple(await call.trailing_metadata())
    (asked,) = dispatcher.asked
    assert (asked.method, asked.request, asked.via) == ("ControlService/GetNamespace", request, "grpc")
    assert asked.metadata["authorization"] == "Bearer wd_x"
    assert asked.deadline is not None
    assert 3.0 < asked.deadline <= 5.0


async def test_every_rpc_of_the_contract_has_a_handler() -> None:
    """What the descriptor set declares is what the server knows."""
    async with open_door(ScriptedDispatcher()) as door:
        assert {method.path for method in contract().methods.values()} <= set(door.server.house.methods)


async def test_a_fault_arrives_with_code_message_details_and_metadata() -> None:
    """google.rpc.Status travels in grpc-status-details-bin."""
    info = error_details_pb2.ErrorInfo(reason="NAMESPACE_SEALED", domain="warpdrive")

    async def sealed(_asked: Asked) -> Said:
        raise WireFault(Status.FAILED_PRECONDITION, "sealed: für immer", (info,), metadata={"x-correlation-id": "c1"})

    async with open_door(ScriptedDispatcher(sealed)) as door, grpc.aio.insecure_channel(door.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(b"")
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details() == "sealed: für immer"
    trailing = dict(caught.value.trailing_metadata())
    assert trailing["x-correlation-id"] == "c1"
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    unpacked = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(unpacked)
    assert unpacked == info


async def test_a_very_long_fault_still_fits_the_client() -> None:
    """A message of a megabyte would break the client's limit for headers, so it is cut."""

    async def talkative(_asked: Asked) -> Said:
        raise WireFault(Status.INVALID_ARGUMENT, "ü" * 500_000)

    async with open_door(ScriptedDispatcher(talkative)) as door, grpc.aio.insecure_channel(door.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(b"")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("path", ["/warpdrive.v1.ControlService/Nothing", "/other.Service/GetNamespace", "/"])
async def test_an_unknown_method_is_unimplemented(path: str) -> None:
    """The gRPC word for it."""
    async with open_door(ScriptedDispatcher()) as door, grpc.aio.insecure_channel(door.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel, path)(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_message_of_128_mib_is_refused_by_its_length_alone() -> None:
    """RESOURCE_EXHAUSTED comes while most of it is still with the client, and the server goes on."""
    dispatcher = ScriptedDispatcher()
    unbounded = [("grpc.max_send_message_length", -1)]
    async with open_door(dispatcher) as door, grpc.aio.insecure_channel(door.target, unbounded) as channel:
        with anyio.fail_after(10), pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(bytes(128 * 1024 * 1024))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "134217728 bytes" in (caught.value.details() or "")
        assert await caller(channel)(b"x") == b"x"
    assert [asked.request for asked in dispatcher.asked] == [b"x"]


async def test_a_message_of_exactly_the_limit_is_taken() -> None:
    """The limit is the largest that is allowed; one byte more is not."""
    async with open_door(ScriptedDispatcher(), message=100_000) as door:
        options = [("grpc.max_receive_message_length", -1)]
        async with grpc.aio.insecure_channel(door.target, options) as channel:
            assert len(await caller(channel)(bytes(100_000))) == 100_000
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await caller(channel)(bytes(100_001))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_requests_that_find_no_room_together_are_refused() -> None:
    """All announced requests share one budget, whichever connection they come by."""
    async with (
        open_door(ScriptedDispatcher(), receiving=50_000) as door,
        grpc.aio.insecure_channel(door.target) as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(bytes(60_000))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(await caller(channel)(bytes(40_000))) == 40_000
        assert door.server.budget.free == 50_000


async def test_a_compressed_message_is_unimplemented() -> None:
    """No encoding but identity is spoken here, and the client is told so."""
    async with open_door(ScriptedDispatcher()) as door, grpc.aio.insecure_channel(door.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(b"a" * 10_000, compression=grpc.Compression.Gzip)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def _forever(_asked: Asked) -> Said:
    await anyio.sleep_forever()
    raise AssertionError("unreachable")


async def test_the_clients_deadline_ends_a_call_on_the_server_too() -> None:
    """Both sides stop at grpc-timeout."""
    async with open_door(ScriptedDispatcher(_forever)) as door, grpc.aio.insecure_channel(door.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(b"", timeout=0.2)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await wait_until_async(lambda: door.server.house.running == 0, what="the call's end on the server")


async def test_the_server_has_a_longest_call_of_its_own() -> None:
    """A client without a deadline is ended by the server's."""
    async with (
        open_door(ScriptedDispatcher(_forever), call_s=0.2) as door,
        grpc.aio.insecure_channel(door.target) as channel,
    ):
        with anyio.fail_after(5), pytest.raises(grpc.aio.AioRpcError) as caught:
            await caller(channel)(b"")
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_client_that_leaves_ends_its_call() -> None:
    """Cancelling reaches the use case."""
    dispatcher = ScriptedDispatcher(_forever)
    async with open_door(dispatcher) as door, grpc.aio.insecure_channel(door.target) as channel:
        call = caller(channel)(b"")
        waiting = anyio.Event()

        async def leave() -> None:
            await wait_until_async(lambda: len(dispatcher.asked) == 1, what="the call's arrival")
            call.cancel()
            waiting.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(leave)
            await waiting.wait()
        await wait_until_async(lambda: door.server.house.running == 0, what="the call's end on the server")


async def test_more_connections_than_allowed_are_turned_away() -> None:
    """The first ones go on undisturbed."""
    async with open_door(ScriptedDispatcher(), connections=1) as door:
        own = [("grpc.use_local_subchannel_pool", 1), *NO_RETRY]
        async with grpc.aio.insecure_channel(door.target, own) as first:
            assert await caller(first)(b"x") == b"x"
            async with grpc.aio.insecure_channel(door.target, own) as second:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await caller(second)(b"x", timeout=5)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert await caller(first)(b"y") == b"y"
