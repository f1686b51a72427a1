"""Two thread pools: a few threads for object files, exactly one for the index.

asyncio's executors rather than anyio's: a store of a small file costs one hop, and anyio's limiter would add
about as much again. A job that has begun is always waited for, even when its caller is cancelled: until it has
ended it writes from the caller's buffer and uses the object's descriptor.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")

FILE_THREADS = 3


class Workers:
    """Runs blocking jobs off the loop."""

    def __init__(self, threads: int = FILE_THREADS) -> None:
        self._files = ThreadPoolExecutor(threads, thread_name_prefix="cache-file")
        self._index = ThreadPoolExecutor(1, thread_name_prefix="cache-index")

    async def on_file(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a job on an object's file."""
        begun = self._files.submit(job, *args, **kwargs)
        try:
            return await asyncio.wrap_future(begun)
        except asyncio.CancelledError:
            if not begun.cancel():
                await _settled(begun)
            raise

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
        self._files.shutdown()
        self._index.shutdown()


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
