"""What only Azure has, on Azurite: blocks, SAS, public containers, quiet logs. The rest is the contract's."""

import hashlib
import logging
from collections.abc import AsyncIterator

import pytest

from tests.support.azurite import Azurite
from tests.support.fault_proxy import FaultProxy
from warpdrive.adapters.blob.azure import open_azure
from warpdrive.adapters.blob.azure.writer import PART_SIZE
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.credentials import Anonymous, Credentials, EnvironmentChain, SasToken
from warpdrive.application.ports.errors import (
    AccessDenied,
    ObjectNotFound,
    ShortBody,
    Throttled,
    Unavailable,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.object_writer import Absent
from warpdrive.application.ports.objects import Digest, ObjectInfo, ObjectKey, ObjectVersion

KEY = ObjectKey("some/blob.bin")


async def _body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.fixture
async def store(server: Azurite, container: str) -> AsyncIterator[ObjectStore]:
    """An open store on an empty container."""
    opened = open_azure(server.definition(container), server.credentials)
    yield opened
    await opened.aclose()


class TestBlocks:
    PIECES = tuple(bytes([number]) * (3 * 1024 * 1024) for number in range(6))

    async def test_large_body_keeps_its_md5(self, store: ObjectStore) -> None:
        """Azure computes no MD5 over blocks; ours, made while sending, is stored and can be checked on reading."""
        info = await store.write(KEY, _body(*self.PIECES), precondition=Absent())
        whole = b"".join(self.PIECES)
        assert info == await store.stat(KEY)
        assert info.digest == Digest("md5", hashlib.md5(whole).digest())
        buffer = bytearray(len(whole))
        read = await store.read_range(KEY, 0, memoryview(buffer), version=info.version)
        assert buffer == whole
        assert read == info

    async def test_body_of_exactly_one_part(self, store: ObjectStore) -> None:
        """The limit between one Put Blob and blocks is no gap."""
        info = await store.write(KEY, _body(b"x" * PART_SIZE), size=PART_SIZE)
        assert info.size == PART_SIZE == (await store.stat(KEY)).size

    async def test_lost_precondition_leaves_the_old_blob(self, store: ObjectStore) -> None:
        """The condition stands on the commit: blocks sent before it change nothing."""
        old = await store.write(KEY, _body(b"old"))
        with pytest.raises(VersionChanged):
            await store.write(KEY, _body(*self.PIECES), precondition=Absent())
        with pytest.raises(VersionChanged):
            await store.write(KEY, _body(*self.PIECES), precondition=ObjectVersion("0xDEAD"))
        assert await store.stat(KEY) == old

    async def test_failing_body_publishes_nothing(self, store: ObjectStore) -> None:
        """The body's own error comes out as it is, and no blob appears."""

        async def failing() -> AsyncIterator[bytes]:
            for piece in self.PIECES:
                yield piece
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(KEY, failing())
        with pytest.raises(ShortBody):
            await store.write(KEY, _body(*self.PIECES), size=1 + sum(map(len, self.PIECES)))
        with pytest.raises(ObjectNotFound):
            await store.stat(KEY)

    async def test_fault_of_one_block_is_the_writes_fault(
        self, server: Azurite, container: str, store: ObjectStore
    ) -> None:
        """A block that the server throttles ends the write as Throttled, not as a group of errors."""
        async with FaultProxy(server.address) as proxy:
            definition = server.definition(container)
            endpoint = server.endpoint.replace(str(server.address[1]), str(proxy.address[1]))
            options = {**definition.options, "endpoint": endpoint}
            through = open_azure(type(definition)("p", "azureblob", options), server.credentials)
            proxy.answer(503, "Busy", retry_after="3")
            with pytest.raises(Throttled) as caught:
                await through.write(KEY, _body(*self.PIECES))
            await through.aclose()
        assert caught.value.retry_after == 3.0
        with pytest.raises(ObjectNotFound):
            await store.stat(KEY)


class TestCredentials:
    async def _opened(self, server: Azurite, container: str, credentials: Credentials) -> ObjectInfo:
        store = open_azure(server.definition(container), credentials)
        try:
            return await store.stat(KEY)
        finally:
            await store.aclose()

    async def test_sas_reads_writes_and_copies(self, server: Azurite, container: str) -> None:
        """A container's SAS does everything; a copy takes it along to its source."""
        store = open_azure(server.definition(container), SasToken(server.container_sas(container)))
        info = await store.write(KEY, _body(b"abc"), metadata={"mtime": "12.5"})
        copied = await store.copy(KEY, ObjectKey("copy & co"), version=info.version)
        assert copied.digest == info.digest
        page = await store.list_page(ObjectKey(""), recursive=True)
        shown = [each._replace(storage_class="") for each in page.objects]
        assert shown == [copied._replace(mtime_ns=page.objects[0].mtime_ns), info]
        await store.delete(KEY, version=info.version)
        await store.aclose()

    async def test_sas_without_the_right_is_denied(self, server: Azurite, container: str) -> None:
        """A SAS for listing alone does not read."""
        with pytest.raises(AccessDenied):
            await self._opened(server, container, SasToken(server.container_sas(container, "l")))

    async def test_anonymous_reads_public_containers_only(self, server: Azurite, container: str) -> None:
        """Without credentials a public container is readable, another one is not there or refused."""
        server.make_container(f"public-{container}", public=True)
        writer = open_azure(server.definition(f"public-{container}"), server.credentials)
        info = await writer.write(KEY, _body(b"abc"))
        await writer.aclose()
        assert await self._opened(server, f"public-{container}", Anonymous()) == info
        with pytest.raises((AccessDenied, ObjectNotFound)):
            await self._opened(server, container, Anonymous())

    async def test_environment_signs(
        self, server: Azurite, container: str, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AZURE_STORAGE_KEY is enough."""
        info = await store.write(KEY, _body(b"abc"))
        monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
        monkeypatch.setenv("AZURE_STORAGE_KEY", server.credentials.account_key)
        assert await self._opened(server, container, EnvironmentChain()) == info


class TestManners:
    async def test_names_with_odd_characters_come_back(self, store: ObjectStore) -> None:
        """Names survive signing, sending and listing, whatever URL syntax they hold."""
        keys = ["a%41b", "a b+c", "ü/€?x=1&y#z", "q'\"<>|", "tilde~-_.!*()"]
        for key in keys:
            await store.write(ObjectKey(key), _body(key.encode()))
        page = await store.list_page(ObjectKey(""), recursive=True)
        assert sorted(info.key for info in page.objects) == sorted(keys)
        for key in keys:
            buffer = bytearray(len(key.encode()))
            await store.read_range(ObjectKey(key), 0, memoryview(buffer))
            assert buffer == key.encode()

    async def test_name_that_is_not_utf8_is_absent_and_not_writable(self, store: ObjectStore) -> None:
        """No blob can have such a name; an attempt to make one is refused by name."""
        key = ObjectKey("raw\udcff")
        with pytest.raises(ObjectNotFound):
            await store.stat(key)
        with pytest.raises(Unsupported):
            await store.write(key, _body(b""))
        assert await store.list_page(ObjectKey("raw\udcff/")) == ([], [], None)

    async def test_requests_write_no_log_lines(self, store: ObjectStore, caplog: pytest.LogCaptureFixture) -> None:
        """The SDK's two lines of INFO for each request are kept out of the log."""
        caplog.set_level(logging.INFO)
        await store.write(KEY, _body(b"abc"))
        assert [record for record in caplog.records if record.name.startswith(("azure", "warpdrive"))] == []

    async def test_closed_store_answers_no_more(self, store: ObjectStore) -> None:
        """Closing twice is safe; a call after it fails at once."""
        await store.aclose()
        await store.aclose()
        with pytest.raises(Unavailable):
            await store.stat(KEY)
