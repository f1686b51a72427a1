"""The contract's document, and a page that shows it. Everything comes from the package: no other host is asked."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler, get

from warpdrive.adapters.rest.answers import JSON, SAFE_HEADERS, json_bytes

OPENAPI: Final = "/api/openapi.json"
DOCS: Final = "/api/docs"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing but this server's own files and answers, should somebody slip foreign words into the page."""

_PAGE_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
)

_ASSETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "index.html": "text/html",
        "docs.js": "text/javascript",
        "docs.css": "text/css",
    }
)


def document_handlers(document: Mapping[str, Any]) -> list[HTTPRouteHandler]:
    """Return the routes of the document and of the page, all read now."""
    body = json_bytes(document)

    @get(OPENAPI)
    async def openapi() -> Response[bytes]:
        return Response(body, media_type=JSON, headers={**SAFE_HEADERS, "cache-control": "no-cache"})

    return [openapi, *(_asset(name, kind) for name, kind in _ASSETS.items())]


def _asset(name: str, kind: str) -> HTTPRouteHandler:
    content = resources.files("warpdrive.adapters.rest").joinpath("assets", name).read_bytes()

    @get(DOCS if name == "index.html" else f"{DOCS}/{name}", name=name)
    async def asset() -> Response[bytes]:
        return Response(content, media_type=kind, headers=dict(_PAGE_HEADERS))

    return asset
