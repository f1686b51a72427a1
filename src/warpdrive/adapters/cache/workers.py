"""Threads off the loop: readers first, stores behind them, digests last; and exactly one for the index.

Where CPUs are short the kernel's priorities decide: stores catch up when readers wait for nothing (their bytes count
against the memory limit meanwhile, so they cannot pile up), which gave a cold read on two busy CPUs about a fifth.

asyncio's executors rather than anyio's: a store of a small file costs one hop, and anyio's limiter would add
about as much again. A job that has begun is always waited for, even when its caller is cancelled: until it has
ended it writes from the caller's buffer and uses the object's descriptor.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")

READ_THREADS = 2
STORE_THREADS = 3
_STORE_NICE = 10
_DIGEST_NICE = 19


class Workers:
    """Runs blocking jobs off the loop."""

    def __init__(self) -> None:
        self._reads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="cache-read")
        self._stores = ThreadPoolExecutor(STORE_THREADS, "cache-store", _yield_to_others, (_STORE_NICE,))
        self._digests = ThreadPoolExecutor(1, "cache-digest", _yield_to_others, (_DIGEST_NICE,))
        self._index = ThreadPoolExecutor(1, thread_name_prefix="cache-index")

    async def on_file(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a job that somebody waits for: reading, verifying, making room."""
        return await _run(self._reads, job, *args, **kwargs)

    async def on_store(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write an object's pages."""
        return await _run(self._stores, job, *args, **kwargs)

    async def on_digest(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute a digest that nobody waits for."""
        return await _run(self._digests, job, *args, **kwargs)

    async def on_index(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a job on the index thread; jobs run one by one in the order of the calls and none is ever withdrawn."""
        begun = self._index.submit(job, *args, **kwargs)
        try:
            return await asyncio.shield(asyncio.wrap_future(begun))
        except asyncio.CancelledError:
            await _settled(begun)
            raise

    def close(self) -> None:
        """End the threads; every job has been waited for by then."""
        self._reads.shutdown()
        self._stores.shutdown()
        self._digests.shutdown()
        self._index.shutdown()


def _yield_to_others(nice: int) -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)


async def _run(threads: ThreadPoolExecutor, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    begun = threads.submit(job, *args, **kwargs)
    try:
        return await asyncio.wrap_future(begun)
    except asyncio.CancelledError:
        if not begun.cancel():
            await _settled(begun)
        raise


async def _settled(job: Future[T]) -> None:
    """Wait for a running job whatever cancels us; the jobs are single system calls and short."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    job.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    with anyio.CancelScope(shield=True):
        while not ended.is_set():
            try:
                await ended.wait()
            except asyncio.CancelledError:
                continue
