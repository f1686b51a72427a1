"""The agent's feed against a real gRPC door over a scripted control plane."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest
from grpclib.const import Status

from tests.support.authority import Authority
from tests.support.ports import LOOPBACK, free_port, wait_until_async
from tests.support.rpc_door import open_door
from tests.support.scripted_plane import NAMESPACE_ID, TOKEN, ScriptedPlane, alive, changed, entry, namespace
from warpdrive import __version__
from warpdrive.adapters.control_client.feed import AgentCondition, ControlPlaneFeed, FeedTimes
from warpdrive.adapters.rpc.tls import ServerTls, server_context
from warpdrive.adapters.wire.status import WireFault
from warpdrive.application.ports.namespace_feed import FeedRefused, NamespaceSnapshot

QUICK = FeedTimes(answer=2.0, heartbeat=0.05, stall=2.0, backoff=0.01, backoff_ceiling=0.05)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with the token that the plane knows."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


def write(path: Path, content: bytes | None) -> None:
    """Exchange a file's content; None removes it."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def make_feed(address: str, token_file: Path | None, **more: Any) -> ControlPlaneFeed:
    """Return a feed of node n1 on namespace vision."""
    given = {"times": QUICK, **more}
    return ControlPlaneFeed(address, node="n1", namespace="vision", token_file=token_file, **given)


@asynccontextmanager
async def followed(feed: ControlPlaneFeed) -> AsyncIterator[AsyncIterator[NamespaceSnapshot]]:
    """Follow, for 10 seconds at most."""
    with anyio.fail_after(10):
        async with feed.follow() as snapshots:
            yield snapshots


@pytest.mark.parametrize(("attempt", "longest"), [(0, 0.5), (1, 1.0), (4, 8.0), (5, 15.0), (1000, 15.0)])
def test_waits_between_attempts_grow_and_are_spread(attempt: int, longest: float) -> None:
    """So that a thousand nodes do not come back in the same moment."""
    assert FeedTimes(random=lambda: 1.0).wait(attempt) == longest
    assert FeedTimes(random=lambda: 0.0).wait(attempt) == 0.0


async def test_the_namespace_comes_whole_and_then_at_every_change(token_file: Path) -> None:
    """The first snapshot has the position up to which everything was sent; entries are the domain's values."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(7))
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        async with followed(feed) as snapshots:
            first = await anext(snapshots)
            assert (first.position, first.id, first.name) == (7, UUID(NAMESPACE_ID), "vision")
            assert first.entries[0].backend.options == {"bucket": "b"}
            assert first.entries[0].policy.write == "off"
            assert feed.connected
            assert feed.fault == ""
            plane.say(changed(9, namespace(entries=[entry("/a"), entry("/a/b")], sealed=True)))
            second = await anext(snapshots)
            assert (second.position, second.sealed) == (9, True)
            assert [each.path for each in second.entries] == ["/a", "/a/b"]
        await wait_until_async(lambda: not feed.connected, what="the end of the tie")
    (request,) = plane.requests("WatchAgent")
    assert (request.node, request.namespace, request.after_position) == ("n1", "vision", 0)


async def test_whoever_stops_following_in_the_middle_is_not_connected(token_file: Path) -> None:
    """Nothing is received any more, however the block ended."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(7))
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        with anyio.CancelScope() as scope:
            async with followed(feed) as snapshots:
                await anext(snapshots)
                assert feed.connected
                scope.cancel()
                await anyio.sleep_forever()
        assert not feed.connected


async def test_a_retired_namespace_has_no_entries(token_file: Path) -> None:
    """Nothing may be served any more, whatever the last entries were."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace(retired=True)), alive(3))
    async with open_door(plane.dispatcher) as door, followed(make_feed(door.target, token_file)) as snapshots:
        snapshot = await anext(snapshots)
    assert snapshot.retired
    assert snapshot.entries == ()


async def test_states_that_nobody_fetched_are_skipped(token_file: Path) -> None:
    """Only the newest is kept."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(1))
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        async with followed(feed) as snapshots:
            await anext(snapshots)
            plane.say(*(changed(position, namespace()) for position in range(2, 50)), alive(50))
            # The default condition reports the last position that was handed over.
            await wait_until_async(lambda: plane.requests("Heartbeat")[-1].position == 49, what="the last update")
            assert (await anext(snapshots)).position == 49


