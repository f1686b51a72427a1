"""The reading half, against servers that answer oddly; the ordinary is the contract suite's."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certificates import self_signed
from tests.support.listing_server import BUCKET, ListingServer, body_of, key_at
from tests.support.scripted_server import Answer, ScriptedServer, whole
from warpdrive.adapters.blob.s3 import open_s3
from warpdrive.adapters.blob.s3.backend import S3Backend
from warpdrive.application.ports.credentials import AccessKey, Anonymous, EnvironmentChain
from warpdrive.application.ports.errors import (
    BackendError,
    BackendMisconfigured,
    ObjectNotFound,
    ShortBody,
    Unavailable,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition

_KEY = ObjectKey("k")
_V1 = ObjectVersion("v1")
_HEADERS = {"ETag": '"v1"', "Last-Modified": "Thu, 29 Feb 2024 12:00:00 GMT"}


class _Sink:
    def __init__(self) -> None:
        self.heard: list[ObjectInfo | int] = []

    def started(self, info: ObjectInfo) -> None:
        self.heard.append(info)

    def advanced(self, filled: int) -> None:
        self.heard.append(filled)


def _part(start: int, body: bytes, size: int, **changes: str) -> Answer:
    headers = {**_HEADERS, "Content-Range": f"bytes {start}-{start + len(body) - 1}/{size}", **changes}
    return whole(206, body, headers=headers)


@contextlib.asynccontextmanager
async def _backend(
    endpoint: str, credentials: AccessKey | Anonymous | EnvironmentChain | None = None
) -> AsyncIterator[S3Backend]:
    definition = BackendDefinition("b", "s3", {"bucket": BUCKET, "endpoint": endpoint})
    async with contextlib.aclosing(open_s3(definition, credentials or AccessKey("id", "secret"))) as backend:
        yield backend


@contextlib.asynccontextmanager
async def _scripted(*script: Answer) -> AsyncIterator[tuple[ScriptedServer, S3Backend]]:
    async with ScriptedServer(*script) as server, _backend("http://{}:{}".format(*server.address)) as backend:
        yield server, backend


async def _read(backend: S3Backend, offset: int, length: int, version: ObjectVersion | None = None) -> bytes:
    buffer = bytearray(length)
    await backend.read_range(_KEY, offset, memoryview(buffer), version=version)
    return bytes(buffer)


class TestReadRange:
    async def test_sink_hears_headers_then_bytes(self) -> None:
        """The object's description first, then how far the buffer is filled."""
        async with _scripted(_part(5, b"abc", 20)) as (server, backend):
            buffer, sink = bytearray(3), _Sink()
            info = await backend.read_range(_KEY, 5, memoryview(buffer), version=_V1, sink=sink)
            assert (info.size, info.version, bytes(buffer)) == (20, "v1", b"abc")
            assert sink.heard[0] == info
            assert sink.heard[-1] == 3
            assert 'if-match:"v1"\r\n' in server.requests[0]
            assert "range:bytes=5-7\r\n" in server.requests[0]

    async def test_a_whole_object_may_come_as_200(self) -> None:
        """When it is just what was asked for."""
        async with _scripted(whole(200, b"abc", headers=_HEADERS)) as (_, backend):
            assert await _read(backend, 0, 3) == b"abc"

    @pytest.mark.parametrize(("offset", "length"), [(0, 2), (1, 2)])
    async def test_a_server_that_ignores_ranges_is_of_no_use(self, offset: int, length: int) -> None:
        """Said plainly, instead of downloading everything for each part."""
        async with _scripted(whole(200, b"abc", headers=_HEADERS)) as (_, backend):
            with pytest.raises(Unsupported):
                await _read(backend, offset, length)

    @pytest.mark.parametrize(
        "answer",
        [
            _part(6, b"abc", 20),
            _part(5, b"abcd", 20),
            whole(206, b"abc", headers=_HEADERS),
            _part(5, b"abc", 20, **{"Content-Range": "bytes 5-6/20"}),
            _part(5, b"abc", 20, **{"Content-Type": "multipart/byteranges", "Content-Range": ""}),
        ],
    )
    async def test_another_range_than_asked_is_refused(self, answer: Answer) -> None:
        """Bytes from elsewhere never reach the caller's memory."""
        async with _scripted(answer) as (_, backend):
            buffer = bytearray(b"###")
            with pytest.raises(Unavailable):
                await backend.read_range(_KEY, 5, memoryview(buffer))
            assert buffer == b"###"

    async def test_another_version_is_refused_even_when_the_server_ignores_conditions(self) -> None:
        """If-Match is asked, and the answer is checked."""
        async with _scripted(_part(0, b"abc", 3, ETag='"v2"')) as (_, backend):
            buffer, sink = bytearray(b"###"), _Sink()
            with pytest.raises(VersionChanged):
                await backend.read_range(_KEY, 0, memoryview(buffer), version=_V1, sink=sink)
            assert bytes(buffer) == b"###"
            assert not sink.heard

    async def test_an_object_that_ends_before_the_buffer_is_short(self) -> None:
        """What there was is delivered and counted."""
        async with _scripted(_part(5, b"ab", 7)) as (_, backend):
            buffer = bytearray(b"####")
            with pytest.raises(ShortBody) as caught:
                await backend.read_range(_KEY, 5, memoryview(buffer))
            assert (caught.value.received, bytes(buffer)) == (2, b"ab##")

    async def test_a_chunked_range_is_read_as_well(self) -> None:
        """Some proxies know no lengths."""
        head = "HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-2/3\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
        async with _scripted(Answer([f"{head}\r\n3\r\nabc\r\n0\r\n\r\n".encode()])) as (_, backend):
            assert await _read(backend, 0, 3, _V1) == b"abc"

    async def test_an_error_document_does_not_cost_the_connection(self) -> None:
        """It is read to its end, and the next request follows on the same connection."""
        missing = whole(404, b"<Error><Code>NoSuchKey</Code></Error>")
        async with _scripted(missing, _part(0, b"abc", 3)) as (server, backend):
            with pytest.raises(ObjectNotFound):
                await _read(backend, 0, 3)
            assert await _read(backend, 0, 3) == b"abc"
            assert server.connections == 1


