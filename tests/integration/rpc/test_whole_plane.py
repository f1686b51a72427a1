"""The door over the real dispatcher and use cases on memory twins: foreign client, our agent's feed, one contract."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from structlog.testing import capture_logs

from tests.support.memory_plane import MemoryPlane
from tests.support.ports import wait_until_async
from tests.support.rpc_door import Door, message, open_door
from warpdrive.adapters.control_client.feed import ControlPlaneFeed, FeedTimes
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.adapters.wire.dispatch import Dispatcher
from warpdrive.application.ports.namespace_feed import FeedRefused
from warpdrive.domain.token.values import Role

QUICK = FeedTimes(answer=2.0, heartbeat=0.1, stall=5.0, backoff=0.01, backoff_ceiling=0.05)


class Served:
    """A plane behind its door, and a grpc client with an admin's token."""

    def __init__(self, memory: MemoryPlane, door: Door, channel: grpc.aio.Channel, secret: str) -> None:
        self.memory = memory
        self.door = door
        self.secret = secret
        self.trailing: Mapping[str, Any] = {}
        self._channel = channel

    async def call(self, name: str, /, *, secret: str | None = None, key: str = "", **fields: Any) -> Any:
        """Call a method by grpc's client, with messages of google.protobuf made from the descriptor set."""
        method = contract().methods[name]
        stub = self._channel.unary_unary(
            method.path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=message_class(method.answer).FromString,
        )
        metadata = [("authorization", f"Bearer {self.secret if secret is None else secret}")]
        metadata += [("idempotency-key", key)] if key else []
        call = stub(message_class(method.request)(**fields), metadata=metadata, timeout=10)
        answer = await call
        self.trailing = dict(await call.trailing_metadata())
        return answer

    async def issue(self, role: Role, **scope: Any) -> str:
        """Make a token; returns its secret."""
        done = await self.memory.plane.tokens.create(self.memory.call(), role=role, **scope)
        return done.value.secret


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    """Serve a new plane while the block runs."""
    memory = MemoryPlane()
    dispatcher = Dispatcher(memory.plane, clock=memory.clock, wait=memory.wait)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(memory.plane.watch.run)
        async with open_door(dispatcher) as door, grpc.aio.insecure_channel(door.target) as channel:
            done = await memory.plane.tokens.create(memory.call(), role=Role.ADMIN)
            yield Served(memory, door, channel, done.value.secret)
        tasks.cancel_scope.cancel()


def lake(path: str) -> Message:
    """Return a mount entry."""
    backend = message("Backend", name="lake", type="s3", options={"bucket": "b"})
    return message("MountEntry", path=path, backend=backend)


def token_file(folder: Path, secret: str) -> Path:
    """Write a token where an agent finds it."""
    path = folder / "token"
    path.write_text(secret)
    return path


async def test_a_command_and_a_query_by_a_foreign_client() -> None:
    """Created, repeated under its key with the same answer, read back; positions in the trailing metadata."""
    async with served() as plane:
        key = str(uuid4())
        made = await plane.call("ControlService/CreateNamespace", key=key, name="vision", entries=[lake("/data")])
        position = int(plane.trailing["x-warpdrive-position"])
        again = await plane.call("ControlService/CreateNamespace", key=key, name="vision", entries=[lake("/data")])
        assert made == again
        assert int(plane.trailing["x-warpdrive-position"]) == position > 0
        assert plane.trailing["x-correlation-id"]
        found = await plane.call("ControlService/GetNamespace", namespace="vision")
        assert found.entries[0].backend.options == {"bucket": "b"}


