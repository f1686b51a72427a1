"""The reading half: Get Blob Properties, List Blobs, Get Blob with a range."""

import aiohttp

from warpdrive.adapters.blob.azure.listing import parse_listing
from warpdrive.adapters.blob.azure.pipeline import MAX_PARALLEL, AzurePipeline
from warpdrive.adapters.blob.azure.properties import (
    info_from_head,
    info_from_range,
    is_directory_marker,
    quoted,
)
from warpdrive.adapters.blob.http.body import pour
from warpdrive.adapters.blob.http.headers import content_range, whole_size
from warpdrive.application.ports.errors import (
    BackendMisconfigured,
    ObjectNotFound,
    RangeNotSatisfiable,
    Stalled,
    Unavailable,
    VersionChanged,
)
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import Capabilities, ListPage, ObjectInfo, ObjectKey, ObjectVersion

LIST_LIMIT = 5000

CAPABILITIES = Capabilities(
    conditional_write=True, server_side_copy=True, max_parallel=MAX_PARALLEL, list_limit=LIST_LIMIT
)


class AzureReader:
    """Reads blobs; the version is the ETag."""

    def __init__(self, pipeline: AzurePipeline) -> None:
        self._pipeline = pipeline

    @property
    def capabilities(self) -> Capabilities:
        """What Azure can do."""
        return CAPABILITIES

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the blob now. A directory of a hierarchical namespace is no object: ObjectNotFound."""
        what = f"stat {key!r}"
        async with self._pipeline.call("HEAD", key, what=what) as response:
            if is_directory_marker(response.headers):
                raise ObjectNotFound(f"{what}: it is a directory")
            return info_from_head(key, response.headers)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page; the cursor is Azure's marker."""
        query = {"restype": "container", "comp": "list", "maxresults": str(max(1, min(limit, LIST_LIMIT)))}
        if prefix:
            query["prefix"] = prefix
        if not recursive:
            query["delimiter"] = "/"
        if cursor:
            query["marker"] = cursor
        what = f"list {prefix!r}"
        try:
            async with self._pipeline.call("GET", None, what=what, query=query) as response:
                document = await response.read()
        except TimeoutError as error:
            raise Stalled(f"{what}: the listing stopped") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{what}: {error!r}") from error
        except UnicodeEncodeError:
            return ListPage(objects=[], prefixes=[], cursor=None)
        return parse_listing(document)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Stream one ranged GET into `into`; with `version` under If-Match."""
        what = f"read {key!r} at {offset}"
        # x-ms-range, not Range: the shared key signature covers it.
        headers = {"x-ms-range": f"bytes={offset}-{offset + len(into) - 1}"}
        if version is not None:
            headers["If-Match"] = quoted(version)
        try:
            async with self._pipeline.call("GET", key, what=what, headers=headers) as response:
                size = whole_size(response.headers)
                if size is not None and offset >= size:
                    # The service answers 416; Azurite 206 with an empty range at the very end.
                    raise RangeNotSatisfiable(f"{what}: the blob has {size} bytes")
                span = content_range(response.headers)
                if span is None or span[0] != offset:
                    raise BackendMisconfigured(f"{what}: the server ignored the range (HTTP {response.status})")
                info = info_from_range(key, response.headers)
                if sink is not None:
                    sink.started(info)
                await pour(response, into, what, sink)
                return info
        except VersionChanged:
            await self._must_exist(key)
            raise

    async def _must_exist(self, key: ObjectKey) -> None:
        """Raise ObjectNotFound if the blob is gone: a lost If-Match does not say which of the two it was."""
        await self.stat(key)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pipeline.aclose()
