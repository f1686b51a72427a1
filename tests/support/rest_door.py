"""The HTTP door over a control plane of canned answers, in this process: no socket, the same bytes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from prometheus_client import CollectorRegistry, Counter

from tests.support.fake_plane import SECRET, FakePlane
from tests.support.manual_clock import ManualClock
from warpdrive.adapters.rest.front import Front
from warpdrive.adapters.rest.probes import Check, Probes
from warpdrive.adapters.rest.server import LARGEST_BODY, build_app
from warpdrive.adapters.wire.dispatch import Dispatcher
from warpdrive.application.control.errors import NotCaughtUp
from warpdrive.application.control.plane import ControlPlane

VERSION = "1.2.3"


@dataclass
class RestDoor:
    """An app, what stands behind it, and what its probes say."""

    fake: FakePlane = field(default_factory=FakePlane)
    checks: Sequence[Check] = (Check("database", ok=True),)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    largest_body: int = LARGEST_BODY
    reached: int = 100

    def app(self, plane: ControlPlane | None = None) -> Front:
        """Return the app, over another plane if one is given."""
        Counter("opened", "Doors opened", registry=self.registry).inc()

        async def wait(position: int, seconds: float) -> None:
            del seconds
            if position > self.reached:
                raise NotCaughtUp(position, self.reached)

        async def checks() -> Sequence[Check]:
            return self.checks

        dispatcher = Dispatcher(plane or self.fake.plane(), clock=ManualClock(), wait=wait)
        probes = Probes(lambda: {"pid": 17}, checks, self.registry)
        return build_app(dispatcher, probes, version=VERSION, largest_body=self.largest_body)

    @asynccontextmanager
    async def client(self, token: str | None = SECRET) -> AsyncIterator[httpx.AsyncClient]:
        """Give a client that shows the token."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app())  # type: ignore[arg-type]  # litestar's ASGI types are finer
        async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
            yield client
