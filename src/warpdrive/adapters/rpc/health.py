"""grpc.health.v1: every service, and all of them as "", serve when the process says that it is ready."""

from collections.abc import Callable, Collection
from typing import Final

import anyio
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.health.v1.health_grpc import HealthBase
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.server import Stream

_LOOK_S: Final = 0.25
"""How often a watched health is looked at."""

HealthStream = Stream[HealthCheckRequest, HealthCheckResponse]


class Health(HealthBase):
    """Answers from a callable; asks for no token, as load balancers have none."""

    def __init__(self, services: Collection[str], ready: Callable[[], bool], *, most_watches: int) -> None:
        self._services = frozenset(services) | {""}
        self._ready = ready
        self._free = most_watches

    async def Check(self, stream: HealthStream) -> None:  # noqa: N802 - the base class names it
        """Tell one service's health now; NOT_FOUND for one that is not here."""
        request = await stream.recv_message()
        assert request is not None, "a guarded stream gives a message or raises"
        if request.service not in self._services:
            raise GRPCError(Status.NOT_FOUND, "there is no such service")
        await stream.send_message(self._answer(request.service))

    async def Watch(self, stream: HealthStream) -> None:  # noqa: N802 - the same
        """Tell it now and whenever it changes, until the client leaves; RESOURCE_EXHAUSTED when too many do."""
        if not self._free:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, "too many watch the health already; ask with Check")
        self._free -= 1
        try:
            await self._watch(stream)
        finally:
            self._free += 1

    async def _watch(self, stream: HealthStream) -> None:
        request = await stream.recv_message()
        assert request is not None, "a guarded stream gives a message or raises"
        told: HealthCheckResponse | None = None
        while True:
            answer = self._answer(request.service)
            if answer != told:
                await stream.send_message(answer)
                told = answer
            await anyio.sleep(_LOOK_S)

    def _answer(self, service: str) -> HealthCheckResponse:
        if service not in self._services:
            return HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        status = HealthCheckResponse.SERVING if self._ready() else HealthCheckResponse.NOT_SERVING
        return HealthCheckResponse(status=status)
