"""`/metrics` and `/healthz` on `metrics.addr`."""

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from warpdrive.adapters.observability.serving import serving
from warpdrive.application.mount.health import Health

_OK: Final = 200
_DEGRADED: Final = 503


class MetricsAddressError(Exception):
    """Raised when `metrics.addr` cannot be listened on. `addr` as configured; the message names the key."""

    def __init__(self, addr: str, why: str) -> None:
        super().__init__(f"metrics.addr: cannot listen on {addr!r}: {why}")
        self.addr = addr


def parse_addr(addr: str) -> tuple[str, int]:
    """Split ":9090", "127.0.0.1:9090", "localhost:9090" or "[::1]:9090"; host "" means every interface.

    Raises ValueError for anything else. Port 0 lets the system choose.
    """
    host, colon, digits = addr.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 host stands in brackets, like [::1]:9090, not {addr!r}")
    if not colon or not digits.isascii() or not digits.isdigit() or int(digits) > 65535:  # noqa: PLR2004 - the largest port
        raise ValueError(f"write host:port or :port, not {addr!r}")
    return host, int(digits)


def listen(addr: str) -> socket.socket:
    """Return a bound TCP socket. ":port" takes IPv6 and IPv4 at once where the system has IPv6.

    Raises MetricsAddressError.
    """
    try:
        host, port = parse_addr(addr)
        if not host:
            return _everywhere(port)
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _bound(socket.socket(family, kind, protocol), address)
    except ValueError as error:
        raise MetricsAddressError(addr, str(error)) from None
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            why = "another process has the port; set another one, or metrics.enabled: false"
        raise MetricsAddressError(addr, why) from None


def _everywhere(port: int) -> socket.socket:
    try:
        both = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return _bound(socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("", port))
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        return _bound(both, ("::", port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        # The kernel speaks IPv6, but no interface has an address of it.
        return _bound(socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("", port))


def _bound(listener: socket.socket, address: object) -> socket.socket:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)  # type: ignore[arg-type]  # getaddrinfo says what the family wants
    except OSError:
        listener.close()
        raise
    return listener


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
    """Serve while the block runs; gives the port. Raises MetricsAddressError before anything starts."""
    listener = listen(addr)
    port = int(listener.getsockname()[1])
    async with serving(build_app(registry, health), listener):
        yield port
