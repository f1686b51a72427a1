"""Keys to sign with, whoever holds them: given ones, the SDK's default chain with its refreshes, or none."""

import asyncio
import functools
import os
from typing import Any

from warpdrive.adapters.blob.s3.signing import KeySet
from warpdrive.application.ports.credentials import AccessKey, Anonymous, Credentials, EnvironmentChain
from warpdrive.application.ports.errors import BackendMisconfigured, Unavailable

S3Credentials = AccessKey | Anonymous | EnvironmentChain


def accepted(name: str, credentials: Credentials) -> S3Credentials:
    """Return the credentials if S3 can use them. Raises BackendMisconfigured otherwise."""
    if isinstance(credentials, AccessKey | Anonymous | EnvironmentChain):
        return credentials
    raise BackendMisconfigured(
        f"backend {name!r}: s3 authenticates with an access key, the environment or not at all, "
        f"not with {type(credentials).__name__}"
    )


class Keychain:
    """The keys of one backend. The SDK's session is made on first use; making it reads profile files."""

    def __init__(self, credentials: S3Credentials) -> None:
        self._credentials = credentials
        self._fixed: KeySet | None = None
        if isinstance(credentials, AccessKey):
            self._fixed = KeySet(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
        self._session: Any = None
        self._chain: Any = None
        self._finding = asyncio.Lock()

    @property
    def anonymous(self) -> bool:
        """Requests go out unsigned."""
        return isinstance(self._credentials, Anonymous)

    async def session(self) -> Any:
        """The aioboto3 session: with the given keys, or with the default chain."""
        if self._session is None:
            async with self._finding:
                if self._session is None:
                    self._session = await asyncio.to_thread(self._make_session)
        return self._session

    async def region(self) -> str | None:
        """The region that the environment or, for the default chain, the profile names, if any."""
        region: str | None = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region and isinstance(self._credentials, EnvironmentChain):
            region = (await self.session()).region_name
        return region

    async def keys(self) -> KeySet | None:
        """Keys that are valid now; None means unsigned.

        Raises BackendMisconfigured when the chain finds none, Unavailable when they cannot be refreshed now.
        """
        if self._fixed is not None:
            return self._fixed
        if self.anonymous:
            return None
        if self._chain is None:
            session = await self.session()
            async with self._finding:
                if self._chain is None:
                    self._chain = await _asked(session.get_credentials())
        if self._chain is None:
            raise BackendMisconfigured("no credentials in the environment: no variables, no profile, no instance role")
        frozen = await _asked(self._chain.get_frozen_credentials())
        return KeySet(frozen.access_key, frozen.secret_key, frozen.token or None)

    def _make_session(self) -> Any:
        import aioboto3  # noqa: PLC0415 (half a second of import that a process without S3 never pays)
        from aiobotocore.session import AioSession  # noqa: PLC0415 (the same)
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 (the same)

        core = AioSession()
        core.register_component("data_loader", _service_models())
        try:
            if self._fixed is None:
                return aioboto3.Session(botocore_session=core)
            return aioboto3.Session(
                aws_access_key_id=self._fixed.access_key_id,
                aws_secret_access_key=self._fixed.secret_access_key,
                aws_session_token=self._fixed.session_token,
                botocore_session=core,
            )
        except BotoCoreError as error:
            raise BackendMisconfigured(f"the AWS profile cannot be used: {error}") from error


@functools.cache
def _service_models() -> Any:
    """The SDK's descriptions of S3, read once for all backends: some 100 ms of JSON, not for the event loop."""
    from botocore.loaders import create_loader  # noqa: PLC0415 (see above)

    loader = create_loader()
    loader.load_service_model("s3", "service-2")
    for name in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data(name)
    return loader


async def _asked(answer: Any) -> Any:
    """Await the chain, turning its faults into ours."""
    from botocore.exceptions import BotoCoreError, ClientError, PartialCredentialsError  # noqa: PLC0415 (loaded by now)

    try:
        return await answer
    except PartialCredentialsError as error:
        raise BackendMisconfigured(f"the credentials in the environment are incomplete: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"the environment's credentials cannot be had now: {error}") from error
