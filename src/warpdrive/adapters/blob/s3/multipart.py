"""One multipart upload: parts in parallel, completed under a precondition, aborted on any failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio

from warpdrive.adapters.blob.s3.place import S3Place
from warpdrive.adapters.blob.s3.sdk import Sdk
from warpdrive.application.ports.errors import BackendError
from warpdrive.application.ports.objects import ObjectKey

_PARALLEL = 4
"""Parts under way at once, which also bounds memory: four parts, and one being filled."""
_ABORT_S = 10.0
"""Seconds given to an abort; after that the bucket's lifecycle rule has to clean up."""

PartSender = Callable[[Any, int, str], Awaitable[str]]
"""Sends one part with the client, under the number and the upload's id, and returns its ETag."""


class MultipartUpload:
    """An upload to one key. `parameters` go into its creation: metadata and the like."""

    def __init__(self, sdk: Sdk, place: S3Place, key: ObjectKey, parameters: dict[str, Any]) -> None:
        self._sdk = sdk
        self._place = place
        self._what = f"PUT {key}"
        self._target = {"Bucket": place.bucket, "Key": key}
        self._parameters = parameters

    async def run(
        self, senders: AsyncIterator[PartSender], condition: dict[str, str], *, check: Callable[[], None]
    ) -> dict[str, Any]:
        """Send all parts, `check()`, complete under `condition`; returns the SDK's answer to the completion."""
        async with self._sdk.call(self._what, self._place) as client:
            upload = await client.create_multipart_upload(**self._target, **self._parameters)
        upload_id: str = upload["UploadId"]
        try:
            etags = await self._send_all(senders, upload_id)
            check()
            parts = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(etags.items())]
            async with self._sdk.call(self._what, self._place) as client:
                answer: dict[str, Any] = await client.complete_multipart_upload(
                    **self._target, UploadId=upload_id, MultipartUpload={"Parts": parts}, **condition
                )
        except BaseException as error:
            await self._abort(upload_id, error)
            raise
        return answer

    async def _send_all(self, senders: AsyncIterator[PartSender], upload_id: str) -> dict[int, str]:
        etags: dict[int, str] = {}
        slots = asyncio.Semaphore(_PARALLEL)

        async def send(number: int, sender: PartSender) -> None:
            try:
                async with self._sdk.call(f"{self._what} part {number}", self._place) as client:
                    etags[number] = await sender(client, number, upload_id)
            finally:
                slots.release()

        number = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                async for sender in senders:
                    number += 1
                    await slots.acquire()
                    tasks.create_task(send(number, sender))
        except BaseExceptionGroup as group:
            raise _first(group) from group
        return etags

    async def _abort(self, upload_id: str, reason: BaseException) -> None:
        """Give the parts back. A failure to do so is noted on the error that is on its way, and does not hide it."""
        with anyio.move_on_after(_ABORT_S, shield=True):
            try:
                async with self._sdk.call(f"{self._what} abort", self._place) as client:
                    await client.abort_multipart_upload(**self._target, UploadId=upload_id)
            except BackendError as error:
                reason.add_note(f"the upload {upload_id} could not be aborted: {error}")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The fault that came first: the others are its echo."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
