"""What is kept of each call: one canonical log line and the numbers that metrics are made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import structlog
from grpclib.const import Status

from warpdrive.adapters.wire.status import WireFault, fault_of
from warpdrive.application.ports.clock import Clock

_log = structlog.get_logger(__name__)

Via = Literal["grpc", "rest"]

_OURS: Final = frozenset({Status.INTERNAL, Status.UNKNOWN, Status.DATA_LOSS})
"""Codes that say that we are at fault: the line is an error and carries the traceback."""

_LONGEST: Final = 2000
"""Characters of an error's words: they quote what callers sent."""

_WORTH_A_LOOK: Final = frozenset({Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.RESOURCE_EXHAUSTED})


class CallMeter(Protocol):
    """Counts calls. Called on the event loop, so it must be quick."""

    def finished(self, method: str, code: str, via: Via, seconds: float) -> None:
        """Count one call or stream that has ended; `method` is "ControlService/GetNamespace", `code` "NOT_FOUND"."""


class NoMeter:
    """Counts nothing, for tests and tools."""

    def finished(self, method: str, code: str, via: Via, seconds: float) -> None:
        """Do nothing."""


@dataclass(slots=True)
class CallRecord:
    """What is known about a call while it goes on. Never holds a request, an answer or a secret."""

    method: str
    via: Via
    correlation_id: str
    principal: str = ""
    position: int = 0
    repeated: bool = False
    code: Status = Status.CANCELLED
    """Until it is over: whoever leaves without a word has cancelled."""


class Recorder:
    """Writes records down."""

    def __init__(self, clock: Clock, meter: CallMeter) -> None:
        self._clock = clock
        self._meter = meter

    @contextmanager
    def recording(self, record: CallRecord) -> Iterator[None]:
        """Record the block. What it raises leaves as WireFault; cancellation leaves as it is.

        A block that ends without setting the code has succeeded.
        """
        start = self._clock.monotonic()
        truth: BaseException | None = None
        try:
            yield
        except Exception as error:
            fault = fault_of(unwrapped(error))
            record.code = fault.code
            truth = error
            raise fault from error
        else:
            record.code = Status.OK
        finally:
            self._write(record, self._clock.monotonic() - start, truth)

    def _write(self, record: CallRecord, seconds: float, truth: BaseException | None) -> None:
        self._meter.finished(record.method, record.code.name, record.via, seconds)
        write = _log.error if record.code in _OURS else _log.warning if record.code in _WORTH_A_LOOK else _log.info
        facts: dict[str, object] = {
            "method": record.method,
            "via": record.via,
            "principal": record.principal,
            "code": record.code.name,
            "ms": round(seconds * 1000, 3),
            "correlation_id": record.correlation_id,
            "position": record.position,
        }
        if record.repeated:
            facts["repeated"] = True
        if truth is not None:
            # The message that callers do not get to see.
            cause = truth.__cause__ if isinstance(truth, WireFault) else truth
            facts["why"] = str(cause or truth)[:_LONGEST]
            if record.code in _OURS:
                facts["exc_info"] = truth
        write("call", **facts)


def unwrapped(error: Exception) -> Exception:
    """Take an error out of groups of one, which task groups put around it."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
