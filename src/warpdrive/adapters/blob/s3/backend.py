"""Both halves of one bucket in one object, as the factory wants it."""

from collections.abc import AsyncIterable

from warpdrive.adapters.blob.s3.endpoint import Endpoint
from warpdrive.adapters.blob.s3.keychain import Keychain, accepted
from warpdrive.adapters.blob.s3.place import read_options
from warpdrive.adapters.blob.s3.reader import S3Reader
from warpdrive.adapters.blob.s3.sdk import Sdk
from warpdrive.adapters.blob.s3.writer import COPY_LIMIT, S3Writer
from warpdrive.application.ports.credentials import Credentials
from warpdrive.application.ports.object_writer import Precondition
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition


class S3Backend(S3Reader):
    """Reads by itself and writes through its writer. Both `ObjectReader` and `ObjectWriter`."""

    def __init__(self, endpoint: Endpoint, *, copy_limit: int = COPY_LIMIT) -> None:
        super().__init__(endpoint)
        self._sdk = Sdk(endpoint.keychain)
        self._writer = S3Writer(endpoint, self, self._sdk, copy_limit=copy_limit)

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """See `ObjectWriter.write`."""
        return await self._writer.write(key, body, size=size, precondition=precondition, metadata=metadata)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """See `ObjectWriter.copy`."""
        return await self._writer.copy(source, target, version=version)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """See `ObjectWriter.delete`."""
        await self._writer.delete(key, version=version)

    async def aclose(self) -> None:
        """Close every connection of both halves. Safe to call twice."""
        try:
            await super().aclose()
        finally:
            await self._sdk.aclose()


def open_s3(definition: BackendDefinition, credentials: Credentials) -> S3Backend:
    """Build the backend without any I/O.

    Raises BackendMisconfigured for bad options or credentials that S3 cannot use.
    """
    keychain = Keychain(accepted(definition.name, credentials))
    return S3Backend(Endpoint(read_options(definition), keychain))