class TestStat:
    async def test_a_missing_bucket_is_told_from_a_missing_object_once(self) -> None:
        """HEAD has no document, so the bucket is asked for when nothing has proved it yet."""
        gone = Answer([b"HTTP/1.1 404 Not Found\r\n\r\n"], "close")
        async with _scripted(gone, gone) as (server, backend):
            with pytest.raises(BackendMisconfigured, match=BUCKET):
                await backend.stat(_KEY)
            server.then(gone, whole(200), gone)
            for _ in range(2):
                with pytest.raises(ObjectNotFound):
                    await backend.stat(_KEY)
            assert len(server.requests) == 5

    async def test_a_size_that_is_not_said_is_an_error(self) -> None:
        """Rather than a file of no bytes."""
        answer = Answer([b'HTTP/1.1 200 OK\r\nETag: "x"\r\n\r\n'], "close")
        async with _scripted(answer) as (_, backend):
            with pytest.raises(Unavailable):
                await backend.stat(_KEY)


class TestManyNames:
    async def test_every_name_once(self) -> None:
        """Pages follow each other to the end, of any size."""
        async with ListingServer(3456) as server, _backend(server.endpoint) as backend:
            for limit, pages in ((1000, 4), (10_000, 4), (500, 7)):
                server.lists = 0
                names: list[str] = []
                cursor = None
                while True:
                    page = await backend.list_page(ObjectKey("names/"), cursor=cursor, limit=limit)
                    names += [info.key for info in page.objects]
                    cursor = page.cursor
                    if cursor is None:
                        break
                assert names == [key_at(index) for index in range(3456)]
                assert server.lists == pages
            assert (await backend.list_page(ObjectKey(""))).prefixes == ["names/"]
            assert (await backend.list_page(ObjectKey("nothing/"))).objects == []

    async def test_listed_named_and_read_agree(self) -> None:
        """One object has one size, version and time, however it is looked at."""
        async with ListingServer(3) as server, _backend(server.endpoint) as backend:
            for listed in (await backend.list_page(ObjectKey("names/"))).objects:
                buffer = bytearray(listed.size)
                read = await backend.read_range(listed.key, 0, memoryview(buffer), version=listed.version)
                assert bytes(buffer) == body_of(listed.key)
                assert await backend.stat(listed.key) == read == listed._replace(digest=read.digest, storage_class="")


class TestCredentials:
    async def test_anonymous_requests_carry_no_signature(self) -> None:
        """Public buckets need none."""
        async with ScriptedServer(whole(200, headers=_HEADERS)) as server:
            async with _backend("http://{}:{}".format(*server.address), Anonymous()) as backend:
                await backend.stat(_KEY)
            assert "authorization" not in server.requests[0]

    async def test_the_environment_signs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The SDK's chain finds keys, token and region in the environment's variables."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMENV")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
        async with ScriptedServer(whole(200, headers=_HEADERS)) as server:
            async with _backend("http://{}:{}".format(*server.address), EnvironmentChain()) as backend:
                await backend.stat(_KEY)
            assert "Credential=FROMENV/" in server.requests[0]
            assert "/eu-west-3/s3/" in server.requests[0]
            assert "x-amz-security-token:token\r\n" in server.requests[0]

    async def test_an_empty_environment_is_a_misconfiguration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Said in words, before anything is sent."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        async with ScriptedServer() as server:
            async with _backend("http://{}:{}".format(*server.address), EnvironmentChain()) as backend:
                with pytest.raises(BackendMisconfigured, match="no credentials"):
                    await backend.stat(_KEY)
            assert server.connections == 0


async def test_https_trusts_the_bundle_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_CA_BUNDLE, as for the SDK; without it a private certificate is refused."""
    certificate = self_signed(tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    async with ScriptedServer(whole(200, headers=_HEADERS), tls=serving) as server:
        endpoint = f"https://localhost:{server.address[1]}"
        monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
        async with _backend(endpoint) as backend:
            with pytest.raises(BackendMisconfigured):
                await backend.stat(_KEY)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        async with _backend(endpoint) as backend:
            assert (await backend.stat(_KEY)).version == "v1"
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "absent.pem"))
        async with _backend(endpoint) as backend:
            with pytest.raises(BackendMisconfigured, match=r"absent\.pem"):
                await backend.stat(_KEY)


async def test_a_closed_backend_says_so() -> None:
    """And closing it twice, or unused, is safe."""
    async with ListingServer(1) as server, _backend(server.endpoint) as backend:
        await backend.stat(ObjectKey(key_at(0)))
        await backend.aclose()
        await backend.aclose()
        with pytest.raises(BackendError):
            await backend.stat(ObjectKey(key_at(0)))
