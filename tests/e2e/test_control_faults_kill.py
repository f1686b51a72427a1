"""kill -9, of the control plane and of its PostgreSQL, under load: nothing acknowledged lost, nothing done twice."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.support.control_load import GONE, Load, effects
from tests.support.control_planes import ControlPlaneProcess, children, control_plane, embedded_dir
from tests.support.embedded_owner import postmaster_pid, runs, wait_until_gone
from tests.support.ports import wait_until_async
from warpdrive.adapters.store.embedded.visiting import visited_postgres


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a data directory whose server does not outlive the test."""
    with embedded_dir() as directory:
        yield directory


async def _nothing_lost_nothing_twice(load: Load, plane: ControlPlaneProcess) -> None:
    """Repeat every command under its key: each succeeds and has had exactly one effect, where it had it before."""
    again = await load.repeat(plane.url, plane.grpc)
    assert {each.outcome for each in again} == {"OK"}
    positions = {each.key: each.position for each in again}
    for command in load.acknowledged:
        if command.via == "rest":
            assert positions[command.key] == command.position
    async with visited_postgres(plane.data_dir) as place:
        counted = await effects(place)
    assert {counted.get(each.key, 0) for each in again} == {1}
    position = str(max(positions.values()))
    for name in {each.namespace for each in again}:
        shown = plane.must("GET", f"/api/v1/namespaces/{name}", headers={"x-warpdrive-min-position": position})
        assert {each["path"] for each in shown["entries"]} == {each.path for each in again if each.namespace == name}


async def test_a_killed_control_plane_loses_nothing_and_does_nothing_twice(home: Path) -> None:
    """Its token still works, its server is adopted, its worker is gone; the next one stops in order, and all of it."""
    with control_plane(home) as first:
        token, postmaster = first.token, postmaster_pid(home)
        workers = children(first.process.pid) - {postmaster}
        load = Load(first.url, first.grpc, token)
        await load.prepare()
        async with load.writing():
            await load.until("OK", 20)
            first.process.kill()
            await load.until(GONE, 2)
    assert load.outcomes() == {"OK", GONE}
    assert workers
    for worker in workers:
        wait_until_gone(worker)
    assert runs(postmaster)
    with control_plane(home) as second:
        assert postmaster_pid(home) == postmaster
        assert second.token == token
        await _nothing_lost_nothing_twice(load, second)
        await _stops_in_order_under_load(second)
    assert not runs(postmaster)


async def test_a_killed_server_is_waited_for_and_nothing_is_lost_or_done_twice(home: Path) -> None:
    """While it is away calls are told to come back and readiness says why; then everything goes on by itself.

    Its files are away for a moment, too: it would be back before anybody noticed.
    """
    cluster = home / "postgres" / "data"
    with control_plane(home) as plane:
        load = Load(plane.url, plane.grpc, plane.token)
        await load.prepare()
        async with load.writing():
            await load.until("OK", 20)
            before, postmaster = len(load.commands), postmaster_pid(home)
            cluster.rename(cluster.with_name("away"))
            os.kill(postmaster, signal.SIGKILL)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_a_question_is_told_to_come_back, plane)
                await wait_until_async(lambda: not plane.is_ready(), what="readiness falling")
                await load.until("UNAVAILABLE", 1, after=before)
            assert plane.ask("GET", "/readyz", token="").json()["checks"]["database"]["status"] == "failed"
            assert plane.ask("GET", "/healthz", token="").status_code == 200
            cluster.with_name("away").rename(cluster)
            await wait_until_async(plane.is_ready, what="readiness coming back")
            await load.until("OK", 5, after=len(load.commands))
        assert load.outcomes() == {"OK", "UNAVAILABLE"}
        assert postmaster_pid(home) != postmaster
        await _nothing_lost_nothing_twice(load, plane)


async def _a_question_is_told_to_come_back(plane: ControlPlaneProcess) -> None:
    answer = await anyio.to_thread.run_sync(plane.ask, "GET", "/api/v1/namespaces")
    assert (answer.status_code, answer.json()["code"]) == (503, 14)
    assert "retry-after" in answer.headers


async def _stops_in_order_under_load(plane: ControlPlaneProcess) -> None:
    """SIGTERM: what was taken is answered, what comes later is refused, no process is left, and the status is 0."""
    left = children(plane.process.pid)
    assert len(left) == 2, "worker and ingest process; the adopted server has another parent"
    left.add(postmaster_pid(plane.data_dir))
    load = Load(plane.url, plane.grpc, plane.token)
    await load.prepare()
    async with load.writing():
        await load.until("OK", 20)
        plane.process.send_signal(signal.SIGTERM)
        await wait_until_async(lambda: plane.process.poll() is not None, within=15.0, what="the end")
    assert plane.process.returncode == 0
    assert load.outcomes() <= {"OK", "UNAVAILABLE", GONE}
    assert "Traceback" not in plane.printed()
    for each in left:
        assert not runs(each)
    async with visited_postgres(plane.data_dir) as place:
        counted = await effects(place)
    assert {counted.get(each.key, 0) for each in load.acknowledged} == {1}
