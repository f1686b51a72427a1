"""Nothing but an errno leaves a handler, whatever went wrong inside."""

import asyncio
import errno

import pyfuse3
import pytest
from structlog.testing import capture_logs

from warpdrive.adapters.fuse.answering import answering
from warpdrive.application.mount.errors import NoSuchAttribute
from warpdrive.application.ports.errors import Unavailable


class Meter:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float]] = []

    def observe(self, operation: str, seconds: float) -> None:
        """Keep it."""
        self.seen.append((operation, seconds))


class Handlers:
    """A handler that raises what it is given, or returns 7."""

    def __init__(self) -> None:
        self.meter = Meter()

    @answering
    async def read(self, fault: BaseException | None = None) -> int:
        """Fail as told."""
        if fault is not None:
            raise fault
        return 7


async def code_of(handlers: Handlers, fault: BaseException) -> int:
    """Return the errno that the kernel would get."""
    with pytest.raises(pyfuse3.FUSEError) as caught:
        await handlers.read(fault)
    return caught.value.errno


async def test_answers_and_measures() -> None:
    """A result passes through; the operation is counted under the handler's name, failed or not."""
    handlers = Handlers()
    assert await handlers.read() == 7
    await code_of(handlers, Unavailable("down"))
    assert [name for name, _ in handlers.meter.seen] == ["read", "read"]
    assert all(seconds >= 0 for _, seconds in handlers.meter.seen)


async def test_known_fault() -> None:
    """A known fault is its errno and one line for the operator, without a traceback."""
    with capture_logs() as logs:
        assert await code_of(Handlers(), Unavailable("connection refused")) == errno.EIO
    assert [(line["event"], line["operation"], line["fault"], line["detail"]) for line in logs] == [
        ("operation failed", "read", "Unavailable", "connection refused")
    ]


async def test_quiet_fault() -> None:
    """What is part of normal life leaves no line."""
    with capture_logs() as logs:
        assert await code_of(Handlers(), NoSuchAttribute("x")) == errno.ENODATA
    assert logs == []


async def test_unexpected() -> None:
    """An exception that nobody announced is EIO and one line with its traceback."""
    with capture_logs() as logs:
        assert await code_of(Handlers(), ZeroDivisionError("oops")) == errno.EIO
    assert [(line["event"], line["log_level"]) for line in logs] == [("unexpected failure", "error")]
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)


async def test_leaked_cancellation() -> None:
    """A cancellation that is not ours (of a shared fetch) is a fault: the request must still be answered."""
    with capture_logs():
        assert await code_of(Handlers(), asyncio.CancelledError()) == errno.EIO


async def test_own_cancellation() -> None:
    """When this task itself is cancelled the handler ends: nobody is left to answer."""
    handlers = Handlers()

    @answering
    async def wait(self: Handlers) -> None:
        assert self is handlers
        await asyncio.Event().wait()

    task = asyncio.create_task(wait(handlers))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_errno_passes() -> None:
    """A handler that already knows its errno keeps it."""
    assert await code_of(Handlers(), pyfuse3.FUSEError(errno.ENOTSUP)) == errno.ENOTSUP