async def test_refusals_have_the_codes_of_the_status_table() -> None:
    """NOT_FOUND, ALREADY_EXISTS, UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT, with google.rpc details."""
    async with served() as plane:
        await plane.call("ControlService/CreateNamespace", name="vision")
        viewer = await plane.issue(Role.VIEWER)
        for code, name, more in (
            (grpc.StatusCode.NOT_FOUND, "ControlService/GetNamespace", {"namespace": "other"}),
            (grpc.StatusCode.ALREADY_EXISTS, "ControlService/CreateNamespace", {"name": "vision"}),
            (grpc.StatusCode.UNAUTHENTICATED, "ControlService/WhoAmI", {"secret": "wd_wrong"}),
            (grpc.StatusCode.PERMISSION_DENIED, "ControlService/CreateNamespace", {"name": "x", "secret": viewer}),
            (grpc.StatusCode.INVALID_ARGUMENT, "ControlService/CreateNamespace", {"name": ""}),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await plane.call(name, **more)
            assert caught.value.code() is code
            trailing = dict(caught.value.trailing_metadata())
            status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
            assert status.details[0].Is(error_details_pb2.ErrorInfo.DESCRIPTOR)


async def test_an_agent_follows_its_namespace_live(tmp_path: Path) -> None:
    """What an admin changes reaches the node's feed; the plane knows the agent and its position."""
    async with served() as plane:
        await plane.call("ControlService/CreateNamespace", name="vision", entries=[lake("/data")])
        file = token_file(tmp_path, await plane.issue(Role.AGENT, node="n1", namespaces=("vision",)))
        feed = ControlPlaneFeed(plane.door.target, node="n1", namespace="vision", token_file=file, times=QUICK)
        with anyio.fail_after(10):
            async with feed.follow() as snapshots:
                first = await anext(snapshots)
                assert [entry.path for entry in first.entries] == ["/data"]
                await plane.call("ControlService/AddMountEntry", namespace="vision", entry=lake("/data/more"))
                second = await anext(snapshots)
                assert [entry.path for entry in second.entries] == ["/data", "/data/more"]
                assert second.position == int(plane.trailing["x-warpdrive-position"]) > first.position
                await plane.call("ControlService/RetireNamespace", namespace="vision")
                assert (await anext(snapshots)).retired
                register = plane.memory.register
                agents = await register.page(after="", limit=10)
                assert [agent.node for agent in agents] == ["n1"]


@pytest.mark.parametrize(
    ("scope", "node", "namespace", "code"),
    [
        ({"node": "n2", "namespaces": ("vision",)}, "n1", "vision", "PERMISSION_DENIED"),
        ({"node": "n1", "namespaces": ("other",)}, "n1", "vision", "PERMISSION_DENIED"),
        ({"node": "n1"}, "n1", "missing", "NOT_FOUND"),
    ],
)
async def test_a_token_serves_its_own_node_and_namespaces_only(
    scope: dict[str, Any], node: str, namespace: str, code: str, tmp_path: Path
) -> None:
    """Another node's agent, another namespace, one that is not there: each is refused for good."""
    async with served() as plane:
        await plane.call("ControlService/CreateNamespace", name="vision")
        await plane.call("ControlService/CreateNamespace", name="other")
        file = token_file(tmp_path, await plane.issue(Role.AGENT, **scope))
        feed = ControlPlaneFeed(plane.door.target, node=node, namespace=namespace, token_file=file, times=QUICK)
        with anyio.fail_after(10):
            async with feed.follow() as snapshots:
                with pytest.raises(FeedRefused, match=code):
                    await anext(snapshots)


async def test_a_revoked_token_ends_the_watch_and_is_in_no_log(tmp_path: Path) -> None:
    """At the next update; neither side's log has the secret."""
    async with served() as plane:
        with capture_logs() as lines:
            await plane.call("ControlService/CreateNamespace", name="vision")
            issued = await plane.memory.plane.tokens.create(
                plane.memory.call(), role=Role.AGENT, node="n1", namespaces=("vision",)
            )
            file = token_file(tmp_path, issued.value.secret)
            feed = ControlPlaneFeed(plane.door.target, node="n1", namespace="vision", token_file=file, times=QUICK)
            with anyio.fail_after(10):
                async with feed.follow() as snapshots:
                    await anext(snapshots)
                    token = issued.value.token.id
                    await plane.call("ControlService/RevokeToken", token_id=token, reason="lost")
                    await plane.call("ControlService/SealNamespace", namespace="vision")
                    with pytest.raises(FeedRefused, match="UNAUTHENTICATED"):
                        await anext(snapshots)
        assert issued.value.secret not in feed.fault
        assert issued.value.secret not in repr(lines)
        assert any(line.get("method") == "ControlService/WatchAgent" for line in lines)


async def test_two_hundred_agents_see_one_change() -> None:
    """Over four connections on one loop; whoever leaves is forgotten by the plane."""
    async with served() as plane:
        await plane.call("ControlService/CreateNamespace", name="vision")
        request = message("WatchAgentRequest", node="n", namespace="vision").SerializeToString()
        metadata = [("authorization", f"Bearer {plane.secret}")]
        sealed = 0

        async def agent(channel: grpc.aio.Channel) -> None:
            nonlocal sealed
            update = message_class(contract().methods["ControlService/WatchAgent"].answer)
            call = channel.unary_stream("/warpdrive.v1.ControlService/WatchAgent")(request, metadata=metadata)
            async for raw in call:
                change: Any = update.FromString(raw)
                if change.namespace.sealed:
                    sealed += 1
                    return

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                channels = [
                    grpc.aio.insecure_channel(plane.door.target, [("grpc.use_local_subchannel_pool", 1)])
                    for _ in range(4)
                ]
                for number in range(200):
                    tasks.start_soon(agent, channels[number % 4])
                await wait_until_async(lambda: plane.memory.plane.watch.watchers == 200, what="two hundred watchers")
                await plane.call("ControlService/SealNamespace", namespace="vision")
            for channel in channels:
                await channel.close()
        assert sealed == 200
        await wait_until_async(lambda: plane.memory.plane.watch.watchers == 0, what="the watchers' end")
