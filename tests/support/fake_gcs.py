"""A small, faithful fake of the Cloud Storage JSON API, on a thread and event loop of its own.

Written because the published emulators get preconditions and paging wrong. `fake_gcs_objects` holds the rules
of objects, `fake_gcs_uploads` those of uploads, `fake_gcs_tokens` is the token server; here is HTTP. What it
should answer comes from Google's reference of the JSON API; `tests/unit/support/test_fake_gcs.py` states it.
"""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from urllib.parse import unquote

from aiohttp import web

from tests.support.fake_gcs_objects import Bucket, Preconditions, Refusal, Shelves, StoredObject
from tests.support.fake_gcs_tokens import TokenDenied, TokenServer
from tests.support.fake_gcs_uploads import Session, Uploads
from tests.support.partial_response import select
from tests.support.ports import LOOPBACK, Address

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_BUCKETS = "/storage/v1/b/"
_BODY_LIMIT = 1024**3
_UPLOADS = "/upload/storage/v1/b/"


class FakeGcs:
    """The server's state and handlers."""

    def __init__(self) -> None:
        self.shelves = Shelves()
        self.uploads = Uploads(self.shelves)
        self.tokens = TokenServer()
        self.requests: list[tuple[str, str]] = []
        """(method, path with query) of every request met."""
        self.rewrite_step: int | None = None
        """Bytes that one rewrite call copies; None: all of them."""
        self._rewrites: dict[str, int] = {}
        self.address: Address = (LOOPBACK, 0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return url_of(self.address)

    def make_bucket(self, name: str, *, public: bool = False) -> Bucket:
        """Create a bucket; `public`: anonymous callers may read and list it."""
        return self.shelves.buckets.setdefault(name, Bucket(name, public=public))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append((request.method, request.raw_path))
        path = request.raw_path.partition("?")[0]
        media = request.query.get("alt") == "media"
        try:
            if path == "/token":
                return await self._token(request)
            if path.startswith(_UPLOADS):
                return await self._upload(request, unquote(path.removeprefix(_UPLOADS).removesuffix("/o")))
            if path.startswith(_BUCKETS):
                parts = [unquote(part) for part in path.removeprefix(_BUCKETS).split("/")]
                return await self._storage(request, parts, media=media)
            return _refused(Refusal(404, "notFound", "Not Found"), media=False)
        except Refusal as refusal:
            return _refused(refusal, media=media and refusal.status != 401)

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            return web.json_response(self.tokens.exchange(form, f"{self.url}/token"))
        except TokenDenied as denied:
            return web.json_response({"error": "invalid_grant", "error_description": str(denied)}, status=400)

    async def _storage(self, request: web.Request, parts: list[str], *, media: bool) -> web.StreamResponse:
        query, bucket = request.query, parts[0]
        match request.method, parts[1:]:
            case "GET", ["o"]:
                self._authorise(request, bucket, "list", reading=True)
                return self._listing(bucket, query)
            case "GET", ["o", name]:
                self._authorise(request, bucket, "get", reading=True)
                found = self.shelves.read(bucket, name, query)
                return _media(found, request.headers.get("Range")) if media else self._resource(found, query)
            case "DELETE", ["o", name]:
                self._authorise(request, bucket, "delete")
                self.shelves.delete(bucket, name, query)
                return web.Response(status=204)
            case "POST", ["o", name, "rewriteTo", "b", target_bucket, "o", target]:
                self._authorise(request, bucket, "get")
                source = self._source(bucket, name, query)
                return await self._rewrite(request, source, target_bucket, target)
            case "POST", ["o", name, "copyTo", "b", target_bucket, "o", target]:
                self._authorise(request, bucket, "get")
                source = self._source(bucket, name, query)
                return self._resource(await self._copied(request, source, target_bucket, target), query)
            case _:
                raise Refusal(404, "notFound", "Not Found")

    async def _upload(self, request: web.Request, bucket: str) -> web.StreamResponse:
        query, body = request.query, await request.read()
        content_type = request.headers.get("Content-Type", "")
        upload_id = query.get("upload_id")
        if upload_id is not None:  # the session's address is all that is needed
            return self._session(request, upload_id, body)
        self._authorise(request, bucket, "create")
        match request.method, query.get("uploadType"):
            case "POST", "media":
                return self._resource(self.uploads.media(bucket, query, content_type, body), query)
            case "POST", "multipart":
                return self._resource(self.uploads.multipart(bucket, query, content_type, body), query)
            case "POST", "resumable":
                media_type = request.headers.get("X-Upload-Content-Type", "application/octet-stream")
                upload_id = self.uploads.begin(bucket, query, media_type, body)
                # As seen by the client, so that a proxy in between stays in between.
                location = f"http://{request.host}{request.path_qs}&upload_id={upload_id}"
                return web.Response(headers={"Location": location})
            case _:
                raise Refusal(400, "invalid", "Invalid upload type.", "uploadType")

    def _session(self, request: web.Request, upload_id: str, body: bytes) -> web.Response:
        if request.method == "DELETE":
            self.uploads.session(upload_id)
            del self.uploads.sessions[upload_id]
            return web.Response(status=499, reason="Client Closed Request")
        answer = self.uploads.put(upload_id, request.headers.get("Content-Range", ""), body)
        if isinstance(answer, Session):
            return web.Response(status=308, reason="Resume Incomplete", headers=answer.range_header)
        return self._resource(answer, request.query)

    def _listing(self, bucket: str, query: Mapping[str, str]) -> web.Response:
        items, prefixes, token = self.shelves.listing(bucket, query)
        page: dict[str, object] = {"kind": "storage#objects"}
        if token is not None:
            page["nextPageToken"] = token
        if prefixes:
            page["prefixes"] = prefixes
        if items:
            page["items"] = [item.resource(self.url) for item in items]
        return _json(page, query)

    def _source(self, bucket: str, name: str, query: Mapping[str, str]) -> StoredObject:
        source = self.shelves.live(bucket, name)
        Preconditions.of(query, "Source").check(source)
        return source

    async def _rewrite(
        self, request: web.Request, source: StoredObject, target_bucket: str, target: str
    ) -> web.Response:
        """objects.rewrite: a token for each call but the last, the resource with the last."""
        size = len(source.data)
        token = request.query.get("rewriteToken", "")
        if token and token not in self._rewrites:
            raise Refusal(400, "invalid", "Invalid rewrite token.", "rewriteToken")
        done = self._rewrites.pop(token, 0) + (self.rewrite_step or size)
        answer: dict[str, object] = {"kind": "storage#rewriteResponse", "objectSize": str(size)}
        if done < size:
            token = f"rewrite-{len(self.requests)}"
            self._rewrites[token] = done
            answer |= {"done": False, "totalBytesRewritten": str(done), "rewriteToken": token}
        else:
            stored = await self._copied(request, source, target_bucket, target)
            answer |= {"done": True, "totalBytesRewritten": str(size), "resource": stored.resource(self.url)}
        return _json(answer, request.query)

    async def _copied(
        self, request: web.Request, source: StoredObject, target_bucket: str, target: str
    ) -> StoredObject:
        """Without a resource in the body the source's metadata come along."""
        text = await request.read()
        resource: dict[str, object] = {
            "contentType": source.content_type,
            "metadata": dict(source.metadata),
            **(json.loads(text) if text else {}),
        }
        wanted = Preconditions.of(request.query)
        return self.shelves.insert(target_bucket, target, source.data, resource, wanted)

    def _resource(self, stored: StoredObject, query: Mapping[str, str]) -> web.Response:
        return _json(stored.resource(self.url), query)

    def _authorise(self, request: web.Request, bucket: str, action: str, *, reading: bool = False) -> None:
        """401 for no or a bad token, unless the bucket is public and is read without one."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            held = self.shelves.buckets.get(bucket)
            if reading and held is not None and held.public:
                return
            permission = f"storage.objects.{action}"
            raise Refusal(
                401,
                "required",
                f"Anonymous caller does not have {permission} access to the Google Cloud Storage object. "
                f"Permission '{permission}' denied on resource (or it may not exist).",
                "Authorization",
            )
        if scheme != "Bearer" or token not in self.tokens.valid:
            raise Refusal(401, "authError", "Invalid Credentials", "Authorization")


def url_of(address: Address) -> str:
    """Write an address as the API's root."""
    return f"http://{address[0]}:{address[1]}"


def _media(stored: StoredObject, wanted: str | None) -> web.Response:
    size = len(stored.data)
    start, end, status = 0, size, 200
    match = _RANGE.fullmatch(wanted or "")
    if match is not None and match.group(0) != "bytes=-":
        first, last = match.groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last) + 1, size) if first and last else size
        if start >= size:
            raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
        status = 206
    response = web.Response(status=status, body=stored.data[start:end], headers={"Content-Type": stored.content_type})
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.headers["Last-Modified"] = format_datetime(stored.updated, usegmt=True)
    response.headers["ETag"] = stored.etag
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["x-goog-generation"] = str(stored.generation)
    response.headers["x-goog-metageneration"] = str(stored.metageneration)
    response.headers["x-goog-stored-content-encoding"] = "identity"
    response.headers["x-goog-stored-content-length"] = str(size)
    response.headers["x-goog-storage-class"] = "STANDARD"
    response.headers.add("x-goog-hash", f"crc32c={stored.crc32c}")
    response.headers.add("x-goog-hash", f"md5={stored.md5_hash}")
    return response


