"""Watching a real control plane by the agent's own feed: what is not there is refused, a restart is survived."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest

from tests.support.control_planes import ControlPlaneProcess, control_plane, embedded_dir
from tests.support.ports import free_port, wait_until_async
from warpdrive.adapters.control_client.feed import ControlPlaneFeed, FeedTimes
from warpdrive.application.ports.namespace_feed import FeedRefused, NamespaceSnapshot

QUICK = FeedTimes(answer=5.0, heartbeat=0.2, stall=30.0, backoff=0.05, backoff_ceiling=0.2)
WITHIN = 20.0


def _feed(plane: ControlPlaneProcess, directory: Path, namespace: str) -> ControlPlaneFeed:
    """Make an agent's feed with a token of its own."""
    file = directory / f"{namespace}.token"
    file.write_text(plane.issue(role="ROLE_AGENT", node="node-1", namespaces=[namespace]))
    return ControlPlaneFeed(plane.grpc, node="node-1", namespace=namespace, token_file=file, times=QUICK)


def _mount(plane: ControlPlaneProcess, namespace: str, path: str) -> None:
    entry = {"path": path, "backend": {"name": path.strip("/"), "type": "memory"}}
    plane.must("POST", f"/api/v1/namespaces/{namespace}/mounts", {"entry": entry})


def _paths(snapshot: NamespaceSnapshot) -> list[str]:
    return [entry.path for entry in snapshot.entries]


async def test_a_namespace_that_was_never_there_is_refused(shared_plane: ControlPlaneProcess, tmp_path: Path) -> None:
    """The feed says so instead of trying for ever."""
    with anyio.fail_after(WITHIN):
        async with _feed(shared_plane, tmp_path, "watch-never").follow() as snapshots:
            with pytest.raises(FeedRefused, match="watch-never"):
                await anext(snapshots)


async def test_a_retired_namespace_ends_for_who_watches_and_is_refused_to_who_comes(
    shared_plane: ControlPlaneProcess, tmp_path: Path
) -> None:
    """The last word is that it is retired, without entries; whoever asks later is told that there is none."""
    shared_plane.must("POST", "/api/v1/namespaces", {"name": "watch-ending"})
    feed = _feed(shared_plane, tmp_path, "watch-ending")
    with anyio.fail_after(WITHIN):
        async with feed.follow() as snapshots:
            assert not (await anext(snapshots)).retired
            shared_plane.must("DELETE", "/api/v1/namespaces/watch-ending")
            last = await anext(snapshots)
            assert (last.retired, last.entries) == (True, ())
        async with feed.follow() as snapshots:
            with pytest.raises(FeedRefused, match="watch-ending"):
                await anext(snapshots)


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a data directory whose server does not outlive the test."""
    with embedded_dir() as directory:
        yield directory


async def test_a_watch_survives_a_killed_control_plane(home: Path, tmp_path: Path) -> None:
    """While it is away the feed says why; afterwards it goes on where it was, and tells only what is new."""
    ports = (free_port(), free_port())
    async with AsyncExitStack() as stack:
        stack.enter_context(anyio.fail_after(60))
        with control_plane(home, ports=ports) as first:
            first.must("POST", "/api/v1/namespaces", {"name": "training"})
            _mount(first, "training", "/one")
            feed = _feed(first, tmp_path, "training")
            snapshots = await stack.enter_async_context(feed.follow())
            before = await anext(snapshots)
            assert _paths(before) == ["/one"]
            assert feed.connected
            first.process.kill()
            await wait_until_async(lambda: not feed.connected, what="the feed noticing")
            assert feed.fault
        with control_plane(home, ports=ports) as second:
            await wait_until_async(lambda: feed.connected, what="the feed coming back")
            _mount(second, "training", "/two")
            after = await anext(snapshots)
            assert _paths(after) == ["/one", "/two"]
            assert after.position > before.position
            (agent,) = second.must("GET", "/api/v1/agents")["agents"]
            assert (agent["node"], agent["missing"]) == ("node-1", False)


async def test_a_stream_ends_with_its_token(shared_plane: ControlPlaneProcess, tmp_path: Path) -> None:
    """A revoked token's watch is refused from the next word on."""
    shared_plane.must("POST", "/api/v1/namespaces", {"name": "watch-revoked"})
    feed = _feed(shared_plane, tmp_path, "watch-revoked")
    with anyio.fail_after(WITHIN):
        async with feed.follow() as snapshots:
            await anext(snapshots)
            tokens = shared_plane.must("GET", "/api/v1/tokens?pageSize=1000")["tokens"]
            (mine,) = (each for each in tokens if each["namespaces"] == ["watch-revoked"])
            shared_plane.must("DELETE", f"/api/v1/tokens/{mine['tokenId']}")
            _mount(shared_plane, "watch-revoked", "/late")
            with pytest.raises(FeedRefused, match="UNAUTHENTICATED"):
                await anext(snapshots)
