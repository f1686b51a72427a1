"""Large reads on an event loop of their own, in a thread of its own.

Taking bytes off the network and handing bytes to the kernel are both copies that one event loop can only do one
after the other, although both leave the interpreter while they copy. With large reads on a second loop the two
overlap. Small reads stay where they are: for them the hop between threads would cost more than the copy.

What crosses threads: the caller's buffer (written by one loop until its read has ended, however it ends), and the
sink's news, posted to the caller's loop and joined when they come faster than that loop turns.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio

from warpdrive.adapters.blob.forwarding import ForwardingStore
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

BULK_BYTES = 2 * 1024 * 1024
"""Reads at least this long go to the other loop. Half a default block; a reader's first megabyte stays."""

Answer = TypeVar("Answer")


class BulkStore(ForwardingStore):
    """Forwards to `inner`, but large reads to `bulk`: a second store of the same place, used on its own loop only."""

    def __init__(self, inner: ObjectStore, bulk: ObjectStore) -> None:
        super().__init__(inner)
        self._bulk = bulk
        self._loop = LoopThread("blob-bulk")

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Fill `into` from `offset`, on the other loop when it is large."""
        if len(into) < BULK_BYTES:
            return await self.inner.read_range(key, offset, into, version=version, sink=sink)
        posted = None if sink is None else PostedSink(sink, asyncio.get_running_loop())
        return await self._loop.run(lambda: self._bulk.read_range(key, offset, into, version=version, sink=posted))

    async def aclose(self) -> None:
        """Give back the connections of both, each on its own loop; end the thread."""
        await self._loop.aclose(self._bulk.aclose)
        await self.inner.aclose()


class PostedSink:
    """A sink that is told on one loop and tells the real one on another. `advanced` calls are joined, never lost."""

    __slots__ = ("_filled", "_loop", "_posted", "_sink")

    def __init__(self, sink: BodySink, loop: asyncio.AbstractEventLoop) -> None:
        self._sink = sink
        self._loop = loop
        self._filled = 0
        self._posted = False
        """A call of `_tell` is on its way. Cleared before `_filled` is read, so no news falls between."""

    def started(self, info: ObjectInfo) -> None:
        """Post the headers."""
        self._loop.call_soon_threadsafe(self._sink.started, info)

    def advanced(self, filled: int) -> None:
        """Post the progress, or leave it to the post that is on its way."""
        self._filled = filled
        if not self._posted:
            self._posted = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._posted = False
        self._sink.advanced(self._filled)


class LoopThread:
    """An event loop in a thread, started with the first work given to it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Run `work` there and return its answer here. Cancelled, it returns only once the work has ended."""
        there = self._started()
        here = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = here.create_future()
        begun: list[asyncio.Task[Answer]] = []

        def settle(task: asyncio.Task[Answer]) -> None:
            if task.cancelled():
                answer.cancel()
            elif (fault := task.exception()) is not None:
                answer.set_exception(fault)
            else:
                answer.set_result(task.result())

        def begin() -> None:
            task = there.create_task(work())
            begun.append(task)
            task.add_done_callback(lambda ended: here.call_soon_threadsafe(settle, ended))

        def give_up() -> None:
            begun[0].cancel()

        there.call_soon_threadsafe(begin)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            # The work writes into the caller's buffer: the buffer may be used for something else only afterwards.
            there.call_soon_threadsafe(give_up)
            with anyio.CancelScope(shield=True):
                await asyncio.wait({answer})
            if not answer.cancelled():
                answer.exception()  # looked at, so that asyncio does not report it as never retrieved
            raise

    async def aclose(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `last` there, then end the loop and its thread. Without any work before, nothing happens."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        await self.run(last)
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
            self._thread.start()
        return self._loop
