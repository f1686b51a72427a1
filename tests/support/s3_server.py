"""A running S3 server as tests see it, and buckets made by the vendor's own client, so ours does not check itself."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import aioboto3
from botocore.config import Config

from tests.support.ports import Address
from warpdrive.application.ports.credentials import AccessKey


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it listens, and keys that may do everything."""

    address: Address
    keys: AccessKey

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://{self.address[0]}:{self.address[1]}"

    def client(self) -> AbstractAsyncContextManager[Any]:
        """Open the vendor's client, path style, without retries."""
        session = aioboto3.Session(
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            region_name="us-east-1",
        )
        config = Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            max_pool_connections=64,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        client: AbstractAsyncContextManager[Any] = session.client("s3", endpoint_url=self.endpoint, config=config)
        return client

    async def make_bucket(self, name: str) -> None:
        """Create a bucket."""
        async with self.client() as client:
            await client.create_bucket(Bucket=name)

    def make_bucket_now(self, name: str) -> None:
        """Create a bucket from outside any event loop."""
        asyncio.run(self.make_bucket(name))
