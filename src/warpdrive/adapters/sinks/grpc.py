"""Batches over gRPC: one channel, kept while it works, and the sorting of everything that can go wrong."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final, Self

import anyio
from google.rpc.error_details_pb2 import RetryInfo
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from h2.exceptions import H2Error

from warpdrive.adapters.sinks.sender import Denied, NotTaken, Refused, Unreachable, Unwelcome
from warpdrive.adapters.wire.contract import contract

_METHOD: Final = "TelemetryService/IngestEvents"
_LOST: Final = (StreamTerminatedError, ProtocolError, H2Error, OSError)

_FOR_GOOD: Final = frozenset(
    {Status.INVALID_ARGUMENT, Status.OUT_OF_RANGE, Status.ALREADY_EXISTS, Status.FAILED_PRECONDITION}
)
_TO_MEND: Final = frozenset({Status.UNAUTHENTICATED, Status.UNIMPLEMENTED, Status.NOT_FOUND})


class GrpcSender:
    """A `BatchSender`. `dial` gives a channel for a block, `token` the secret of now ("" sends none).

    `faults`: what those two raise when a file cannot be used. `timeout`: seconds for one attempt, connecting included.
    """

    def __init__(
        self,
        dial: Callable[[], AbstractAsyncContextManager[Channel]],
        token: Callable[[], Awaitable[str]],
        *,
        faults: tuple[type[Exception], ...] = (),
        timeout: float = 30.0,
    ) -> None:
        self._dial = dial
        self._token = token
        self._faults = faults
        self._timeout = timeout
        self._stack = AsyncExitStack()
        self._channel: Channel | None = None

    async def send(self, request: bytes) -> None:
        """Send a batch; a channel that failed is not used again. Raises NotTaken."""
        try:
            with anyio.fail_after(self._timeout):
                await self._send(request)
        except GRPCError as error:
            raise _answered(error) from error
        except self._faults as error:
            raise Unwelcome(str(error)) from error
        except BaseException as error:
            await self.aclose()
            if isinstance(error, _LOST):
                raise _broken(error) from error
            raise

    async def aclose(self) -> None:
        """Close the channel."""
        stack, self._stack = self._stack, AsyncExitStack()
        self._channel = None
        await stack.aclose()

    async def _send(self, request: bytes) -> None:
        token = await self._token()
        if self._channel is None:
            self._channel = await self._stack.enter_async_context(self._dial())
        said: Mapping[str, str] = {"authorization": f"Bearer {token}"} if token else {}
        call = UnaryUnaryMethod(self._channel, contract().methods[_METHOD].path, _Raw, _Raw)
        await call(_Raw(request), timeout=self._timeout, metadata=said)


def _answered(error: GRPCError) -> NotTaken:
    words = f"{error.status.name}: {error.message or 'no reason given'}"
    if error.status in _FOR_GOOD:
        return Refused(words)
    if error.status is Status.PERMISSION_DENIED:
        return Denied(words)
    return Unwelcome(words) if error.status in _TO_MEND else Unreachable(words, _retry_after(error.details))


def _broken(error: Exception) -> NotTaken:
    match error:
        case ssl.SSLError():
            return Unwelcome(f"TLS failed: {error.reason or error}")
        case TimeoutError():
            return Unreachable("it does not answer in time")
        case OSError():
            return Unreachable(error.strerror or str(error) or type(error).__name__)
    return Unreachable(f"the connection broke: {str(error) or type(error).__name__}")


def _retry_after(details: Any) -> float | None:
    for detail in details or ():
        if isinstance(detail, RetryInfo):
            return float(detail.retry_delay.seconds) + float(detail.retry_delay.nanos) / 1e9
    return None


class _Raw:
    """Bytes in the shape that grpclib's codec takes for a message: they are written already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's own name
        """Return them."""
        return self._data

    @classmethod
    def FromString(cls, data: bytes) -> Self:  # noqa: N802 - protobuf's own name
        """Keep them."""
        return cls(data)
