"""`/metrics` and `/healthz` on `metrics.addr`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from warpdrive.adapters.observability.listening import listen
from warpdrive.adapters.observability.serving import serving
from warpdrive.application.mount.health import Health

_OK: Final = 200
_DEGRADED: Final = 503


@get("/metrics")
async def _metrics(request: Request[object, object, State], state: State) -> Response[bytes]:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    registry: CollectorRegistry = state.registry
    return Response(encode(registry), media_type=content_type)


@get("/healthz")
async def _healthz(state: State) -> Response[dict[str, object]]:
    health: Health = state.health
    report = await health.report()
    body: dict[str, object] = {
        "status": report.status,
        "checks": {
            check.name: {
                "status": "ok" if check.ok else "failed",
                "detail": check.detail,
                "seconds": round(check.seconds, 6),
                "age": round(check.age, 3),
            }
            for check in report.checks
        },
    }
    return Response(body, status_code=_OK if report.status == "ok" else _DEGRADED)


def build_app(registry: CollectorRegistry, health: Health) -> Litestar:
    """Return the ASGI app."""
    return Litestar(
        [_metrics, _healthz],
        state=State({"registry": registry, "health": health}),
        openapi_config=None,
        logging_config=None,
    )


@asynccontextmanager
async def serving_metrics(addr: str, registry: CollectorRegistry, health: Health) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port. Raises AddressError before anything starts."""
    listener = listen(addr, key="metrics.addr", instead=", or metrics.enabled: false")
    port = int(listener.getsockname()[1])
    async with serving(build_app(registry, health), listener):
        yield port
