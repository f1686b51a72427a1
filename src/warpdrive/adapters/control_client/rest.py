"""The command line's end: any method of the contract, called over HTTP and answered as ProtoJSON.

A method that changes something carries an idempotency key, so that it can be repeated after a lost connection without
happening twice. Whoever has written reads no older state afterwards: reads wait for the position of the last write.
"""

import json
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid4

import httpx

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable, refusal_in
from warpdrive.adapters.control_client.routing import HttpRequest, items_field, method_named, request_for

DEFAULT_URL: Final = "http://127.0.0.1:8090"

_POSITION: Final = "x-warpdrive-position"
_MIN_POSITION: Final = "x-warpdrive-min-position"
_CORRELATION_ID: Final = "x-correlation-id"
_IDEMPOTENCY_KEY: Final = "idempotency-key"

_AGAIN: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repeating:
    """How often an attempt that may be repeated is made, and how long it is waited in between (seconds)."""

    attempts: int = 4
    backoff: float = 0.2
    ceiling: float = 3.0
    """Waits are even from [0, min(ceiling, backoff * 2^n)], or what the control plane asks for, up to the ceiling."""
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def wait(self, attempt: int, asked: float | None) -> None:
        """Wait after failed attempt number `attempt` (0, 1, ...)."""
        drawn = self.random() * min(self.ceiling, self.backoff * 2.0**attempt)
        self.sleep(drawn if asked is None else min(asked, self.ceiling))


DEFAULT_REPEATING: Final = Repeating()


class ControlPlaneClient:
    """Calls to one control plane. Every verb raises ControlPlaneRefusal and ControlPlaneUnreachable.

    `token`: the secret, None sends none. `ca_file`: the authority of an https address, None the system's. `cert_file`:
    what is shown to a control plane that asks for a certificate; its key is in `key_file`, or beside it. `timeout`:
    seconds for one attempt. Environment variables of proxies are not looked at. `transport` is what tests replace.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        timeout: float = 30.0,
        repeating: Repeating = DEFAULT_REPEATING,
        new_key: Callable[[], UUID] = uuid4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._repeating = repeating
        self._new_key = new_key
        self._position = 0
        headers = {"accept": "application/json", "grpc-timeout": f"{max(1, int(timeout))}S"}
        if token is not None:
            if not (token.isascii() and token.isprintable() and token and " " not in token):
                raise ValueError("this is no token")  # whoever refuses to send it would quote it
            headers["authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(timeout + 2.0, connect=10.0),  # the server's own word on time comes first
            verify=self._tls(ca_file, cert_file, key_file),
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def position(self) -> int:
        """The highest position that an answer named; reads are not answered as of an earlier one."""
        return self._position

    def call(self, method: str, fields: Mapping[str, Any] = _NOTHING, *, key: UUID | None = None) -> Answer:
        """Call a method by its name in the contract ("ControlService/CreateNamespace"); answers with ProtoJSON.

        `fields`: ProtoJSON in the contract's names or in lowerCamelCase. `key`: the command's own, to go on with one
        that an earlier process has begun; None makes a new one.
        """
        known = method_named(method)
        return self._send(request_for(known, fields), key or self._new_key())

    def items(self, method: str, fields: Mapping[str, Any] = _NOTHING) -> Iterator[Answer]:
        """Yield what a list method lists, page after page."""
        known = method_named(method)
        held = items_field(known)
        token: str | None = ""
        while token is not None:
            page = self._send(request_for(known, {**fields, "page_token": token}), self._new_key())
            yield from page.get(held, [])
            following = page.get("nextPageToken", "")
            if following and following == token:
                raise ControlPlaneRefusal("INTERNAL", 0, f"{method} answers with the same page again")
            token = following or None

    def _send(self, request: HttpRequest, key: UUID) -> Answer:
        for attempt in range(self._repeating.attempts):
            last = attempt + 1 == self._repeating.attempts
            asked: float | None = None
            try:
                response = self._attempt(request, key)
            except httpx.TransportError as error:
                if last or _is_certificate(error):
                    raise ControlPlaneUnreachable(self._url, _why(error)) from None
            else:
                if response.status_code not in _AGAIN or last:
                    return self._read(response)
                asked = _retry_after(response)
            self._repeating.wait(attempt, asked)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, request: HttpRequest, key: UUID) -> httpx.Response:
        headers: dict[str, str] = {}
        if request.body is not None:
            headers["content-type"] = "application/json"
        if request.verb != "GET":
            headers[_IDEMPOTENCY_KEY] = str(key)
        if self._position:
            headers[_MIN_POSITION] = str(self._position)
        return self._http.request(request.verb, self._url + request.target, content=request.body, headers=headers)

    def _read(self, response: httpx.Response) -> Answer:
        if response.status_code != HTTPStatus.OK:
            correlation_id = response.headers.get(_CORRELATION_ID, "")
            refusal = refusal_in(response.status_code, response.content, correlation_id)
            raise refusal or self._stranger(response)
        position = response.headers.get(_POSITION, "")
        if not position.isdecimal():  # every answer of a control plane says of which position it is
            raise self._stranger(response)
        self._position = max(self._position, int(position))
        try:
            answer = json.loads(response.content)
        except ValueError:
            raise self._stranger(response) from None
        if not isinstance(answer, dict):
            raise self._stranger(response)
        return answer

    def _stranger(self, response: httpx.Response) -> ControlPlaneUnreachable:
        words = f"what answers is no control plane: HTTP {response.status_code} {response.reason_phrase}".rstrip()
        return ControlPlaneUnreachable(self._url, words)

    def _tls(self, ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
        try:
            if ca_file is None and not self._url.startswith("https:"):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, is never asked
            else:
                context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        except (OSError, ValueError) as error:
            raise ControlPlaneUnreachable(self._url, f"the authority in {ca_file} cannot be used: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert_file is not None:
            try:
                context.load_cert_chain(cert_file, key_file)
            except (OSError, ValueError) as error:
                words = f"the certificate in {cert_file} cannot be used with its key: {error}"
                raise ControlPlaneUnreachable(self._url, words) from None
        return context


def _is_certificate(error: httpx.TransportError) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _why(error: httpx.TransportError) -> str:
    if _is_certificate(error):
        return "its certificate is not trusted: name its authority with --ca-file or WARPDRIVE_CA_FILE"
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer in time"
    said = str(error) or type(error).__name__
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        # What a server that speaks TLS does to whoever does not, or shows no certificate where one is asked for.
        return f"{said}; does its address begin with https, does it ask for a certificate (--cert-file)?"
    return said


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
