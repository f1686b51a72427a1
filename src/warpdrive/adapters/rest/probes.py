"""What machines ask without a token: is it alive, is it ready, what are its numbers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler, get
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from warpdrive.adapters.rest.answers import SAFE_HEADERS, json_answer

HEALTHY = "/healthz"
READY = "/readyz"
METRICS = "/metrics"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right before calls can be served. `detail` says what is wrong, never a secret."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Probes:
    """Where answers come from. `facts`: about the process, quick; `checks` may ask the store and must not hang."""

    facts: Callable[[], Mapping[str, object]]
    checks: Callable[[], Awaitable[Sequence[Check]]]
    registry: CollectorRegistry


def probe_handlers(probes: Probes) -> list[HTTPRouteHandler]:
    """Return the three routes."""

    @get(HEALTHY)
    async def healthy() -> Response[bytes]:
        return json_answer({"status": "ok", **probes.facts()})

    @get(READY)
    async def ready() -> Response[bytes]:
        checks = await probes.checks()
        ok = all(check.ok for check in checks)
        body = {
            "status": "ok" if ok else "unavailable",
            "checks": {
                check.name: {"status": "ok" if check.ok else "failed", "detail": check.detail} for check in checks
            },
        }
        return json_answer(body, status=200 if ok else 503)

    @get(METRICS)
    async def metrics(request: Request[Any, Any, State]) -> Response[bytes]:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        kind = content_type.removesuffix("; charset=utf-8")  # which the framework adds again
        return Response(encode(probes.registry), media_type=kind, headers=dict(SAFE_HEADERS))

    return [healthy, ready, metrics]
