"""What goes before the framework: paths as they were written, HEAD for everything that has a GET."""

from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from litestar.types import ASGIApp, Message, Receive, Scope, Send

_SEGMENT: Final = "-._~!$&'()*+,;=:@"
"""What may stand in a segment as it is (RFC 3986, pchar)."""


class Front:
    """An ASGI app around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        inner: Any = {**scope}
        if inner["type"] == "http":
            inner["path"] = encoded_path(inner["raw_path"])
        if inner.get("method") != "HEAD":
            await self._app(inner, receive, send)
            return
        inner["method"] = "GET"

        async def without_body(message: Message) -> None:
            bare: Any = {**message, "body": b""} if message["type"] == "http.response.body" else message
            await send(bare)

        await self._app(inner, receive, without_body)


def encoded_path(raw: bytes) -> str:
    """Return a path in one spelling, still percent-encoded, so that "%2F" in a name is no new segment.

    One with an empty segment becomes a path that nothing lives at: the framework would skip it, and
    `DELETE /api/v1/namespaces//mounts` would be about a namespace called "mounts".
    """
    segments = raw.split(b"/")[1:]
    if b"" in segments and segments != [b""]:
        return "/%00"
    return "/" + "/".join(quote(unquote_to_bytes(segment), safe=_SEGMENT) for segment in segments)
