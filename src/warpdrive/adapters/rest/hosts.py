"""Whom a request was meant for, where everybody who gets in is an admin.

With `auth.mode: none` the only guard is that nobody but this machine can connect. A browser on it can, on behalf of any
page whose name leads here (DNS rebinding); but it says that name in `Host`.
"""

import json
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.types import ASGIApp, Receive, Scope, Send

_LOCAL: Final = ("localhost", "::1")
_PERMISSION_DENIED: Final = 7

_BODY: Final = json.dumps(
    {
        "code": _PERMISSION_DENIED,
        "message": "without tokens (auth.mode none) only requests for this machine by name or address are answered: "
        "localhost, 127.0.0.1 or [::1]",
        "details": [],
    }
).encode()


class LocalHosts:
    """An ASGI app around another one that lets through what is addressed to this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        asked: Any = scope
        if asked["type"] != "http" or all(is_local(value) for name, value in asked["headers"] if name == b"host"):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]
        started: Any = {"type": "http.response.start", "status": 403, "headers": headers}
        body: Any = {"type": "http.response.body", "body": b"" if asked["method"] == "HEAD" else _BODY}
        await send(started)
        await send(body)


def is_local(host: bytes) -> bool:
    """Tell whether a Host header names this machine: localhost or a loopback address, with any port."""
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
    except ValueError:
        return False
    return name in _LOCAL or _is_ipv4_loopback(name)


def _is_ipv4_loopback(name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isascii() and part.isdigit() for part in parts)  # noqa: PLR2004 - an IPv4 address