async def test_the_agent_registers_and_then_says_how_it_is(token_file: Path) -> None:
    """Node, namespace, version and mount point once; health, detail and position again and again."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(4))
    condition = AgentCondition("degraded", "backend lake: EIO", 4)
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file, mount_point="/mnt/w", condition=lambda: condition)
        async with followed(feed) as snapshots:
            await anext(snapshots)
            await wait_until_async(lambda: len(plane.requests("Heartbeat")) >= 3, what="three heartbeats")
    (registration,) = plane.requests("RegisterAgent")
    assert (registration.node, registration.namespace) == ("n1", "vision")
    assert (registration.version, registration.mount_point) == (__version__, "/mnt/w")
    beat = plane.requests("Heartbeat")[0]
    assert (beat.node, beat.health, beat.detail, beat.position) == ("n1", "degraded", "backend lake: EIO", 4)


async def test_a_plane_that_forgot_the_agent_hears_its_registration_again(token_file: Path) -> None:
    """Agents are no events, so a restored plane does not know them."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(4))
    async with open_door(plane.dispatcher) as door, followed(make_feed(door.target, token_file)) as snapshots:
        await anext(snapshots)
        plane.registered.clear()
        await wait_until_async(lambda: "n1" in plane.registered, what="the second registration")
    assert len(plane.requests("WatchAgent")) == 1


async def test_a_lost_connection_is_made_again_and_goes_on_at_the_position_reached(token_file: Path) -> None:
    """The server stops and comes back at the same address; only what is new arrives."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(7))
    listener = socket.create_server((LOOPBACK, 0))
    address = f"{LOOPBACK}:{listener.getsockname()[1]}"
    listener.close()
    feed = make_feed(address, token_file)
    async with followed(feed) as snapshots:
        async with open_door(plane.dispatcher, port=int(address.rpartition(":")[2])):
            assert (await anext(snapshots)).position == 7
        await wait_until_async(lambda: not feed.connected, what="the loss")
        assert feed.fault
        plane.updates = [changed(7, namespace(sealed=True)), alive(12)]
        async with open_door(plane.dispatcher, port=int(address.rpartition(":")[2])):
            again = await anext(snapshots)
            assert (again.position, again.sealed) == (12, True)
    assert [request.after_position for request in plane.requests("WatchAgent")] == [0, 7]


async def test_a_plane_that_is_not_there_is_named_and_asked_again(token_file: Path) -> None:
    """The iterator has nothing to say; `fault` does."""
    feed = make_feed(f"{LOOPBACK}:{free_port()}", token_file)
    async with followed(feed) as snapshots:
        await wait_until_async(lambda: feed.fault not in {"", "not asked yet"}, what="the fault")
        assert "Connect call failed" in feed.fault or "refused" in feed.fault
        with anyio.move_on_after(0.2):
            raise AssertionError(f"{await anext(snapshots)} came from nowhere")


async def test_news_about_the_node_does_not_wait_for_its_turn(token_file: Path) -> None:
    """A node that is degraded, or serves its first namespace, says so at once; a position later waits."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(4))
    conditions = [AgentCondition()]
    times = FeedTimes(answer=2.0, heartbeat=60.0, glance=0.01)

    def said() -> list[tuple[str, int]]:
        return [(beat.health, beat.position) for beat in plane.requests("Heartbeat")]

    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file, times=times, condition=lambda: conditions[-1])
        async with followed(feed) as snapshots:
            await anext(snapshots)
            await wait_until_async(lambda: said() == [("ok", 0)], what="the first word")
            conditions.append(AgentCondition(position=4))
            await wait_until_async(lambda: said()[1:] == [("ok", 4)], what="the first namespace")
            conditions.append(AgentCondition(position=5))
            conditions.append(AgentCondition("degraded", "lake: EIO", 6))
            await wait_until_async(lambda: said()[2:] == [("degraded", 6)], what="the fault")


async def test_a_silent_connection_counts_as_lost(token_file: Path) -> None:
    """A watch that says nothing for the stall time, not even that it is alive, is given up and made again."""
    plane = ScriptedPlane()
    plane.mute = True
    plane.say(changed(0, namespace()), alive(2))
    times = FeedTimes(answer=2.0, heartbeat=5.0, stall=0.2, backoff=0.01)
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file, times=times)
        async with followed(feed) as snapshots:
            await wait_until_async(lambda: len(plane.requests("WatchAgent")) >= 2, what="the second watch")
            assert feed.fault == "it does not answer in time"
            plane.mute = False
            assert (await anext(snapshots)).position == 2


