"""The reading half: stat, list and ranged GET, all on the lean path."""

from warpdrive.adapters.blob.s3.endpoint import Collected, Endpoint
from warpdrive.adapters.blob.s3.faults import fault, read_refusal
from warpdrive.adapters.blob.s3.http.head import MalformedResponse, ResponseHead
from warpdrive.adapters.blob.s3.listing import LARGEST_PAGE, list_query, parse_page
from warpdrive.adapters.blob.s3.object_headers import described
from warpdrive.adapters.blob.s3.ranged_get import RangedGet
from warpdrive.application.ports.errors import BackendError, BackendMisconfigured, ShortBody
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import Capabilities, ListPage, ObjectInfo, ObjectKey, ObjectVersion

CAPABILITIES = Capabilities(conditional_write=True, server_side_copy=True, max_parallel=64, list_limit=LARGEST_PAGE)
_OK = 200
_NOT_FOUND = 404


class S3Reader:
    """Reads one bucket."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._bucket_seen = False
        """Some answer proved that the bucket exists."""

    @property
    def capabilities(self) -> Capabilities:
        """What S3 can do."""
        return CAPABILITIES

    async def stat(self, key: ObjectKey) -> ObjectInfo:
        """See `ObjectReader.stat`."""
        place = await self._endpoint.place()
        head, _ = await self._endpoint.send(place.path(key), Collected("HEAD"))
        if head.status == _NOT_FOUND and not self._bucket_seen:
            await self._look_for_bucket()
        if head.status != _OK:
            raise await self._refused(head, b"", f"HEAD {key}")
        self._bucket_seen = True
        if head.content_length is None:
            raise MalformedResponse(f"HEAD {key}: the response has no length")
        return described(key, head.content_length, head.headers)

    async def list_page(
        self, prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000, recursive: bool = False
    ) -> ListPage:
        """See `ObjectReader.list_page`."""
        place = await self._endpoint.place()
        query = list_query(prefix, cursor=cursor, limit=limit, recursive=recursive)
        head, body = await self._endpoint.send(place.bucket_path, Collected("GET"), query=query)
        if head.status != _OK:
            raise await self._refused(head, body, f"LIST {prefix}")
        return parse_page(body)

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """See `ObjectReader.read_range`."""
        place = await self._endpoint.place()
        get = RangedGet(key, offset, into, version, sink)
        head, body = await self._endpoint.send(place.path(key), get, headers=get.headers())
        if get.info is None:
            raise await self._refused(head, body, f"GET {key}")
        if get.length < len(into):
            raise ShortBody(f"GET {key}: the object ends at {get.info.size}, {get.length} bytes came", get.length)
        return get.info

    async def aclose(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._endpoint.aclose()

    async def _look_for_bucket(self) -> None:
        """Tell a missing bucket from a missing object, once: HEAD has no body that would say which it was."""
        place = await self._endpoint.place()
        head, _ = await self._endpoint.send(place.bucket_path, Collected("HEAD"))
        if head.status == _NOT_FOUND:
            raise BackendMisconfigured(f"no bucket {place.bucket} at {place.endpoint}")
        self._bucket_seen = True

    async def _refused(self, head: ResponseHead, body: bytes, what: str) -> BackendError:
        place = await self._endpoint.place()
        return fault(read_refusal(head.status, head.headers, body), what, place.region)
