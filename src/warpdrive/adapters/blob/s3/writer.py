"""The writing half: conditional put, multipart for what is large, copy and delete."""

from collections.abc import AsyncIterable, AsyncIterator
from functools import partial
from typing import Any

from warpdrive.adapters.blob.s3.endpoint import Endpoint
from warpdrive.adapters.blob.s3.multipart import MultipartUpload, PartSender
from warpdrive.adapters.blob.s3.object_headers import etag_of, modified_ns, version_of
from warpdrive.adapters.blob.s3.parts import MAX_PARTS, MIB, cut
from warpdrive.adapters.blob.s3.place import S3Place
from warpdrive.adapters.blob.s3.reader import S3Reader
from warpdrive.adapters.blob.s3.sdk import Sdk
from warpdrive.application.ports.errors import BackendError, ObjectNotFound, ShortBody, Unsupported, VersionChanged
from warpdrive.application.ports.object_writer import Absent, Precondition
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

COPY_LIMIT = 5 * 1024 * MIB
"""Largest object that S3 copies in one request, in bytes."""
_COPY_PART = 512 * MIB


class S3Writer:
    """Writes one bucket."""

    def __init__(self, endpoint: Endpoint, reader: S3Reader, sdk: Sdk, *, copy_limit: int = COPY_LIMIT) -> None:
        self._endpoint = endpoint
        self._reader = reader
        self._sdk = sdk
        self._copy_limit = copy_limit

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """See `ObjectWriter.write`. One request up to 8 MiB, a multipart upload above."""
        place = await self._endpoint.place()
        _check_key(key)
        body_parts = _Counted(cut(body, size))
        condition = _condition(precondition)
        first = await anext(body_parts)
        second = await anext(body_parts, None)
        try:
            if second is None:
                body_parts.check(size)
                async with self._sdk.call(f"PUT {key}", place) as client:
                    answer = await client.put_object(
                        Bucket=place.bucket, Key=key, Body=first, Metadata=metadata or {}, **condition
                    )
            else:
                upload = MultipartUpload(self._sdk, place, key, {"Metadata": metadata or {}})
                answer = await upload.run(
                    _uploads(place, key, first, second, body_parts),
                    condition,
                    check=partial(body_parts.check, size),
                )
        except ObjectNotFound as error:
            # If-Match where nothing is: AWS says 404, others 412. The version to replace is gone either way.
            raise VersionChanged(error.detail) from error
        return await self._published(key, body_parts.total, answer)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """See `ObjectWriter.copy`. On the server, in parts above 5 GiB."""
        place = await self._endpoint.place()
        _check_key(target)
        info = await self._reader.stat(source)
        if version is not None and info.version != version:
            raise VersionChanged(f"COPY {source}: version {info.version} instead of {version}")
        origin = {
            "CopySource": {"Bucket": place.bucket, "Key": source},
            "CopySourceIfMatch": etag_of(info.version),
        }
        if info.size <= self._copy_limit:
            async with self._sdk.call(f"COPY {source} to {target}", place) as client:
                answer = await client.copy_object(Bucket=place.bucket, Key=target, **origin)
            answer = {**answer, **answer.get("CopyObjectResult", {})}
        else:
            async with self._sdk.call(f"HEAD {source}", place) as client:
                known = await client.head_object(Bucket=place.bucket, Key=source, IfMatch=etag_of(info.version))
            upload = MultipartUpload(self._sdk, place, target, {"Metadata": known.get("Metadata", {})})
            answer = await upload.run(
                _copies(place, target, origin, info.size, self._copy_limit), {}, check=lambda: None
            )
        return await self._published(target, info.size, answer)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """See `ObjectWriter.delete`.

        S3 calls deleting nothing a success, and stores that do not know If-Match on a delete ignore it; so the
        object is looked at first, and the condition is sent as well for the stores that do honour it.
        """
        place = await self._endpoint.place()
        info = await self._reader.stat(key)
        if version is not None and info.version != version:
            raise VersionChanged(f"DELETE {key}: version {info.version} instead of {version}")
        condition = {} if version is None else {"IfMatch": etag_of(version)}
        try:
            await self._delete(place, key, condition)
        except Unsupported:
            if not condition:
                raise
            await self._delete(place, key, {})

    async def _delete(self, place: S3Place, key: ObjectKey, condition: dict[str, str]) -> None:
        async with self._sdk.call(f"DELETE {key}", place) as client:
            await client.delete_object(Bucket=place.bucket, Key=key, **condition)

    async def _published(self, key: ObjectKey, size: int, answer: dict[str, Any]) -> ObjectInfo:
        """Describe what was just written.

        S3 does not say the modification time of what it took, so it is asked. When another writer was faster,
        or nobody answers, the time of the answer stands in: the object is published all the same.
        """
        version = version_of(str(answer["ETag"]))
        try:
            info = await self._reader.stat(key)
        except BackendError:
            info = None
        if info is not None and info.version == version:
            return info
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        return ObjectInfo(key, size, version, modified_ns(date))


class _Counted:
    """The parts of a body, and how many bytes they were."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self.total = 0

    def __aiter__(self) -> "_Counted":
        return self

    async def __anext__(self) -> bytes:
        part = await anext(self._parts)
        self.total += len(part)
        return part

    def check(self, size: int | None) -> None:
        """Raise ShortBody when the body was not as long as announced."""
        if size is not None and self.total != size:
            raise ShortBody(f"the body has {self.total} bytes instead of {size}", min(self.total, size))


def _condition(precondition: Precondition) -> dict[str, str]:
    if precondition is None:
        return {}
    if isinstance(precondition, Absent):
        return {"IfNoneMatch": "*"}
    return {"IfMatch": etag_of(precondition)}


def _check_key(key: ObjectKey) -> None:
    try:
        key.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unsupported(f"S3 keeps names in UTF-8 only, not {key!r}") from error


async def _uploads(
    place: S3Place, key: ObjectKey, first: bytes, second: bytes, rest: AsyncIterator[bytes]
) -> AsyncIterator[PartSender]:
    yield partial(_upload, place, key, first)
    yield partial(_upload, place, key, second)
    async for part in rest:
        yield partial(_upload, place, key, part)


async def _upload(place: S3Place, key: ObjectKey, part: bytes, client: Any, number: int, upload_id: str) -> str:
    answer = await client.upload_part(Bucket=place.bucket, Key=key, PartNumber=number, UploadId=upload_id, Body=part)
    return str(answer["ETag"])


async def _copies(
    place: S3Place, key: ObjectKey, origin: dict[str, Any], size: int, limit: int
) -> AsyncIterator[PartSender]:
    step = max(min(_COPY_PART, limit), -(-size // MAX_PARTS))
    for start in range(0, size, step):
        span = f"bytes={start}-{min(start + step, size) - 1}"
        yield partial(_copy_part, place, key, {**origin, "CopySourceRange": span})


async def _copy_part(
    place: S3Place, key: ObjectKey, origin: dict[str, Any], client: Any, number: int, upload_id: str
) -> str:
    answer = await client.upload_part_copy(
        Bucket=place.bucket, Key=key, PartNumber=number, UploadId=upload_id, **origin
    )
    return str(answer["CopyPartResult"]["ETag"])
