"""What only Google's storage has, on the fake: sessions, rewrites in steps. The rest is the contract's."""

from collections.abc import AsyncIterator

import pytest

from tests.support.fake_gcs import FakeGcs
from tests.support.fake_gcs_uploads import GRAIN
from tests.unit.adapters.blob.gcs.conftest import Opener
from warpdrive.adapters.blob.gcs import open_gcs
from warpdrive.adapters.blob.gcs.writer import PART_SIZE
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.credentials import AccountKey, Anonymous
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendMisconfigured,
    ObjectNotFound,
    Unavailable,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.object_writer import Absent
from warpdrive.application.ports.objects import ObjectKey, ObjectVersion
from warpdrive.domain.namespace.values import BackendDefinition

KEY = ObjectKey("some/object.bin")


async def _body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class TestSessions:
    PIECES = tuple(bytes([number]) * (3 * 1024 * 1024) for number in range(6))
    WHOLE = b"".join(PIECES)

    async def test_large_body_goes_up_in_parts(self, cloud: FakeGcs, bucket: str, store: ObjectStore) -> None:
        """Each part is one PUT to the session, the object appears with the last."""
        info = await store.write(KEY, _body(*self.PIECES), precondition=Absent(), metadata={"mtime": "1"})
        stored = cloud.shelves.buckets[bucket].objects[KEY]
        assert stored.data == self.WHOLE
        assert stored.metadata == {"mtime": "1"}
        assert info == await store.stat(KEY)
        assert [method for method, path in cloud.requests if "upload_id" in path] == ["PUT"] * 3

    async def test_rest_of_a_part_is_sent_again(self, cloud: FakeGcs, bucket: str, store: ObjectStore) -> None:
        """The service may keep less than it was sent; it says how much, and the rest follows."""
        cloud.uploads.keep_at_most = 20 * GRAIN
        await store.write(KEY, _body(*self.PIECES), size=len(self.WHOLE))
        assert cloud.shelves.buckets[bucket].objects[KEY].data == self.WHOLE

    async def test_session_that_keeps_nothing_does_not_go_on_for_ever(self, cloud: FakeGcs, store: ObjectStore) -> None:
        """No progress is a fault."""
        cloud.uploads.keep_at_most = 0
        with pytest.raises(Unavailable, match="does not move on"):
            await store.write(KEY, _body(*self.PIECES))
        assert cloud.uploads.sessions == {}

    async def test_body_of_exactly_one_part(self, store: ObjectStore) -> None:
        """The limit between one insert and a session is no gap."""
        info = await store.write(KEY, _body(b"x" * PART_SIZE), size=PART_SIZE)
        assert info.size == PART_SIZE == (await store.stat(KEY)).size

    async def test_failing_body_abandons_the_session(self, cloud: FakeGcs, store: ObjectStore) -> None:
        """The body's own error comes out, nothing is published and the session is cancelled."""

        async def failing() -> AsyncIterator[bytes]:
            for piece in self.PIECES:
                yield piece
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(KEY, failing())
        assert cloud.uploads.sessions == {}
        with pytest.raises(ObjectNotFound):
            await store.stat(KEY)

    async def test_object_that_appears_meanwhile_wins(self, cloud: FakeGcs, bucket: str, store: ObjectStore) -> None:
        """The precondition holds at the end of the session, not only at its beginning."""
        other = b"somebody else's"

        async def racing() -> AsyncIterator[bytes]:
            for piece in self.PIECES:
                yield piece
            await store.write(KEY, _body(other))

        with pytest.raises(VersionChanged):
            await store.write(KEY, racing(), precondition=Absent())
        assert cloud.shelves.buckets[bucket].objects[KEY].data == other
        assert cloud.uploads.sessions == {}


class TestRewrite:
    async def test_copy_takes_as_many_calls_as_the_service_wants(self, cloud: FakeGcs, store: ObjectStore) -> None:
        """Tokens are carried from call to call; metadata come along."""
        info = await store.write(KEY, _body(b"x" * 1000), metadata={"mode": "420"})
        cloud.rewrite_step = 300
        copied = await store.copy(KEY, ObjectKey("copy"), version=info.version)
        assert copied == await store.stat(ObjectKey("copy"))
        assert copied.digest == info.digest
        assert sum("rewriteTo" in path for _, path in cloud.requests) == 4


