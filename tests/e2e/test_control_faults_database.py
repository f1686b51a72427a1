"""A configured database that goes away, falls silent, or takes no writes: told as such, and over when it is over.

Each fault lasts until its consequences are seen, not a minute: what a minute adds is only more of the same tries.
"""

import os
import signal
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from tests.support.control_load import Load, effects
from tests.support.control_planes import ControlPlaneProcess, children, control_plane, reachable_dir
from tests.support.embedded_owner import runs
from tests.support.ports import wait_until, wait_until_async
from tests.support.stoppable_server import StoppableServer

_PROMPT_S = 12.0
"""No call takes longer to be refused: five for an answer, two and then some for the connection and tries."""


@pytest.fixture(scope="module")
def server() -> Iterator[StoppableServer]:
    """Run a server that is not the control plane's own."""
    with reachable_dir() as scratch, StoppableServer(scratch) as running:
        yield running


@pytest.fixture(scope="module")
def plane(server: StoppableServer) -> Iterator[ControlPlaneProcess]:
    """Run a control plane on it; all tests of this module ask of it that it comes back."""
    with reachable_dir() as scratch, control_plane(scratch / "control", place=server.place) as running:
        yield running


async def _works(plane: ControlPlaneProcess, load: Load) -> None:
    """Both doors take writes, and the worker brings the read models along."""
    await wait_until_async(plane.is_ready, what="readiness coming back", within=30.0)
    await load.until("OK", 3, after=len(load.commands))
    position = str(max(each.position for each in load.acknowledged))
    assert plane.ask("GET", "/api/v1/namespaces", headers={"x-warpdrive-min-position": position}).status_code == 200


async def _refuses(plane: ControlPlaneProcess, load: Load, after: int) -> None:
    """Readiness falls, and commands and queries are told to come back, none of them late."""
    answers: list[tuple[int, int]] = []

    async def read() -> None:
        answer = await anyio.to_thread.run_sync(plane.ask, "GET", "/api/v1/namespaces")
        answers.append((answer.status_code, answer.json()["code"]))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await wait_until_async(lambda: not plane.is_ready(), what="readiness falling")
        await load.until("UNAVAILABLE", 1, after=after)
    assert answers == [(503, 14)]
    assert plane.ask("GET", "/readyz", token="").json()["checks"]["database"]["status"] == "failed"
    assert plane.ask("GET", "/healthz", token="").status_code == 200
    assert max(each.seconds for each in load.commands) < _PROMPT_S


async def test_a_database_that_is_gone_is_waited_for(plane: ControlPlaneProcess, server: StoppableServer) -> None:
    """UNAVAILABLE as long as it is away; with it everything comes back, also a worker begun meanwhile."""
    load = Load(plane.url, plane.grpc, plane.token)
    await load.prepare(2)
    async with load.writing(2):
        await load.until("OK", 3)
        before = len(load.commands)
        await anyio.to_thread.run_sync(server.stop)
        for worker in children(plane.process.pid):
            os.kill(worker, signal.SIGKILL)
        await _refuses(plane, load, before)
        await wait_until_async(lambda: "the worker waits for the database" in plane.printed(), what="another worker")
        await anyio.to_thread.run_sync(server.start)
        await _works(plane, load)
    assert load.outcomes() == {"OK", "UNAVAILABLE"}
    assert {each.outcome for each in await load.repeat(plane.url, plane.grpc)} == {"OK"}


async def test_a_database_that_falls_silent_counts_as_gone(plane: ControlPlaneProcess, server: StoppableServer) -> None:
    """No call waits for longer than some seconds for a server that neither answers nor hangs up."""
    load = Load(plane.url, plane.grpc, plane.token)
    await load.prepare(2)
    async with load.writing(2):
        await load.until("OK", 3)
        with server.frozen():
            await _refuses(plane, load, len(load.commands) - 2)
        await _works(plane, load)
    assert load.outcomes() == {"OK", "UNAVAILABLE"}
    assert {each.outcome for each in await load.repeat(plane.url, plane.grpc)} == {"OK"}


async def test_a_database_that_crashes_while_writing_has_done_it_once_or_not_at_all(
    plane: ControlPlaneProcess, server: StoppableServer
) -> None:
    """The session that appends is killed, and with it all others: what was on its way is found out, not guessed."""
    load = Load(plane.url, plane.grpc, plane.token)
    await load.prepare()
    async with load.writing():
        for _ in range(3):
            await load.until("OK", 5, after=len(load.commands))
            await server.crash("warpdrive append")
        await _works(plane, load)
    assert load.outcomes() <= {"OK", "UNAVAILABLE"}
    again = await load.repeat(plane.url, plane.grpc)
    assert {each.outcome for each in again} == {"OK"}
    counted = await effects(server.place)
    assert {counted.get(each.key, 0) for each in again} == {1}


async def test_a_database_that_takes_no_writes_still_answers_questions(
    plane: ControlPlaneProcess, server: StoppableServer
) -> None:
    """Commands are refused, readiness names the writes, queries are answered; sessions find out when it is over."""
    load = Load(plane.url, plane.grpc, plane.token)
    await load.prepare(2)
    async with load.writing(2):
        await load.until("OK", 3)
        before = len(load.commands)
        await server.read_only()
        await load.until("UNAVAILABLE", 3, after=before)
        await wait_until_async(lambda: not plane.is_ready(), what="readiness falling")
        checks = plane.ask("GET", "/readyz", token="").json()["checks"]
        assert checks["writes"]["status"] == "failed"
        assert "read-only" in checks["writes"]["detail"]
        assert plane.ask("GET", "/api/v1/namespaces").status_code == 200
        assert plane.ask("GET", "/api/v1/whoami").status_code == 200
        await server.writable()
        await _works(plane, load)
    assert load.outcomes() == {"OK", "UNAVAILABLE"}


def test_no_fault_of_the_database_is_told_as_a_defect(plane: ControlPlaneProcess) -> None:
    """The log of all this has no traceback, and no worker ended but the one that was killed."""
    printed = plane.printed()
    assert "code=INTERNAL" not in printed
    assert "Traceback" not in printed
    assert printed.count("the worker process ended") == 1


def test_a_silent_database_does_not_hold_up_the_end(plane: ControlPlaneProcess, server: StoppableServer) -> None:
    """The last test of this module: SIGTERM is obeyed, in order and within 15 s, while nobody answers."""
    left = children(plane.process.pid)
    with server.frozen():
        plane.process.send_signal(signal.SIGTERM)
        wait_until(lambda: plane.process.poll() is not None, within=15.0, what="the end")
    assert plane.process.returncode == 0
    for worker in left:
        assert not runs(worker)
