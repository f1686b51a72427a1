"""A real admin server on a real unix socket, in a thread with a loop of its own, so that tools can block on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.from_thread

from tests.support.operator_desk import OperatorDesk
from warpdrive.adapters.admin.server import serving_admin
from warpdrive.adapters.observability.serving import serving


@contextmanager
def admin_agent(agent: OperatorDesk, path: Path) -> Iterator[None]:
    """Serve while the block runs."""
    started = threading.Event()
    faults: list[BaseException] = []
    stop = anyio.Event()

    async def serve() -> None:
        async with serving_admin(agent.desk, path, serving):
            started.set()
            await stop.wait()

    with anyio.from_thread.start_blocking_portal() as portal:
        future = portal.start_task_soon(serve)
        future.add_done_callback(lambda _: started.set())
        started.wait(10)
        if future.done():
            faults.append(future.exception() or AssertionError("the server ended"))
            raise faults[0]
        try:
            yield
        finally:
            portal.call(stop.set)
            future.result(10)
