"""The async library under pyfuse3: one reader at a time, no lost wake-up, no lost exception."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from warpdrive.adapters.fuse.scheduler import AsyncioScheduler, ReadLock, SessionClosing, WorkerGroup


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe stands for the FUSE descriptor: reading end, writing end."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


async def test_ready_at_once(pipe: tuple[int, int]) -> None:
    """A descriptor with a request is reported without a turn of the loop."""
    scheduler = AsyncioScheduler()
    os.write(pipe[1], b"x")
    await scheduler.wait_readable(pipe[0])
    assert os.read(pipe[0], 1) == b"x"


async def test_waits(pipe: tuple[int, int]) -> None:
    """An idle descriptor is waited for, and again after that."""
    scheduler = AsyncioScheduler()
    for _ in range(3):
        waiting = asyncio.create_task(scheduler.wait_readable(pipe[0]))
        await asyncio.sleep(0)
        assert not waiting.done()
        os.write(pipe[1], b"x")
        await asyncio.wait_for(waiting, 5)
        assert os.read(pipe[0], 1) == b"x"


async def test_no_stale_wake_up(pipe: tuple[int, int]) -> None:
    """A report that is already on its way for a request just taken does not wake the next wait."""
    scheduler = AsyncioScheduler()
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(scheduler.wait_readable(pipe[0]))
    await asyncio.sleep(0)
    os.write(pipe[1], b"x")
    await waiting
    os.read(pipe[0], 1)
    again = asyncio.create_task(scheduler.wait_readable(pipe[0]))
    await asyncio.sleep(0)
    readiness = scheduler._readiness
    assert readiness is not None
    loop.call_soon(readiness._readable)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not again.done()
    os.write(pipe[1], b"y")
    await asyncio.wait_for(again, 5)


async def test_descriptor_never_blocks(pipe: tuple[int, int]) -> None:
    """The descriptor is made non-blocking: a request that vanished must not stop the agent."""
    os.write(pipe[1], b"x")
    await AsyncioScheduler().wait_readable(pipe[0])
    assert not os.get_blocking(pipe[0])


async def test_other_tasks_get_a_turn(pipe: tuple[int, int]) -> None:
    """Under a steady stream of requests the loop still runs other tasks."""
    scheduler = AsyncioScheduler()
    os.write(pipe[1], b"x")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    busy = asyncio.create_task(other())
    for _ in range(1000):
        await scheduler.wait_readable(pipe[0])
    busy.cancel()
    assert turns > 20


async def test_closing(pipe: tuple[int, int]) -> None:
    """Told to close, the waiting worker goes home, and so does every later one."""
    scheduler = AsyncioScheduler()
    waiting = asyncio.create_task(scheduler.wait_readable(pipe[0]))
    await asyncio.sleep(0)
    scheduler.notify_closing(pipe[0])
    with pytest.raises(SessionClosing):
        await waiting
    with pytest.raises(SessionClosing):
        await scheduler.wait_readable(pipe[0])


async def test_lock_serves_everybody() -> None:
    """One holder at a time; every waiter gets its turn, also when one of them is cancelled."""
    lock = ReadLock()
    inside = 0
    entered: list[int] = []

    async def worker(number: int) -> None:
        nonlocal inside
        async with lock:
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1
            entered.append(number)

    workers = [asyncio.create_task(worker(number)) for number in range(20)]
    await asyncio.sleep(0)
    workers[10].cancel()
    await asyncio.wait_for(asyncio.gather(*workers, return_exceptions=True), 5)
    assert sorted(entered) == [number for number in range(20) if number != 10]


async def test_lock_survives_a_cancelled_successor() -> None:
    """A waiter that is cancelled after it was chosen passes the lock on."""
    lock = ReadLock()
    await lock.__aenter__()
    first, second = (asyncio.create_task(lock.__aenter__()) for _ in range(2))
    await asyncio.sleep(0)
    await lock.__aexit__()
    await asyncio.sleep(0)  # the wake-up has run: the later waiter is chosen, but not yet resumed
    second.cancel()
    await asyncio.wait_for(first, 5)
    assert second.cancelled()


async def test_failed_worker_is_replaced() -> None:
    """A worker that fails on one request is logged and goes on; a vanished request is not even logged."""
    faults: list[Exception] = [ValueError("odd flags"), BlockingIOError()]
    runs = 0

    async def worker() -> None:
        nonlocal runs
        runs += 1
        if faults:
            raise faults.pop(0)

    with capture_logs() as logs:
        async with WorkerGroup() as group:
            group.start_soon(worker)
    assert runs == 3
    assert [line["event"] for line in logs] == ["fuse worker failed, replaced"]


async def test_broken_session_is_heard() -> None:
    """When the descriptor itself fails the error reaches the owner, and the other workers end."""

    async def broken() -> None:
        raise ConnectionAbortedError

    async def idle() -> None:
        await asyncio.Event().wait()

    async def session() -> None:
        async with WorkerGroup() as group:
            group.start_soon(idle)
            group.start_soon(broken)

    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(session(), 5)
    assert caught.group_contains(ConnectionAbortedError)
