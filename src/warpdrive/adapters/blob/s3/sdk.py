"""The vendor's SDK, for the verbs that write: one client, made when first needed, its own retries off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from warpdrive.adapters.blob.s3.faults import Refusal, fault
from warpdrive.adapters.blob.s3.keychain import Keychain
from warpdrive.adapters.blob.s3.place import S3Place
from warpdrive.application.ports.errors import BackendError, BackendMisconfigured, Unavailable, Unsupported

_CONNECT_TIMEOUT_S = 5
_READ_TIMEOUT_S = 60
"""Completing a large multipart upload may take the server a while."""
_CONNECTIONS = 64


class Sdk:
    """The client of one backend."""

    def __init__(self, keychain: Keychain) -> None:
        self._keychain = keychain
        self._stack = contextlib.AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()
        self._closed = False

    @contextlib.asynccontextmanager
    async def call(self, what: str, place: S3Place) -> AsyncIterator[Any]:
        """Lend the client for a call; the SDK's faults leave as ours. `what` names the call in errors."""
        if self._client is None:
            await self._open(place)
        try:
            yield self._client
        except Exception as error:
            translated = _translated(error, what, place.region)
            if translated is None:
                raise
            raise translated from error

    async def aclose(self) -> None:
        """Close the client. Safe to call twice."""
        self._closed = True
        self._client = None
        await self._stack.aclose()

    async def _open(self, place: S3Place) -> None:
        from botocore import UNSIGNED  # noqa: PLC0415 (half a second of import that only writers pay)
        from botocore.config import Config  # noqa: PLC0415 (the same)

        async with self._opening:
            if self._closed:
                raise Unavailable("the backend was closed")
            if self._client is not None:
                return
            config = Config(
                connect_timeout=_CONNECT_TIMEOUT_S,
                read_timeout=_READ_TIMEOUT_S,
                max_pool_connections=_CONNECTIONS,
                retries={"total_max_attempts": 1, "mode": "standard"},
                s3={"addressing_style": "path" if place.path_style else "virtual"},
                # Stores other than AWS's refuse the checksums that the SDK adds on its own since 2025.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                **({"signature_version": UNSIGNED} if self._keychain.anonymous else {}),
            )
            session = await self._keychain.session()
            self._client = await self._stack.enter_async_context(
                session.client("s3", region_name=place.region, endpoint_url=place.endpoint, config=config)
            )


def _translated(error: Exception, what: str, region: str) -> BackendError | None:
    """Our word for an error of the SDK; None for one that is not the SDK's."""
    from botocore import exceptions as sdk  # noqa: PLC0415 (loaded by now)

    if isinstance(error, sdk.ClientError):
        return fault(_refusal(error.response), what, region)
    if isinstance(error, sdk.NoCredentialsError | sdk.PartialCredentialsError):
        return BackendMisconfigured(f"{what}: {error}")
    if isinstance(error, sdk.SSLError):
        return BackendMisconfigured(f"{what}: the server's certificate is not trusted: {error}")
    if isinstance(error, sdk.ParamValidationError):
        return Unsupported(f"{what}: {error}")
    if isinstance(error, sdk.BotoCoreError | OSError):
        return Unavailable(f"{what}: {error}")
    return None


def _refusal(response: dict[str, Any]) -> Refusal:
    said = response.get("Error", {})
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    code = str(said.get("Code", ""))
    headers = {str(name).lower(): str(value) for name, value in meta.get("HTTPHeaders", {}).items()}
    region = headers.get("x-amz-bucket-region", "") or str(said.get("Region", ""))
    # For an answer without a document the SDK gives the status as the code.
    return Refusal(status, "" if code == str(status) else code, str(said.get("Message", "")), headers, region)
