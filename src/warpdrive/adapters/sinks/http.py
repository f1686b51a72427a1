"""Batches over HTTP, for control planes behind what speaks no gRPC: columns as ProtoJSON."""

import json
import ssl
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import anyio
import httpx
from anyio import to_thread

from warpdrive.adapters.sinks.batch import request_in
from warpdrive.adapters.sinks.sender import Denied, NotTaken, Refused, Unreachable, Unwelcome
from warpdrive.adapters.wire.contract import contract

_METHOD: Final = "TelemetryService/IngestEvents"

_FOR_GOOD: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, 499})
_FIRST_SERVER_FAULT: Final = 500
_LONGEST_WORDS: Final = 500
"""Characters of somebody else's message that go into our log."""


class HttpSender:
    """A `BatchSender`. `url`: of the control plane, without a path; `token` gives the secret of now ("" sends none).

    `tls` gives what an https address is met with; it and `token` raise `faults` when a file cannot be used.
    `timeout`: seconds for one attempt. Environment variables of proxies are not looked at.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], Awaitable[str]],
        tls: Callable[[], ssl.SSLContext],
        *,
        faults: tuple[type[Exception], ...] = (),
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        route = contract().methods[_METHOD].route
        assert route is not None, "the contract gives it one"
        self._url = url.rstrip("/") + route.path
        self._token = token
        self._tls = tls
        self._faults = faults
        self._timeout = timeout
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: bytes) -> None:
        """Send a batch; connections that failed are not used again. Raises NotTaken."""
        body = await to_thread.run_sync(as_json, request)
        try:
            token = await self._token()
            client = self._client = self._client or self._connected()
            headers = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"}
            if token:
                headers["authorization"] = f"Bearer {token}"
            with anyio.fail_after(self._timeout):  # the client's own is for each of its reads and writes
                response = await client.post(self._url, content=body, headers=headers)
        except self._faults as error:
            raise Unwelcome(str(error)) from error
        except (httpx.RequestError, TimeoutError) as error:
            await self.aclose()
            raise _lost(error) from error
        fault = _fault_in(response)
        if fault is not None:
            raise fault

    async def aclose(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        # For http any context does, and loading the system's authorities would take 20 ms.
        secure = self._url.startswith("https:")
        context = self._tls() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.AsyncClient(
            verify=context, timeout=self._timeout, trust_env=False, follow_redirects=False, transport=self._transport
        )


def as_json(request: bytes) -> bytes:
    """Write an IngestEventsRequest as ProtoJSON. By hand: json_format takes 20 times as long for columns."""
    message = request_in(request)
    return json.dumps(_plain(message), separators=(",", ":")).encode("ascii")


def _plain(message: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.is_repeated:
            plain[field.json_name] = list(value)
        else:
            plain[field.json_name] = _plain(value) if field.message_type is not None else value
    return plain


def _lost(error: httpx.RequestError | TimeoutError) -> NotTaken:
    words = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return Unwelcome("its certificate is not trusted; check agent.ca_file")
    late = isinstance(error, (httpx.TimeoutException, TimeoutError))
    return Unreachable("it does not answer in time" if late else words)


def _fault_in(response: httpx.Response) -> NotTaken | None:
    """Say what an answer means for the batch; None: it is stored."""
    status = response.status_code
    said = _words(response)
    if status == HTTPStatus.OK:
        # Whoever answers anything to everybody is no control plane, and would swallow what nobody then has.
        return None if "accepted" in said else Unwelcome("what answers is no control plane")
    words = f"HTTP {status}: {said.get('message', response.reason_phrase)}"[:_LONGEST_WORDS]
    if status in _FOR_GOOD and "code" in said:  # a proxy's word about sizes is no control plane's about records
        return Refused(words)
    if status in _LATER or status >= _FIRST_SERVER_FAULT:
        asked = response.headers.get("retry-after", "")
        later = float(asked) if asked.isdecimal() else None
        return Unreachable(words, later)
    return Denied(words) if status == HTTPStatus.FORBIDDEN else Unwelcome(words)


def _words(response: httpx.Response) -> dict[str, Any]:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
