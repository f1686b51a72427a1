"""The reading half: objects.get, as metadata and as media with a range, and objects.list."""

import msgspec

from warpdrive.adapters.blob.gcs.api import MAX_PARALLEL, GcsApi
from warpdrive.adapters.blob.gcs.resources import OBJECT_FIELDS, Listing, Resource, generation, info_from_media
from warpdrive.adapters.blob.http.body import pour
from warpdrive.adapters.blob.http.headers import content_range
from warpdrive.application.ports.errors import BackendMisconfigured, ObjectNotFound, Unavailable
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import Capabilities, ListPage, ObjectInfo, ObjectKey, ObjectVersion

LIST_LIMIT = 1000

CAPABILITIES = Capabilities(
    conditional_write=True, server_side_copy=True, max_parallel=MAX_PARALLEL, list_limit=LIST_LIMIT
)


class GcsReader:
    """Reads objects; the version is the generation."""

    def __init__(self, api: GcsApi) -> None:
        self._api = api

    @property
    def capabilities(self) -> Capabilities:
        """What GCS can do."""
        return CAPABILITIES

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """Describe the object now."""
        what = f"stat {key!r}"
        url = self._api.object_url(key)
        try:
            async with self._api.call("GET", url, what=what, params={"fields": OBJECT_FIELDS}) as response:
                return resource_of(await self._api.decode(response, what), what).info()
        except ObjectNotFound as fault:
            raise await self._api.missing(fault) from fault

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """List one page; the cursor is Google's page token."""
        what = f"list {prefix!r}"
        params = {
            "maxResults": str(max(1, min(limit, LIST_LIMIT))),
            "fields": f"items({OBJECT_FIELDS}),prefixes,nextPageToken",
        }
        if prefix:
            params["prefix"] = prefix
        if not recursive:
            params["delimiter"] = "/"
        if cursor:
            params["pageToken"] = cursor
        try:
            async with self._api.call("GET", self._api.objects_url, what=what, params=params) as response:
                document = await self._api.decode(response, what)
        except UnicodeEncodeError:
            return ListPage(objects=[], prefixes=[], cursor=None)  # no name can start with such a prefix
        except ObjectNotFound as fault:
            raise BackendMisconfigured(f"there is no such bucket: {fault.detail}") from fault
        try:
            page = msgspec.json.decode(document, type=Listing)
        except msgspec.DecodeError as error:
            raise Unavailable(f"{what}: the answer is no listing: {error}") from error
        return ListPage(
            objects=[item.info() for item in page.items],
            prefixes=[ObjectKey(name) for name in page.prefixes],
            cursor=page.next_page_token or None,
        )

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Stream one ranged read of the media into `into`; with `version` under ifGenerationMatch."""
        what = f"read {key!r} at {offset}"
        params = {"alt": "media"}
        if version is not None:
            params["ifGenerationMatch"] = generation(version)
        # Accepting gzip keeps the service from unpacking a compressed object, which would ignore the range.
        headers = {"Range": f"bytes={offset}-{offset + len(into) - 1}", "Accept-Encoding": "gzip"}
        url = self._api.object_url(key)
        try:
            async with self._api.call("GET", url, what=what, params=params, headers=headers) as response:
                span = content_range(response.headers)
                if span is None or span[0] != offset:
                    raise BackendMisconfigured(f"{what}: the server ignored the range (HTTP {response.status})")
                info = info_from_media(key, response.headers, response.headers.getall("x-goog-hash", []))
                if sink is not None:
                    sink.started(info)
                await pour(response, into, what, sink)
                return info
        except ObjectNotFound as fault:
            raise await self._api.missing(fault) from fault

    async def aclose(self) -> None:
        """Close all connections."""
        await self._api.aclose()


def resource_of(document: bytes, what: str) -> Resource:
    """Read an object resource. Raises Unavailable when the answer is none."""
    try:
        return msgspec.json.decode(document, type=Resource)
    except msgspec.DecodeError as error:
        raise Unavailable(f"{what}: the answer is no object resource: {error}") from error
