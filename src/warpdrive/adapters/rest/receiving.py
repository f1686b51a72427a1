"""Bodies on their way in: they come before anybody has said who they are, so room and time for them are bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
from grpclib.const import Status
from litestar.exceptions import InternalServerException

from warpdrive.adapters.rest.faults import RestRequest
from warpdrive.adapters.wire.status import WireFault

MIB: Final = 1024 * 1024

ROOM: Final = 64 * MIB
"""Bytes of all bodies together that are announced and not yet read, as at the door of gRPC."""

RECEIVE_S: Final = 20.0
"""Seconds that one body has, likewise."""

_CLOSE: Final = {"connection": "close"}
"""Else the server would swallow the rest of a body that nobody reads."""


class Receiving:
    """Reads the bodies of one app. `largest`: bytes that one may have; one that does not say its length counts so."""

    def __init__(self, largest: int, room: int = ROOM, patience_s: float = RECEIVE_S) -> None:
        self._largest = largest
        self._patience_s = patience_s
        self.free = room
        """Bytes that may still be announced."""

    async def body(self, request: RestRequest) -> bytes:
        """Return a body, whole.

        Raises WireFault: RESOURCE_EXHAUSTED without room for it, DEADLINE_EXCEEDED when it takes too long, CANCELLED
        when its sender leaves. The framework's own exceptions say that it is too large.
        """
        announced = request.content_length
        with self._room_for(self._largest if announced is None else min(announced, self._largest)):
            with anyio.move_on_after(self._patience_s):
                try:
                    return await request.body()
                except InternalServerException:
                    # The framework's word for a caller that left in the middle of its body.
                    raise WireFault(Status.CANCELLED, "the caller has gone") from None
            words = f"the body did not arrive within {self._patience_s:g} s"
            raise WireFault(Status.DEADLINE_EXCEEDED, words, metadata=_CLOSE)

    @contextmanager
    def _room_for(self, size: int) -> Iterator[None]:
        if size > self.free:
            words = "too many large requests at once; try again"
            raise WireFault(Status.RESOURCE_EXHAUSTED, words, metadata=_CLOSE, retry_after=1.0)
        self.free -= size
        try:
            yield
        finally:
            self.free += size
