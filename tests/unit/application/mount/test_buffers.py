"""The memory budget: hard, fair, demand first."""

import anyio
import pytest

from warpdrive.application.mount.buffers import Buffer, BufferPool
from warpdrive.application.mount.errors import MemoryExhausted

KIB64 = 65536


def make(pages: int) -> BufferPool:
    """A pool of so many pages."""
    return BufferPool(limit=pages * KIB64, block_size=KIB64)


async def test_a_request_larger_than_the_limit_is_refused() -> None:
    """It could never be served, so it does not wait."""
    with pytest.raises(MemoryExhausted):
        await make(2).acquire(3 * KIB64, demand=True)


async def test_a_freed_block_is_used_again() -> None:
    """Block-sized memory is kept: fresh memory costs page faults."""
    pool = make(2)
    first = await pool.acquire(KIB64, demand=True)
    memory = first.memory
    pool.release(first)
    second = await pool.acquire(KIB64, demand=True)
    assert second.memory is memory


async def test_demand_is_served_before_a_prefetch_that_waits_longer() -> None:
    """Both wait for the same memory; the reader gets it."""
    pool = make(1)
    held = await pool.acquire(KIB64, demand=True)
    order: list[str] = []

    async def take(name: str, *, demand: bool) -> None:
        buffer = await pool.acquire(KIB64, demand=demand)
        order.append(name)
        pool.release(buffer)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: take("ahead", demand=False))
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(lambda: take("demand", demand=True))
        await anyio.wait_all_tasks_blocked()
        pool.release(held)
    assert order == ["demand", "ahead"]
    assert pool.in_use == 0


async def test_a_small_request_does_not_overtake_a_large_one_for_ever() -> None:
    """The first in the queue keeps its turn even if a later one would fit."""
    pool = make(2)
    held = await pool.acquire(KIB64, demand=True)
    order: list[int] = []

    async def take(size: int) -> None:
        buffer = await pool.acquire(size, demand=True)
        order.append(size)
        pool.release(buffer)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take, 2 * KIB64)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(take, 1024)
        await anyio.wait_all_tasks_blocked()
        assert order == []
        pool.release(held)
    assert order == [2 * KIB64, 1024]


async def test_a_cancelled_wait_gives_its_turn_to_the_next() -> None:
    """Nothing leaks when whoever waits is cancelled, before or after it was admitted."""
    pool = make(1)
    held: list[Buffer] = [await pool.acquire(KIB64, demand=True)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: pool.acquire(KIB64, demand=True))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    pool.release(held.pop())
    assert pool.in_use == 0
    pool.release(await pool.acquire(KIB64, demand=False))
    assert pool.in_use == 0