def _json(answer: dict[str, object], query: Mapping[str, str]) -> web.Response:
    fields = query.get("fields")
    return web.json_response(select(answer, fields) if fields else answer)


def _refused(refusal: Refusal, *, media: bool) -> web.Response:
    if refusal.status == 304:
        return web.Response(status=304)
    if media:  # reads of media are refused in plain text
        return web.Response(status=refusal.status, text=refusal.message)
    cause = {"message": refusal.message, "domain": "global", "reason": refusal.reason}
    if refusal.location:
        kind = "header" if refusal.location[0].isupper() else "parameter"
        cause |= {"locationType": kind, "location": refusal.location}
    error = {"code": refusal.status, "message": refusal.message, "errors": [cause]}
    return web.json_response({"error": error}, status=refusal.status)


@contextlib.contextmanager
def fake_gcs() -> Iterator[FakeGcs]:
    """Run a fake for the block."""
    fake = FakeGcs()
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        application = web.Application(client_max_size=_BODY_LIMIT)
        application.router.add_route("*", "/{path:.*}", fake.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()
        host, port = runner.addresses[0][:2]
        fake.address = (host, port)
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="fake-gcs")
    thread.start()
    try:
        if not ready.wait(10.0):
            raise AssertionError("the fake does not listen")
        yield fake
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10.0)
        loop.close()
