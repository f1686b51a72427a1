"""The outermost frame of every handler: time it, and turn whatever it raised into the kernel's error.

Nothing but `FUSEError` (and this process's own end) may leave a handler: anything else would leave the kernel's
request unanswered, and the process that asked for it asleep for good.
"""

import asyncio
import errno
import functools
from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import pyfuse3
import structlog

from warpdrive.adapters.fuse.errnos import QUIET, errno_of

_log = structlog.get_logger(__name__)

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


class OperationMeter(Protocol):
    """Counts operations and their durations."""

    def observe(self, operation: str, seconds: float) -> None:
        """Record one finished operation, successful or not. Cheap; never raises."""


class Metered(Protocol):
    """Owner of handlers."""

    @property
    def meter(self) -> OperationMeter:
        """Told about every operation."""


_SelfT = TypeVar("_SelfT", bound=Metered)


def answering(
    handler: Callable[Concatenate[_SelfT, _Arguments], Awaitable[_Answer]],
) -> Callable[Concatenate[_SelfT, _Arguments], Coroutine[Any, Any, _Answer]]:
    """Measure a handler under its own name and answer its faults by errno. Costs about half a microsecond."""
    operation = handler.__name__

    @functools.wraps(handler)
    async def answered(self: _SelfT, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer:
        started = perf_counter()
        try:
            return await handler(self, *args, **kwargs)
        except pyfuse3.FUSEError:
            raise
        except BaseException as fault:
            if _is_our_own_end(fault):
                raise
            raise pyfuse3.FUSEError(_explained(operation, fault)) from None
        finally:
            self.meter.observe(operation, perf_counter() - started)

    return answered


def _explained(operation: str, fault: BaseException) -> int:
    """Return the errno, and tell the operator what is not part of normal life."""
    code = errno_of(fault)
    if code is None:
        _log.error("unexpected failure", operation=operation, exc_info=fault)
        return errno.EIO
    if code not in QUIET:
        _log.warning(
            "operation failed",
            operation=operation,
            errno=errno.errorcode[code],
            fault=type(fault).__name__,
            detail=str(fault),
        )
    return code


def _is_our_own_end(fault: BaseException) -> bool:
    """Say whether the process is stopping; a cancellation that leaked from a shared task is a fault like any other."""
    if isinstance(fault, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return not isinstance(fault, Exception)
