"""A backend's own worker threads: a file system that hangs takes no other backend's."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Params = ParamSpec("Params")
Answer = TypeVar("Answer")


class Threads:
    """At most `count` threads, started as they are needed."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, job: Callable[Params, Answer], *args: Params.args, **kwargs: Params.kwargs) -> Answer:
        """Run a job that touches nothing of the caller's: a cancelled caller goes at once and leaves it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: job(*args, **kwargs))

    async def run_to_end(self, job: Callable[[], Answer], on_cancel: Callable[[], None]) -> Answer:
        """Run a job that uses the caller's buffer or must be undone: cancelled, wait for its end, then go.

        Else a thread would still write into a buffer that has a new owner. `on_cancel` tells the job to end
        soon. The price: where the operating system hangs in the call (a hard NFS mount without its server),
        the caller hangs too; mount NFS with `soft`.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            on_cancel()
            while not future.done():
                try:
                    await asyncio.wait((future,))
                except asyncio.CancelledError:
                    continue  # once is enough: it is raised below
            if not future.cancelled():
                future.exception()  # seen, and of no interest any more
            raise

    def close(self) -> None:
        """Let idle threads go; those at work end with their jobs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
