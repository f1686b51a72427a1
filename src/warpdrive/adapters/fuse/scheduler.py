"""The small async library that pyfuse3 runs its workers on, over asyncio.

pyfuse3 is written for trio and reaches it through one module attribute, `pyfuse3.trio`; its own asyncio layer
replaces that attribute, and so does `enable`. Three things are done differently here, each for a reason seen:

- workers live in a task group: pyfuse3's layer drops the exceptions of its child tasks, keeps every finished task
  until unmount, and cannot cancel a handler that hangs on a backend at the end;
- the FUSE descriptor stays registered with the event loop while somebody waits for it, and is polled directly
  first, which saves two epoll_ctl calls and a turn of the loop per request;
- the read lock hands over to the worker that waited least, so that few workers (and few request buffers) are
  in use at light load.
"""

import asyncio
import os
import select
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

import pyfuse3
import structlog

_log = structlog.get_logger(__name__)

_TURNS_WITHOUT_YIELDING = 16
"""Requests taken in a row before the event loop gets a turn: timers and network must not starve under load."""


class SessionClosing(Exception):
    """Raised when the session is being ended while a worker waits for a request."""


class CurrentTask(NamedTuple):
    """What pyfuse3 wants to know of a task."""

    name: str


class ReadLock:
    """One worker at a time waits for a request; the others queue here, last come first served.

    Invariant: whenever the lock is free and somebody waits, a wake-up is scheduled. A worker that comes back before
    it runs takes the lock without suspending, which is the common case of a handler that did not await.
    """

    def __init__(self) -> None:
        self._held = False
        self._waiting: list[asyncio.Future[None]] = []
        self._wake_scheduled = False

    async def __aenter__(self) -> Self:
        while self._held:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                self._schedule_wake()
                raise
        self._held = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._held = False
        self._schedule_wake()

    def _schedule_wake(self) -> None:
        if self._waiting and not self._wake_scheduled:
            self._wake_scheduled = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._wake_scheduled = False
        while self._waiting and not self._held:
            turn = self._waiting.pop()
            if not turn.done():
                turn.set_result(None)
                return


class Readiness:
    """Waits until the FUSE descriptor has a request. Only the holder of the read lock waits, so there is one waiter.

    The descriptor is made non-blocking: a request can vanish between poll and read (its caller was killed), and a
    read that blocks would stop the whole agent. See `WorkerGroup` for what happens then.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._registered = False
        self._closing = False
        self._turns = 0

    async def wait(self) -> None:
        """Return when a request can be received. Raises SessionClosing when the session ends meanwhile."""
        if self._closing:
            raise SessionClosing
        if self._turns < _TURNS_WITHOUT_YIELDING and self._poll.poll(0):
            self._turns += 1
            return
        self._turns = 0
        if not self._registered:
            self._loop.add_reader(self._fd, self._readable)
            self._registered = True
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _readable(self) -> None:
        if not self._poll.poll(0):
            return  # a leftover of the request that a worker has just taken
        if self._waiter is None:
            # Every worker is busy: stop listening, or the loop would spin until one is free.
            self._loop.remove_reader(self._fd)
            self._registered = False
        elif not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Send the waiter home, and every later one."""
        self._closing = True
        if self._registered:
            self._loop.remove_reader(self._fd)
            self._registered = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(SessionClosing())


class WorkerGroup:
    """Owns the workers. One that fails on a request is logged and replaced; a broken session ends them all."""

    def __init__(self) -> None:
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.__aexit__(kind, value, trace)

    def start_soon(self, worker: Callable[..., Awaitable[None]], *args: object, name: str = "pyfuse") -> None:
        """Start one worker."""
        self._tasks.create_task(self._run(worker, args), name=name)

    async def _run(self, worker: Callable[..., Awaitable[None]], args: tuple[object, ...]) -> None:
        while True:
            try:
                await worker(*args)
            except BlockingIOError:
                continue  # the request that was announced has vanished
            except OSError:
                raise  # the descriptor itself failed: no worker can go on
            except Exception:  # noqa: BLE001 - the outermost frame of a worker
                # Only pyfuse3's own decoding gets here (our handlers raise nothing): that one request stays
                # unanswered, the others must not.
                _log.exception("fuse worker failed, replaced")
            else:
                return


class AsyncioScheduler:
    """Stands where pyfuse3 expects the trio module (and, nested, its `lowlevel`)."""

    Lock = ReadLock
    ClosedResourceError = SessionClosing

    def __init__(self) -> None:
        self._readiness: Readiness | None = None

    @property
    def lowlevel(self) -> "AsyncioScheduler":
        """`trio.lowlevel`."""
        return self

    def open_nursery(self) -> WorkerGroup:
        """`trio.open_nursery`."""
        return WorkerGroup()

    def current_trio_token(self) -> str:
        """`trio.lowlevel.current_trio_token`: only its presence is looked at."""
        return "asyncio"

    def current_task(self) -> CurrentTask:
        """`trio.lowlevel.current_task`."""
        task = asyncio.current_task()
        return CurrentTask(task.get_name() if task is not None else "")

    async def wait_readable(self, fd: int) -> None:
        """`trio.lowlevel.wait_readable`, always of the one FUSE descriptor."""
        readiness = self._readiness
        if readiness is None:
            readiness = self._readiness = Readiness(fd)
        await readiness.wait()

    def notify_closing(self, fd: int) -> None:
        """`trio.lowlevel.notify_closing`: called when the session is told to end."""
        if self._readiness is None:
            self._readiness = Readiness(fd)
        self._readiness.close()


def enable() -> None:
    """Make pyfuse3 run on asyncio. Call before `pyfuse3.init`, once per session."""
    module: Any = pyfuse3
    module.trio = AsyncioScheduler()
