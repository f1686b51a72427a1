"""REST calls to one container through the SDK's pipeline: it signs, we say what to send and read what comes.

Every answer is the transport's own aiohttp response with its body unread, so that a range can be poured into
the caller's memory piece by piece.
"""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest
from azure.storage.blob.aio import ContainerClient

from warpdrive.adapters.blob.azure.credentials import AzureLogin, resolve
from warpdrive.adapters.blob.azure.faults import fault_of
from warpdrive.adapters.blob.http.body import refusal
from warpdrive.adapters.blob.http.parts import in_pieces
from warpdrive.adapters.blob.http.session import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, LazySession
from warpdrive.application.ports.credentials import AccountKey, Credentials
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendMisconfigured,
    ObjectNotFound,
    Stalled,
    Unavailable,
)
from warpdrive.domain.namespace.values import BackendDefinition

API_VERSION = "2023-11-03"
"""The newest version whose answers this adapter relies on: encoded names in listings came with 2021-02-12."""

MAX_PARALLEL = 64


class AzurePipeline:
    """One container's address and the way to it."""

    def __init__(self, container_url: str, login: AzureLogin) -> None:
        self._url = container_url
        self._login = login
        self._sessions = LazySession(MAX_PARALLEL + 8)
        # Made on first use: the SDK's transport holds the session, and that belongs to a running loop.
        self._client: ContainerClient | None = None

    @classmethod
    def open(
        cls,
        definition: BackendDefinition,
        credentials: Credentials,
        environment: Mapping[str, str] = os.environ,
    ) -> "AzurePipeline":
        """Read the options. Raises BackendMisconfigured when one is missing or the credentials do not fit."""
        account = definition.options.get("account", "")
        container = definition.options.get("container", "")
        if not container:
            raise BackendMisconfigured(f"backend {definition.name!r}: the option container is missing")
        if isinstance(credentials, AccountKey) and not account:
            raise BackendMisconfigured(f"backend {definition.name!r}: an account key needs the option account")
        login = resolve(credentials, account, environment)
        endpoint = definition.options.get("endpoint", "") or login.endpoint
        if not endpoint:
            if not account:
                raise BackendMisconfigured(f"backend {definition.name!r}: the option account is missing")
            endpoint = f"https://{account}.blob.core.windows.net"
        if not endpoint.startswith(("https://", "http://")):
            raise BackendMisconfigured(f"backend {definition.name!r}: the endpoint {endpoint!r} is no URL")
        return cls(f"{endpoint.rstrip('/')}/{quote(container, safe='$')}", login)

    def blob_url(self, key: str) -> str:
        """Address a blob. Raises ObjectNotFound for a key that is not Unicode: no blob can have it."""
        try:
            return f"{self._url}/{quote(key, safe='/~')}"
        except UnicodeEncodeError as error:
            raise ObjectNotFound(f"{key!r} is not UTF-8, Azure's names are") from error

    def source_url(self, key: str) -> str:
        """Address a blob as the source of a copy, with the SAS where that is what authorises."""
        return f"{self.blob_url(key)}?{self._login.sas}" if self._login.sas else self.blob_url(key)

    @asynccontextmanager
    async def call(
        self,
        method: str,
        key: str | None,
        *,
        what: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request (`key` None: to the container) and give its successful answer, body unread.

        `content` goes with the Content-Length that the caller puts into `headers`; it is signed.
        Raises what `faults` makes of any other answer, Unavailable when no connection stands, Stalled when
        the socket's time-outs pass. Leaving the block early drops the connection, the rest is not read.
        """
        url = self._url if key is None else self.blob_url(key)
        if query:
            url = f"{url}?{urlencode(query, quote_via=quote)}"
        request = HttpRequest(
            method,
            url,
            headers={"x-ms-version": API_VERSION, **(headers or {})},
            content=None if content is None else in_pieces(content),
        )
        response = await self._send(request, what)
        async with response:
            if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise fault_of(what, response.status, response.headers, await refusal(response))
            yield response

    async def _send(self, request: HttpRequest, what: str) -> aiohttp.ClientResponse:
        pipeline: Any = self._ensure_client()._pipeline  # noqa: SLF001 -- the SDK shows no public door to its pipeline
        try:
            answer = await pipeline.run(request, stream=True)
        except (ServiceRequestTimeoutError, ServiceResponseTimeoutError) as error:
            raise Stalled(f"{what}: {error.message}") from error
        except ClientAuthenticationError as error:
            raise AccessDenied(f"{what}: {error.message}") from error
        except AzureError as error:
            raise Unavailable(f"{what}: {error.message}") from error
        response: aiohttp.ClientResponse = answer.http_response.internal_response
        return response

    def _ensure_client(self) -> ContainerClient:
        session = self._sessions.get()
        if self._client is None:
            transport: Any = AioHttpTransport(
                session=session,
                session_owner=False,
                connection_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
            )
            self._client = ContainerClient.from_container_url(
                self._url,
                credential=self._login.credential,
                transport=transport,
                # The one retry wrapper stands outside every adapter.
                retry_total=0,
                # The SDK would write two lines of INFO for every request.
                logger=_quiet_logger(),
            )
        return self._client

    async def aclose(self) -> None:
        """Close all connections. Safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        await self._sessions.aclose()


def _quiet_logger() -> logging.Logger:
    """Give the SDK's request log a logger of its own that speaks from WARNING on."""
    logger = logging.getLogger("warpdrive.azure.requests")
    logger.setLevel(logging.WARNING)
    return logger
