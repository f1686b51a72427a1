"""The writing half: Put Blob for small bodies, Put Block (List) for large ones, Copy and Delete Blob."""

import asyncio
import hashlib
import secrets
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import aclosing

from warpdrive.adapters.blob.azure.properties import etag_version, info_from_head, quoted
from warpdrive.adapters.blob.azure.reader import AzureReader
from warpdrive.adapters.blob.http.headers import http_date_ns
from warpdrive.adapters.blob.http.parts import chained, in_parts
from warpdrive.application.ports.errors import ObjectNotFound, Unavailable, Unsupported, VersionChanged
from warpdrive.application.ports.object_writer import Absent, Precondition
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion

PART_SIZE = 8 * 1024 * 1024
"""Bytes of a block, and the most that goes up as one Put Blob."""

MAX_BLOCKS = 50_000
"""Blocks of a blob (Azure's limit)."""

_PARALLEL_BLOCKS = 4
_COPY_POLL_FIRST_S = 0.1
_COPY_POLL_MOST_S = 5.0


class AzureStore(AzureReader):
    """Reads and writes one container.

    A write that fails leaves no blob. Blocks already sent have no abort in Azure: nobody sees them, and the
    service drops them after a week or at the blob's next commit.
    """

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish `body`; its MD5 becomes the blob's, also when it goes up in blocks."""
        what = f"write {key!r}"
        self._writable(key, what)
        headers = {
            "x-ms-blob-content-type": "application/octet-stream",
            **_condition(precondition),
            **{f"x-ms-meta-{name}": value for name, value in (metadata or {}).items()},
        }
        part_size = max(PART_SIZE, -(-(size or 0) // MAX_BLOCKS))
        async with aclosing(in_parts(body, part_size, size, what)) as parts:
            first = await anext(parts)
            if len(first) < part_size:
                return await self._put_blob(key, first, headers, what)
            return await self._put_blocks(key, chained(first, parts), headers, what)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Copy on the server and wait until it says success."""
        what = f"copy {source!r} to {target!r}"
        self._writable(target, what)
        headers = {"x-ms-copy-source": self._pipeline.source_url(source)}
        if version is not None:
            headers["x-ms-source-if-match"] = quoted(version)
        async with self._pipeline.call("PUT", target, what=what, headers=headers) as response:
            status = response.headers.get("x-ms-copy-status", "success")
        return await self._copied(target, status, what)

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the blob, under If-Match with `version`. A blob with snapshots is Unsupported."""
        headers = {"If-Match": quoted(version)} if version is not None else {}
        try:
            async with self._pipeline.call("DELETE", key, what=f"delete {key!r}", headers=headers):
                pass
        except VersionChanged:
            await self._must_exist(key)
            raise

    async def _put_blob(self, key: ObjectKey, content: bytes, headers: dict[str, str], what: str) -> ObjectInfo:
        draft = _draft(key, len(content), await asyncio.to_thread(_md5, content))
        headers = {
            **headers,
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(content)),
            # Checked by the server before it takes the blob, and kept as the blob's digest.
            "Content-MD5": _encoded_md5(draft),
        }
        async with self._pipeline.call("PUT", key, what=what, headers=headers, content=content) as response:
            return _published(draft, response.headers)

    async def _put_blocks(
        self, key: ObjectKey, parts: AsyncIterator[bytes], headers: dict[str, str], what: str
    ) -> ObjectInfo:
        # Ids carry this write's own token: a concurrent writer of the key cannot lend us its blocks.
        token = secrets.token_hex(8)
        digest = hashlib.md5(usedforsecurity=False)
        slots = asyncio.Semaphore(_PARALLEL_BLOCKS)
        blocks: list[str] = []
        size = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                async for part in parts:
                    await slots.acquire()
                    block = b64encode(f"{token}-{len(blocks):06d}".encode()).decode()
                    blocks.append(block)
                    size += len(part)
                    tasks.create_task(self._put_block(key, block, part, slots, what=what))
                    await asyncio.to_thread(digest.update, part)
        except BaseExceptionGroup as group:
            # The first fault cancelled the others: it alone is the cause.
            raise group.exceptions[0] from group
        return await self._commit(_draft(key, size, digest.digest()), blocks, headers, what)

    async def _put_block(self, key: ObjectKey, block: str, part: bytes, slots: asyncio.Semaphore, *, what: str) -> None:
        try:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(part))}
            query = {"comp": "block", "blockid": block}
            call = self._pipeline.call("PUT", key, what=what, query=query, headers=headers, content=part)
            async with call:
                pass
        finally:
            slots.release()

    async def _commit(self, draft: ObjectInfo, blocks: list[str], headers: dict[str, str], what: str) -> ObjectInfo:
        """Make the blob of its blocks, in this order; only now do others see it."""
        listed = "".join(f"<Uncommitted>{block}</Uncommitted>" for block in blocks)
        content = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        headers = {
            **headers,
            "Content-Type": "application/xml",
            "Content-Length": str(len(content)),
            "x-ms-blob-content-md5": _encoded_md5(draft),
        }
        query = {"comp": "blocklist"}
        call = self._pipeline.call("PUT", draft.key, what=what, query=query, headers=headers, content=content)
        async with call as response:
            return _published(draft, response.headers)

    async def _copied(self, target: ObjectKey, status: str, what: str) -> ObjectInfo:
        """Wait for the end of a copy, with no limit of time: the server alone knows how long it takes."""
        pause = _COPY_POLL_FIRST_S
        while True:
            async with self._pipeline.call("HEAD", target, what=what) as response:
                status = response.headers.get("x-ms-copy-status", status)
                if status == "success":
                    return info_from_head(target, response.headers)
                if status != "pending":
                    words = response.headers.get("x-ms-copy-status-description", "")
                    raise Unavailable(f"{what}: the copy ended as {status}: {words}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _COPY_POLL_MOST_S)

    def _writable(self, key: ObjectKey, what: str) -> None:
        try:
            self._pipeline.blob_url(key)
        except ObjectNotFound as error:
            raise Unsupported(f"{what}: Azure's names are UTF-8") from error


def _condition(precondition: Precondition) -> dict[str, str]:
    if precondition is None:
        return {}
    if isinstance(precondition, Absent):
        return {"If-None-Match": "*"}
    return {"If-Match": quoted(precondition)}


def _draft(key: ObjectKey, size: int, md5: bytes) -> ObjectInfo:
    """Describe what goes up; version and time are the server's to give."""
    return ObjectInfo(key, size, ObjectVersion(""), 0, Digest("md5", md5))


def _published(draft: ObjectInfo, headers: Mapping[str, str]) -> ObjectInfo:
    return draft._replace(
        version=etag_version(headers.get("ETag", "")), mtime_ns=http_date_ns(headers.get("Last-Modified"))
    )


def _encoded_md5(draft: ObjectInfo) -> str:
    assert draft.digest is not None  # a draft has one
    return b64encode(draft.digest.value).decode()


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()