@pytest.mark.parametrize(
    "status", [Status.PERMISSION_DENIED, Status.NOT_FOUND, Status.INVALID_ARGUMENT, Status.UNAUTHENTICATED]
)
async def test_a_refusal_ends_the_snapshots_with_its_reason(status: Status, token_file: Path) -> None:
    """Asking again cannot help, so the iterator raises."""
    plane = ScriptedPlane()
    plane.fault = WireFault(status, "not you")
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        async with followed(feed) as snapshots:
            with pytest.raises(FeedRefused, match=f"{status.name}: not you"):
                await anext(snapshots)
            assert not feed.connected
    assert len(plane.requests("WatchAgent")) == 1


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED])
async def test_other_faults_are_tried_again(status: Status, token_file: Path) -> None:
    """The snapshot comes once the plane has recovered."""
    plane = ScriptedPlane()
    plane.fault = WireFault(status, "not now")
    plane.say(changed(0, namespace()), alive(2))
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        async with followed(feed) as snapshots:
            await wait_until_async(lambda: len(plane.requests("WatchAgent")) >= 3, what="three attempts")
            assert feed.fault == f"{status.name}: not now"
            plane.fault = None
            assert (await anext(snapshots)).position == 2


async def test_a_token_that_was_exchanged_in_its_file_is_used_at_once(token_file: Path) -> None:
    """The old one is revoked while the watch runs; the feed reads the file again instead of giving up."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(2))
    async with open_door(plane.dispatcher) as door, followed(make_feed(door.target, token_file)) as snapshots:
        await anext(snapshots)
        write(token_file, b"wd_the-next-one")
        plane.tokens = {"wd_the-next-one"}
        plane.updates = [changed(2, namespace()), alive(5)]
        plane.move()
        assert (await anext(snapshots)).position == 5


async def test_a_plane_whose_positions_went_back_is_not_followed_silently(token_file: Path) -> None:
    """It was restored from an older state, or is another one: somebody should know before its state is served."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(100))
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        async with followed(feed) as snapshots:
            await anext(snapshots)
            plane.say(alive(40))
            with pytest.raises(FeedRefused, match="at position 40, before 100"):
                await anext(snapshots)
        async with followed(feed) as snapshots:  # following anew begins at the beginning
            plane.updates = [changed(0, namespace()), alive(40)]
            assert (await anext(snapshots)).position == 40


@pytest.mark.parametrize("content", [None, b"", b"\n", b"wd_one\nwd_two\n", b"wd_\xc3\xbc"])
async def test_a_token_file_that_holds_no_token_is_named_and_read_again(
    content: bytes | None, token_file: Path
) -> None:
    """Its content is never shown; when it is right the feed goes on."""
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(2))
    write(token_file, content)
    async with open_door(plane.dispatcher) as door:
        feed = make_feed(door.target, token_file)
        async with followed(feed) as snapshots:
            await wait_until_async(lambda: str(token_file) in feed.fault, what="the fault")
            assert "wd_" not in feed.fault
            write(token_file, TOKEN.encode())
            assert (await anext(snapshots)).position == 2


async def test_the_tie_is_encrypted_with_both_certificates(token_file: Path, tmp_path: Path) -> None:
    """Mutual TLS to a plane that our authority vouches for."""
    authority = Authority(tmp_path)
    server, client = authority.issue("localhost"), authority.issue("n1")
    context = server_context(ServerTls(server.cert, server.key, authority.cert))
    plane = ScriptedPlane()
    plane.say(changed(0, namespace()), alive(2))
    async with open_door(plane.dispatcher, tls=context) as door:
        files = {"ca_file": authority.cert, "cert_file": client.cert, "key_file": client.key}
        async with followed(make_feed(f"localhost:{door.port}", token_file, **files)) as snapshots:
            assert (await anext(snapshots)).position == 2


async def test_a_plane_that_no_known_authority_vouches_for_gets_no_token(token_file: Path, tmp_path: Path) -> None:
    """The connection ends before anything is said."""
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "theirs")
    server = theirs.issue("localhost")
    plane = ScriptedPlane()
    async with open_door(plane.dispatcher, tls=server_context(ServerTls(server.cert, server.key))) as door:
        feed = make_feed(f"localhost:{door.port}", token_file, ca_file=ours.cert)
        async with followed(feed):
            await wait_until_async(lambda: "not trusted" in feed.fault, what="the fault")
    assert plane.dispatcher.asked == []
