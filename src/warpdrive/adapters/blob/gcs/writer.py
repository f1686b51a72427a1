"""The writing half: multipart insert for small bodies, a resumable session for large ones, rewrite, delete."""

import asyncio
import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing

import aiohttp
import msgspec

from warpdrive.adapters.blob.gcs.api import RESUME_INCOMPLETE
from warpdrive.adapters.blob.gcs.reader import GcsReader, resource_of
from warpdrive.adapters.blob.gcs.resources import OBJECT_FIELDS, Rewrite, generation
from warpdrive.adapters.blob.http.parts import chained, in_parts, in_pieces
from warpdrive.application.ports.errors import (
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    Unavailable,
    Unsupported,
)
from warpdrive.application.ports.object_writer import Absent, Precondition
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

PART_SIZE = 8 * 1024 * 1024
"""Bytes of one request of a resumable upload (a multiple of 256 KiB, Google's rule), and the most that goes up
in a single multipart insert."""

_CONTENT_TYPE = "application/octet-stream"
_JSON = "application/json; charset=UTF-8"
_STORED = re.compile(r"bytes=0-(\d+)")


class GcsStore(GcsReader):
    """Reads and writes one bucket."""

    async def write(
        self,
        key: ObjectKey,
        body: AsyncIterable[bytes | memoryview],
        *,
        size: int | None = None,
        precondition: Precondition = None,
        metadata: dict[str, str] | None = None,
    ) -> ObjectInfo:
        """Publish `body`. Parts of a large one go up one after the other: a resumable session has one end."""
        what = f"write {key!r}"
        self._writable(key, what)
        params = {"fields": OBJECT_FIELDS, **_condition(precondition)}
        resource: dict[str, object] = {"name": key, "contentType": _CONTENT_TYPE}
        if metadata:
            resource["metadata"] = metadata
        async with aclosing(in_parts(body, PART_SIZE, size, what)) as parts:
            first = await anext(parts)
            try:
                if len(first) < PART_SIZE:
                    return await self._insert(first, resource, params, what)
                session = await self._begin(resource, params, what)
            except ObjectNotFound as fault:
                # There is no object to miss when one is made: it is the bucket.
                raise BackendMisconfigured(f"there is no such bucket: {fault.detail}") from fault
            return await self._upload(session, chained(first, parts), what)

    async def copy(self, source: ObjectKey, target: ObjectKey, *, version: ObjectVersion | None = None) -> ObjectInfo:
        """Rewrite on the server, in as many calls as it asks for."""
        what = f"copy {source!r} to {target!r}"
        self._writable(target, what)
        params = {"fields": f"done,rewriteToken,resource({OBJECT_FIELDS})"}
        if version is not None:
            params["ifSourceGenerationMatch"] = generation(version)
        url = self._api.rewrite_url(source, target)
        while True:
            try:
                async with self._api.call("POST", url, what=what, params=params) as response:
                    answer = await self._rewritten(response, what)
            except ObjectNotFound as fault:
                raise await self._api.missing(fault) from fault
            if answer.done and answer.resource is not None:
                return answer.resource.info()
            if not answer.rewrite_token:
                raise Unavailable(f"{what}: the rewrite is not done and cannot go on")
            params["rewriteToken"] = answer.rewrite_token

    async def delete(self, key: ObjectKey, *, version: ObjectVersion | None = None) -> None:
        """Delete the object, with `version` under ifGenerationMatch."""
        params = {"ifGenerationMatch": generation(version)} if version is not None else {}
        url = self._api.object_url(key)
        try:
            async with self._api.call("DELETE", url, what=f"delete {key!r}", params=params):
                pass
        except ObjectNotFound as fault:
            raise await self._api.missing(fault) from fault

    async def _insert(
        self, content: bytes, resource: dict[str, object], params: dict[str, str], what: str
    ) -> ObjectInfo:
        """Send metadata and media in one request (multipart/related)."""
        md5 = await asyncio.to_thread(lambda: hashlib.md5(content, usedforsecurity=False).digest())
        # Checked by the server before it takes the object.
        head = msgspec.json.encode({**resource, "md5Hash": b64encode(md5).decode()})
        boundary = secrets.token_hex(16)
        opening = f"--{boundary}\r\nContent-Type: {_JSON}\r\n\r\n".encode() + head
        opening += f"\r\n--{boundary}\r\nContent-Type: {_CONTENT_TYPE}\r\n\r\n".encode()
        closing = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/related; boundary={boundary}",
            "Content-Length": str(len(opening) + len(content) + len(closing)),
        }
        params = {"uploadType": "multipart", **params}
        data = _framed(opening, content, closing)
        call = self._api.call("POST", self._api.upload_url, what=what, params=params, headers=headers, data=data)
        async with call as response:
            return resource_of(await self._api.decode(response, what), what).info()

    async def _upload(self, session: str, parts: AsyncIterator[bytes], what: str) -> ObjectInfo:
        try:
            return await self._send_parts(session, parts, what)
        except ObjectNotFound as fault:
            raise Unavailable(f"{what}: the upload session ended: {fault.detail}") from fault
        except BaseException:
            # Also when cancelled: the session is not seen by anybody, but keeps its parts for a week.
            await asyncio.shield(self._abandon(session, what))
            raise

    async def _begin(self, resource: dict[str, object], params: dict[str, str], what: str) -> str:
        content = msgspec.json.encode(resource)
        headers = {"Content-Type": _JSON, "X-Upload-Content-Type": _CONTENT_TYPE}
        params = {"uploadType": "resumable", **params}
        call = self._api.call("POST", self._api.upload_url, what=what, params=params, headers=headers, data=content)
        async with call as response:
            session = response.headers.get("Location", "")
        if not session:
            raise Unavailable(f"{what}: the server opened no upload session")
        return session

    async def _send_parts(self, session: str, parts: AsyncIterator[bytes], what: str) -> ObjectInfo:
        start = 0
        pending: bytes | None = None
        async for part in parts:
            if pending is not None:
                start += await self._send_whole(session, pending, start, what)
            pending = part
        assert pending is not None  # there is always a last part
        total = start + len(pending)
        headers = {"Content-Range": _range(start, len(pending), str(total)), "Content-Length": str(len(pending))}
        call = self._api.call("PUT", session, what=what, headers=headers, data=in_pieces(pending))
        async with call as response:
            if response.status == RESUME_INCOMPLETE:
                raise Unavailable(f"{what}: the server did not take the end of the upload")
            return resource_of(await self._api.decode(response, what), what).info()

    async def _send_whole(self, session: str, part: bytes, start: int, what: str) -> int:
        """Send a part that is not the last; the server may keep less of it than was sent. Returns its length."""
        sent = 0
        while sent < len(part):
            rest = part[sent:]
            headers = {"Content-Range": _range(start + sent, len(rest), "*"), "Content-Length": str(len(rest))}
            call = self._api.call("PUT", session, what=what, headers=headers, data=in_pieces(rest))
            async with call as response:
                stored = _STORED.fullmatch(response.headers.get("Range", ""))
            kept = (int(stored.group(1)) + 1 if stored else 0) - start
            if not sent < kept <= len(part):
                raise Unavailable(f"{what}: the upload does not move on at byte {start + sent}")
            sent = kept
        return sent

    async def _abandon(self, session: str, what: str) -> None:
        """Cancel the session. Google answers 499; if it cannot be reached, the session ends after a week."""
        try:
            async with self._api.call("DELETE", session, what=f"{what}: abandon", headers={"Content-Length": "0"}):
                pass
        except BackendError:
            return

    async def _rewritten(self, response: aiohttp.ClientResponse, what: str) -> Rewrite:
        document = await self._api.decode(response, what)
        try:
            return msgspec.json.decode(document, type=Rewrite)
        except msgspec.DecodeError as error:
            raise Unavailable(f"{what}: the answer is no rewrite: {error}") from error

    def _writable(self, key: ObjectKey, what: str) -> None:
        try:
            self._api.object_url(key)
        except ObjectNotFound as error:
            raise Unsupported(f"{what}: Google's names are UTF-8") from error


def _condition(precondition: Precondition) -> dict[str, str]:
    if precondition is None:
        return {}
    return {"ifGenerationMatch": "0" if isinstance(precondition, Absent) else generation(precondition)}


def _range(start: int, length: int, total: str) -> str:
    if not length:
        return f"bytes */{total}"
    return f"bytes {start}-{start + length - 1}/{total}"


async def _framed(opening: bytes, content: bytes, closing: bytes) -> AsyncIterator[bytes]:
    yield opening
    async for piece in in_pieces(content):
        yield piece
    yield closing
