"""Calls of the JSON API to one bucket: addresses, the token, and answers with their body unread."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from warpdrive.adapters.blob.gcs.bearer import Bearer
from warpdrive.adapters.blob.gcs.faults import fault_of
from warpdrive.adapters.blob.http.body import refusal
from warpdrive.adapters.blob.http.session import LazySession
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.errors import (
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    Stalled,
    Unavailable,
)
from warpdrive.domain.namespace.values import BackendDefinition

DEFAULT_ENDPOINT = "https://storage.googleapis.com"
MAX_PARALLEL = 64
RESUME_INCOMPLETE = 308
"""Google's meaning of the status: this part is stored, send the next."""


class GcsApi:
    """One bucket's address and the way to it."""

    def __init__(self, endpoint: str, bucket: str, credentials: Credentials) -> None:
        root = endpoint.rstrip("/")
        self._bucket = f"{root}/storage/v1/b/{quote(bucket, safe='')}"
        self._upload = f"{root}/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        self._rewrite_target = f"/rewriteTo/b/{quote(bucket, safe='')}/o/"
        self._sessions = LazySession(MAX_PARALLEL + 8)
        self._bearer = Bearer(credentials, self._sessions.get)
        self._bucket_seen = False

    @classmethod
    def open(cls, definition: BackendDefinition, credentials: Credentials) -> "GcsApi":
        """Read the options. Raises BackendMisconfigured when one is missing or the credentials do not fit."""
        bucket = definition.options.get("bucket", "")
        if not bucket:
            raise BackendMisconfigured(f"backend {definition.name!r}: the option bucket is missing")
        endpoint = definition.options.get("endpoint", "") or DEFAULT_ENDPOINT
        if not endpoint.startswith(("https://", "http://")):
            raise BackendMisconfigured(f"backend {definition.name!r}: the endpoint {endpoint!r} is no URL")
        return cls(endpoint, bucket, credentials)

    @property
    def objects_url(self) -> str:
        """Address the listing."""
        return f"{self._bucket}/o"

    @property
    def upload_url(self) -> str:
        """Address uploads."""
        return self._upload

    def object_url(self, key: str) -> str:
        """Address an object. Raises ObjectNotFound for a key that is not UTF-8: no object can have it."""
        return f"{self._bucket}/o/{_segment(key)}"

    def rewrite_url(self, source: str, target: str) -> str:
        """Address the copy of `source` to `target`."""
        return self.object_url(source) + self._rewrite_target + _segment(target)

    @asynccontextmanager
    async def call(
        self,
        method: str,
        url: str,
        *,
        what: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request and give its successful answer (308 included), body unread.

        Raises what `faults` makes of any other answer, Unavailable when no connection stands, Stalled when
        the socket's time-outs pass. Leaving the block early drops the connection, the rest is not read.
        """
        response = await self._send(method, url, what, params=params, headers=headers, data=data)
        async with response:
            if response.status >= HTTPStatus.MULTIPLE_CHOICES and response.status != RESUME_INCOMPLETE:
                raise await self._refusal(response, what)
            self._bucket_seen = True
            yield response

    async def decode(self, response: aiohttp.ClientResponse, what: str) -> bytes:
        """Read a JSON answer whole. Raises Unavailable when it breaks off, Stalled when it stops."""
        try:
            return await response.read()
        except TimeoutError as error:
            raise Stalled(f"{what}: the answer stopped") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{what}: {error!r}") from error

    async def missing(self, fault: ObjectNotFound) -> BackendError:
        """Tell a missing object from a missing bucket, which the service's 404 does not do reliably.

        Asks once: any success on the bucket, before or now, settles it for good.
        """
        if not self._bucket_seen:
            try:
                async with self.call("GET", self.objects_url, what="probe", params={"maxResults": "1"}):
                    pass
            except ObjectNotFound as absent:
                return BackendMisconfigured(f"{fault.detail} (there is no such bucket: {absent.detail})")
            except BackendError as unknown:
                fault.add_note(f"whether the bucket exists is unknown: {unknown.detail}")
        return fault

    async def aclose(self) -> None:
        """Close all connections. Safe to call twice."""
        await self._sessions.aclose()

    async def _send(self, method: str, url: str, what: str, **request: Any) -> aiohttp.ClientResponse:
        session = self._sessions.get()
        params: Mapping[str, str] = request.pop("params") or {}
        # Encoded by us: yarl would take an object name's %2F or dots for its own.
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items())
        address = URL(f"{url}{'&' if '?' in url else '?'}{query}" if query else url, encoded=True)
        headers = {**(await self._bearer.header()), **(request.pop("headers") or {})}
        try:
            return await session.request(method, address, headers=headers, allow_redirects=False, **request)
        except TimeoutError as error:
            raise Stalled(f"{what}: no answer") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{what}: {error!r}") from error

    async def _refusal(self, response: aiohttp.ClientResponse, what: str) -> BackendError:
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._bearer.forget()
        return fault_of(what, response.status, response.headers, await refusal(response))


def _segment(key: str) -> str:
    try:
        return quote(key, safe="")
    except UnicodeEncodeError as error:
        raise ObjectNotFound(f"{key!r} is not UTF-8, Google's names are") from error
