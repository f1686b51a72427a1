"""Messages off a stream, never holding more than is allowed.

On the wire a message is one byte (compressed or not), four bytes of length, and the message. grpclib's own reader
believes the length: 128 MiB were accepted. Here the length is judged before a byte of the message is waited for.
"""

import math
from typing import Final

import anyio
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.protocol import Stream

from warpdrive.adapters.rpc.limits import DEFAULT_LIMITS, RpcLimits

_PREFIX: Final = 5
"""Bytes before each message."""


class ReceiveBudget:
    """Bytes of requests that are announced but not complete, over all connections. Used on one event loop only."""

    def __init__(self, total: int) -> None:
        self._free = total

    @property
    def free(self) -> int:
        """Bytes that may still be announced."""
        return self._free

    def take(self, size: int) -> None:
        """Set bytes aside. Raises GRPCError (RESOURCE_EXHAUSTED) when there are not as many."""
        if size > self._free:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "too many large requests at once; try again")
        self._free -= size

    def give_back(self, size: int) -> None:
        """Set bytes free again."""
        self._free += size


class GuardedStream(Stream):
    """One call's HTTP/2 stream. grpclib asks it for a prefix and a message in turn; see `recv_data`."""

    limits: RpcLimits = DEFAULT_LIMITS
    budget: ReceiveBudget | None = None
    single: bool = True
    """Whether the method takes exactly one message, which then has to come, and in time."""

    _prefix_next: bool = True
    _messages: int = 0
    _failed: GRPCError | None = None

    async def recv_data(self, size: int) -> bytes:
        """Return a prefix or a message, b"" at the end of the requests.

        Raises GRPCError: RESOURCE_EXHAUSTED for a message that is longer than allowed or finds no room, INTERNAL for
        one that is compressed though no encoding was agreed on, INVALID_ARGUMENT for one that ends early or never
        begins, DEADLINE_EXCEEDED for one that does not come in time.
        """
        if self._failed is not None:  # what follows a bad prefix has no known beginning
            raise self._failed
        try:
            return await (self._message(size) if not self._prefix_next else self._read_prefix())
        except GRPCError as fault:
            self._failed = fault
            raise

    async def _read_prefix(self) -> bytes:
        # A stream of requests may pause between messages; the call's own deadline bounds it.
        prefix = await self._within(self.limits.receive_s if self.single else math.inf, _PREFIX)
        if not prefix:
            if self.single and not self._messages:
                raise GRPCError(Status.INVALID_ARGUMENT, "the request ended before its message")
            return b""
        size = int.from_bytes(prefix[1:])
        if prefix[0] != 0:
            raise GRPCError(Status.INTERNAL, "the message is marked as compressed, but no encoding was agreed on")
        if size > self.limits.message:
            raise GRPCError(
                Status.RESOURCE_EXHAUSTED, f"the message has {size} bytes; {self.limits.message} are the most"
            )
        self._prefix_next = False
        return prefix

    async def _message(self, size: int) -> bytes:
        if self.budget is not None:
            self.budget.take(size)
        try:
            message = await self._within(self.limits.receive_s, size)
        finally:
            if self.budget is not None:
                self.budget.give_back(size)
        if len(message) != size:
            raise GRPCError(Status.INVALID_ARGUMENT, "the request ended in the middle of its message")
        self._prefix_next = True
        self._messages += 1
        return message

    async def _within(self, seconds: float, size: int) -> bytes:
        try:
            with anyio.fail_after(None if seconds == math.inf else seconds):
                return await super().recv_data(size)
        except TimeoutError:
            raise GRPCError(Status.DEADLINE_EXCEEDED, f"the request did not arrive within {seconds:g} s") from None
        except AssertionError:  # grpclib's word for a stream that ended before `size` bytes
            raise GRPCError(Status.INVALID_ARGUMENT, "the request ended in the middle of a message") from None
