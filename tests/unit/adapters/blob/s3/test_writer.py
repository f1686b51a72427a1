"""The writing half on a real server: what the contract cannot see from outside."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.ministack import ministack, ministack_missing
from tests.support.s3_server import S3Server
from tests.support.scripted_server import ScriptedServer, whole
from warpdrive.adapters.blob.s3 import open_s3
from warpdrive.adapters.blob.s3.backend import S3Backend
from warpdrive.adapters.blob.s3.endpoint import Endpoint
from warpdrive.adapters.blob.s3.keychain import Keychain
from warpdrive.adapters.blob.s3.parts import MIB, PART_SIZE
from warpdrive.adapters.blob.s3.place import S3Options
from warpdrive.application.ports.credentials import AccessKey
from warpdrive.application.ports.errors import (
    AccessDenied,
    ShortBody,
    Throttled,
    Unavailable,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.object_writer import Absent
from warpdrive.application.ports.objects import ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition

_BUCKET = "writer-tests"
_KEY = ObjectKey("out/model.ckpt")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One server for the module."""
    reason = ministack_missing()
    if reason is not None:
        pytest.skip(reason)
    with ministack(tmp_path_factory.mktemp("ministack")) as server:
        server.make_bucket_now(_BUCKET)
        yield server


@pytest.fixture
async def backend(server: S3Server) -> AsyncIterator[S3Backend]:
    """A backend that copies in parts above 6 MiB, since nobody wants to wait for 5 GiB."""
    options = S3Options(_BUCKET, endpoint=server.endpoint, path_style=True)
    backend = S3Backend(Endpoint(options, Keychain(server.keys)), copy_limit=6 * MIB)
    async with contextlib.aclosing(backend):
        yield backend


async def _body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _open_uploads(server: S3Server) -> int:
    async with server.client() as client:
        return len((await client.list_multipart_uploads(Bucket=_BUCKET)).get("Uploads", []))


async def test_a_large_body_goes_in_parts(server: S3Server, backend: S3Backend) -> None:
    """The ETag shows how many; metadata travels too, and no upload stays open."""
    piece = bytes(range(256)) * 4096
    info = await backend.write(_KEY, _body(*[piece] * 20), metadata={"mode": "0644"})
    assert info.version.endswith("-3")
    assert info.size == 20 * MIB
    assert await backend.stat(_KEY) == info
    async with server.client() as client:
        assert (await client.head_object(Bucket=_BUCKET, Key=_KEY))["Metadata"] == {"mode": "0644"}
    buffer = bytearray(20 * MIB)
    await backend.read_range(_KEY, 0, memoryview(buffer), version=info.version)
    assert bytes(buffer) == piece * 20
    assert await _open_uploads(server) == 0


@pytest.mark.parametrize("fault", [OSError("the disk broke"), asyncio.CancelledError()])
async def test_a_body_that_breaks_off_is_aborted(server: S3Server, backend: S3Backend, fault: BaseException) -> None:
    """The fault is raised as it is, and the parts already sent are given back."""

    async def body() -> AsyncIterator[bytes]:
        yield bytes(2 * PART_SIZE + 1)
        assert await _open_uploads(server) == 1
        raise fault

    with pytest.raises(type(fault)):
        await backend.write(ObjectKey("broken"), body())
    assert await _open_uploads(server) == 0


async def test_a_large_body_of_another_length_is_aborted(server: S3Server, backend: S3Backend) -> None:
    """The length is checked before anything is published."""
    with pytest.raises(ShortBody):
        await backend.write(ObjectKey("short"), _body(bytes(2 * PART_SIZE)), size=3 * PART_SIZE)
    assert await _open_uploads(server) == 0


async def test_a_large_body_that_lost_its_condition_is_aborted(server: S3Server, backend: S3Backend) -> None:
    """The winner's object stays, and no parts do."""
    won = await backend.write(ObjectKey("contested"), _body(b"won"))
    with pytest.raises(VersionChanged):
        await backend.write(ObjectKey("contested"), _body(bytes(2 * PART_SIZE)), precondition=Absent())
    assert await backend.stat(ObjectKey("contested")) == won
    assert await _open_uploads(server) == 0


async def test_a_large_object_is_copied_in_parts(server: S3Server, backend: S3Backend) -> None:
    """Bytes and metadata arrive, and a version that moved on is not copied."""
    data = bytes(range(256)) * (13 * MIB // 256)
    source = await backend.write(ObjectKey("source"), _body(data), metadata={"a": "b"})
    copied = await backend.copy(ObjectKey("source"), ObjectKey("target"), version=source.version)
    assert copied.version.endswith("-3")
    buffer = bytearray(len(data))
    await backend.read_range(ObjectKey("target"), 0, memoryview(buffer), version=copied.version)
    assert bytes(buffer) == data
    async with server.client() as client:
        assert (await client.head_object(Bucket=_BUCKET, Key="target"))["Metadata"] == {"a": "b"}
    await backend.write(ObjectKey("source"), _body(b"moved on"))
    with pytest.raises(VersionChanged):
        await backend.copy(ObjectKey("source"), ObjectKey("target"), version=source.version)


async def test_a_closed_backend_writes_nothing(backend: S3Backend) -> None:
    """Whether it wrote before or not."""
    await backend.write(ObjectKey("before"), _body(b"x"))
    await backend.aclose()
    with pytest.raises(Unavailable):
        await backend.write(ObjectKey("after"), _body(b"x"))


async def test_names_beyond_utf8_are_refused(backend: S3Backend) -> None:
    """S3 keeps UTF-8 only; better said here than by a server that mangles the name."""
    with pytest.raises(Unsupported):
        await backend.write(ObjectKey("raw\udce9"), _body(b"x"))


_HEADERS = {"ETag": '"v1"', "Last-Modified": "Thu, 29 Feb 2024 12:00:00 GMT"}


def _opened(server: ScriptedServer) -> S3Backend:
    endpoint = "http://{}:{}".format(*server.address)
    return open_s3(BackendDefinition("b", "s3", {"bucket": "bucket", "endpoint": endpoint}), AccessKey("i", "s"))


async def test_a_store_without_conditional_delete_is_looked_at_first() -> None:
    """The version is compared, and the refused condition is left out."""
    refusal = whole(501, b"<Error><Code>NotImplemented</Code><Message>If-Match</Message></Error>")
    found = whole(200, headers=_HEADERS)
    async with ScriptedServer(found, refusal, whole(204), found) as server:
        async with contextlib.aclosing(_opened(server)) as backend:
            await backend.delete(_KEY, version=ObjectVersion("v1"))
            with pytest.raises(VersionChanged):
                await backend.delete(_KEY, version=ObjectVersion("v2"))
        assert [request.partition(" ")[0] for request in server.requests] == ["HEAD", "DELETE", "DELETE", "HEAD"]
        assert "if-match" in server.requests[1].lower()
        assert "if-match" not in server.requests[2].lower()


async def test_the_sdk_tries_once_and_its_faults_are_ours() -> None:
    """Retrying is the wrapper's business; the wait that the server asks for is passed on."""
    slow = whole(503, b"<Error><Code>SlowDown</Code></Error>", headers={"Retry-After": "3"})
    denied = whole(403, b"<Error><Code>AccessDenied</Code></Error>")
    async with ScriptedServer(slow, denied) as server, contextlib.aclosing(_opened(server)) as backend:
        with pytest.raises(Throttled) as caught:
            await backend.write(_KEY, _body(b"x"))
        assert caught.value.retry_after == 3.0
        with pytest.raises(AccessDenied):
            await backend.write(_KEY, _body(b"x"))
        assert len(server.requests) == 2
