"""How the server leaves: nobody's call is broken that can still end, nobody is kept waiting that cannot."""

import logging
from collections.abc import AsyncIterator

import anyio
import grpc
import grpc.aio
import pytest
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from tests.support.ports import LOOPBACK, accepts, wait_until_async
from tests.support.rpc_door import Asked, Said, ScriptedDispatcher, echo, open_door

GET = "/warpdrive.v1.ControlService/GetNamespace"
WATCH = "/warpdrive.v1.ControlService/WatchAgent"
NO_RETRY = [("grpc.enable_retries", 0)]


async def test_a_call_under_way_ends_well_while_new_ones_are_unavailable() -> None:
    """The first is answered after the server began to stop; a second on the same connection is refused."""
    go_on = anyio.Event()

    async def held(asked: Asked) -> Said:
        await go_on.wait()
        return await echo(asked)

    dispatcher = ScriptedDispatcher(held)
    answers: list[bytes] = []
    stop, stopped = anyio.Event(), anyio.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with open_door(dispatcher, drain_s=10.0) as door:
            ports.append(door.port)
            await stop.wait()
        stopped.set()

    async def first(channel: grpc.aio.Channel) -> None:
        answers.append(await channel.unary_unary(GET)(b"first"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        await wait_until_async(lambda: bool(ports), what="the server's start")
        async with grpc.aio.insecure_channel(f"{LOOPBACK}:{ports[0]}", NO_RETRY) as channel:
            tasks.start_soon(first, channel)
            await wait_until_async(lambda: len(dispatcher.asked) == 1, what="the call's arrival")
            stop.set()
            await wait_until_async(lambda: not accepts((LOOPBACK, ports[0])), what="the closed door")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(GET)(b"second")
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert "stopping" in (caught.value.details() or "")
            assert not stopped.is_set()
            go_on.set()
            await wait_until_async(lambda: answers == [b"first"], what="the first call's answer")
            await stopped.wait()


async def test_watch_streams_end_unavailable_at_once() -> None:
    """So that their clients connect elsewhere; the drain does not wait for them."""

    async def tell(_asked: Asked) -> AsyncIterator[bytes]:
        yield b""
        await anyio.sleep_forever()

    dispatcher = ScriptedDispatcher(tell=tell)
    with anyio.fail_after(5):
        async with open_door(dispatcher, drain_s=60.0) as door:
            channel = grpc.aio.insecure_channel(door.target, NO_RETRY)
            watch = channel.unary_stream(WATCH)(b"")
            assert await watch.read() == b""
            health = channel.unary_stream("/grpc.health.v1.Health/Watch")(HealthCheckRequest().SerializeToString())
            seen = HealthCheckResponse.FromString(await health.read())
            assert seen.status == HealthCheckResponse.SERVING
        assert await watch.code() is grpc.StatusCode.UNAVAILABLE
        assert await health.code() is grpc.StatusCode.UNAVAILABLE
        await channel.close()
    assert dispatcher.watching == 0


async def test_calls_that_do_not_end_are_cut_off_when_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    """They are told UNAVAILABLE, the log says how many."""
    cancelled = anyio.Event()

    async def stuck(_asked: Asked) -> Said:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()
        raise AssertionError("unreachable")

    dispatcher = ScriptedDispatcher(stuck)
    codes: list[grpc.StatusCode] = []
    with anyio.fail_after(5), caplog.at_level(logging.WARNING):
        async with anyio.create_task_group() as tasks, open_door(dispatcher, drain_s=0.1) as door:
            channel = grpc.aio.insecure_channel(door.target, NO_RETRY)

            async def ask() -> None:
                codes.append(await channel.unary_unary(GET)(b"").code())

            tasks.start_soon(ask)
            await wait_until_async(lambda: len(dispatcher.asked) == 1, what="the call's arrival")
        await channel.close()
    assert cancelled.is_set()
    assert codes == [grpc.StatusCode.UNAVAILABLE]
    assert "1 calls did not end within 0.1 s" in caplog.text


async def test_an_idle_server_stops_at_once() -> None:
    """Idle connections are told goodbye and closed."""
    with anyio.fail_after(2):
        async with open_door(ScriptedDispatcher(), drain_s=60.0) as door:
            channel = grpc.aio.insecure_channel(door.target)
            assert await channel.unary_unary(GET)(b"x") == b"x"
            assert door.server.connections == 1
        assert door.server.connections == 0
        await channel.close()