class TestBuckets:
    async def test_missing_object_in_a_known_bucket_costs_one_request(self, cloud: FakeGcs, store: ObjectStore) -> None:
        """The service's 404 does not tell bucket from object, so it is asked once, never again."""
        for _ in range(3):
            with pytest.raises(ObjectNotFound):
                await store.stat(KEY)
        storage = [path for _, path in cloud.requests if path.startswith("/storage")]
        assert sum("maxResults=1" in path for path in storage) == 1
        assert len(storage) == 4

    async def test_every_verb_says_that_the_bucket_is_missing(self, opener: Opener) -> None:
        """No verb takes a missing bucket for a missing object."""
        store = opener("no-such-bucket")
        with pytest.raises(BackendMisconfigured):
            await store.stat(KEY)
        with pytest.raises(BackendMisconfigured):
            await store.list_page(ObjectKey(""))
        with pytest.raises(BackendMisconfigured):
            await store.read_range(KEY, 0, memoryview(bytearray(1)))
        with pytest.raises(BackendMisconfigured):
            await store.write(KEY, _body(b"x"))
        with pytest.raises(BackendMisconfigured):
            await store.write(KEY, _body(b"x" * PART_SIZE))
        with pytest.raises(BackendMisconfigured):
            await store.copy(KEY, KEY)
        with pytest.raises(BackendMisconfigured):
            await store.delete(KEY)

    async def test_anonymous_reads_public_buckets_only(self, cloud: FakeGcs, opener: Opener) -> None:
        """Without credentials no token is fetched; a private bucket refuses."""
        cloud.make_bucket("public", public=True)
        await opener("public").write(KEY, _body(b"abc"))
        issued = cloud.tokens.issued
        buffer = bytearray(3)
        await opener("public", Anonymous()).read_range(KEY, 0, memoryview(buffer))
        assert buffer == b"abc"
        with pytest.raises(AccessDenied):
            await opener(credentials=Anonymous()).stat(KEY)
        assert cloud.tokens.issued == issued

    @pytest.mark.parametrize("options", [{}, {"bucket": "b", "endpoint": "storage.example"}])
    def test_bad_options_are_misconfigured(self, options: dict[str, str]) -> None:
        """A bucket is needed, and an endpoint is a URL."""
        with pytest.raises(BackendMisconfigured):
            open_gcs(BackendDefinition("b", "gcs", options), Anonymous())

    def test_credentials_of_other_vendors_are_misconfigured(self) -> None:
        """Azure's key cannot open Google's doors."""
        with pytest.raises(BackendMisconfigured, match="AccountKey"):
            open_gcs(BackendDefinition("b", "gcs", {"bucket": "b"}), AccountKey("x"))


class TestNames:
    async def test_names_with_odd_characters_come_back(self, store: ObjectStore) -> None:
        """Names survive their way through a URL's path and a query, whatever they hold."""
        keys = ["a%41b", "a b+c", "ü/€?x=1&y#z", "q'\"<>|", "a//b", "x/../y", "./."]
        for key in keys:
            await store.write(ObjectKey(key), _body(key.encode()))
        page = await store.list_page(ObjectKey(""), recursive=True)
        assert [info.key for info in page.objects] == sorted(keys, key=str.encode)
        for key in keys:
            buffer = bytearray(len(key.encode()))
            await store.read_range(ObjectKey(key), 0, memoryview(buffer))
            assert buffer == key.encode()

    async def test_name_that_is_not_utf8_is_absent_and_not_writable(self, store: ObjectStore) -> None:
        """No object can have such a name; an attempt to make one is refused by name."""
        key = ObjectKey("raw\udcff")
        with pytest.raises(ObjectNotFound):
            await store.stat(key)
        with pytest.raises(Unsupported):
            await store.write(key, _body(b""))
        assert await store.list_page(ObjectKey("raw\udcff/")) == ([], [], None)

    async def test_version_that_is_no_generation_has_changed(self, store: ObjectStore) -> None:
        """An ETag kept from another backend cannot be current here."""
        await store.write(KEY, _body(b"abc"))
        with pytest.raises(VersionChanged):
            await store.read_range(KEY, 0, memoryview(bytearray(1)), version=ObjectVersion("0x8D"))
        with pytest.raises(VersionChanged):
            await store.delete(KEY, version=ObjectVersion("etag"))

    async def test_closed_store_answers_no_more(self, store: ObjectStore) -> None:
        """Closing twice is safe; a call after it fails at once."""
        await store.aclose()
        await store.aclose()
        with pytest.raises(Unavailable):
            await store.stat(KEY)
