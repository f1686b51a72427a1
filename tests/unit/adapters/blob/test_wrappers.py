"""The smaller wrappers: verifying, watching, throttling, measuring, prefixing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.contract.backends.objects import Arrival, Body, pattern
from tests.contract.backends.patience import FakeTime
from tests.support.ports import wait_until_async
from tests.unit.adapters.blob.scripted import ScriptedStore
from warpdrive.adapters.blob.factory import Patience
from warpdrive.adapters.blob.measured import MeasuredStore
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.adapters.blob.prefixed import PrefixedStore
from warpdrive.adapters.blob.throttling import ThrottlingStore
from warpdrive.adapters.blob.verifying import VerifyingStore
from warpdrive.adapters.blob.watching import WatchingStore
from warpdrive.application.ports.errors import (
    ObjectNotFound,
    ShortBody,
    Stalled,
    Unavailable,
    VersionChanged,
)
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey, ObjectVersion

KEY = ObjectKey("a/key")


async def _never() -> None:
    await asyncio.Event().wait()


class _Liar(MemoryStore):
    """Ignores the version asked for, and stops `missing` bytes early while claiming success."""

    def __init__(self, missing: int = 0) -> None:
        super().__init__(MemoryBucket())
        self.missing = missing

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,  # noqa: ARG002  # that is the lie
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        return await super().read_range(key, offset, into[: len(into) - self.missing], sink=sink)

    async def list_page(
        self,
        prefix: ObjectKey,  # noqa: ARG002  # the same page for all
        *,
        cursor: str | None = None,  # noqa: ARG002  # and again and again
        limit: int = 1000,  # noqa: ARG002
        recursive: bool = False,  # noqa: ARG002
    ) -> ListPage:
        return ListPage([], [], "again")


class TestVerifying:
    async def test_bytes_of_another_version_are_never_announced(self) -> None:
        """A server that ignores If-Match is caught, and its bytes stay unannounced."""
        store = VerifyingStore(_Liar())
        await store.write(KEY, Body(b"0123456789"))
        buffer = bytearray(10)
        arrival = Arrival(buffer, b"")
        with pytest.raises(VersionChanged):
            await store.read_range(KEY, 0, memoryview(buffer), version=ObjectVersion("old"), sink=arrival)
        assert (arrival.fills, arrival.infos) == ([], [])

    async def test_a_claimed_success_with_missing_bytes_is_a_short_body(self) -> None:
        """What did arrive is said, and can be used."""
        store = VerifyingStore(_Liar(missing=3))
        await store.write(KEY, Body(b"0123456789"))
        with pytest.raises(ShortBody) as caught:
            await store.read_range(KEY, 0, memoryview(bytearray(10)))
        assert caught.value.received == 7

    async def test_a_listing_that_does_not_move_on_is_a_fault(self) -> None:
        """The same cursor again would be an endless loop."""
        store = VerifyingStore(_Liar())
        first = await store.list_page(ObjectKey(""))
        with pytest.raises(Unavailable):
            await store.list_page(ObjectKey(""), cursor=first.cursor)

    async def test_an_empty_buffer_is_a_programming_error(self) -> None:
        """Ports forbid it."""
        with pytest.raises(ValueError, match="empty"):
            await VerifyingStore(_Liar()).read_range(KEY, 0, memoryview(bytearray()))


class TestWatching:
    PATIENCE = Patience(stall_s=0.05, write_stall_s=0.05, copy_s=0.05)

    @pytest.mark.parametrize("verb", ["stat", "list", "read", "delete", "write", "copy"])
    async def test_silence_is_a_stall(self, verb: str) -> None:
        """Each verb is given up when nothing moves."""
        store = WatchingStore(ScriptedStore(_never), self.PATIENCE)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "stat": lambda: store.stat(KEY),
            "list": lambda: store.list_page(ObjectKey("")),
            "read": lambda: store.read_range(KEY, 0, memoryview(bytearray(1))),
            "delete": lambda: store.delete(KEY),
            "copy": lambda: store.copy(KEY, ObjectKey("b")),
            "write": lambda: store.write(KEY, Body(b"x")),
        }
        with pytest.raises(Stalled):
            await calls[verb]()

    async def test_a_slow_body_that_moves_is_no_stall(self) -> None:
        """A read that takes many times the limit, but moves within it, succeeds."""

        class _Slow(MemoryStore):
            async def read_range(
                self,
                key: ObjectKey,
                offset: int,
                into: memoryview,
                *,
                version: ObjectVersion | None = None,
                sink: BodySink | None = None,
            ) -> ObjectInfo:
                info = await super().read_range(key, offset, into, version=version)
                assert sink is not None
                for filled in range(1, len(into) + 1):
                    await asyncio.sleep(self_limit / 2)
                    sink.advanced(filled)
                return info

        self_limit = self.PATIENCE.stall_s
        store = WatchingStore(_Slow(MemoryBucket()), self.PATIENCE)
        await store.write(KEY, Body(b"0123456789"))
        buffer = bytearray(10)
        await store.read_range(KEY, 0, memoryview(buffer))
        assert bytes(buffer) == b"0123456789"

    async def test_someone_elses_time_out_is_not_ours(self) -> None:
        """A TimeoutError from within leaves as it is."""

        async def inner_time_out() -> None:
            raise TimeoutError("mine")

        store = WatchingStore(ScriptedStore(inner_time_out), self.PATIENCE)
        with pytest.raises(TimeoutError, match="mine"):
            await store.stat(KEY)


class TestThrottling:
    async def test_no_more_than_the_bound_at_once(self) -> None:
        """Fifty calls, never more than four under way."""
        inner = ScriptedStore()
        store = ThrottlingStore(inner, 4, 30.0)
        await store.write(KEY, Body(b"x"))
        await asyncio.gather(*(store.stat(KEY) for _ in range(50)))
        assert inner.most_under_way == 4

    async def test_a_cancelled_call_gives_its_slot_back(self) -> None:
        """A slot is never lost."""
        inner = ScriptedStore(_never)
        store = ThrottlingStore(inner, 1, 30.0)
        stuck = asyncio.create_task(store.stat(KEY))
        waiting = asyncio.create_task(store.list_page(ObjectKey("")))
        await wait_until_async(lambda: not inner.script, what="the first call being stuck")
        stuck.cancel()
        assert (await waiting).objects == []
        with pytest.raises(asyncio.CancelledError):
            await stuck

    async def test_the_line_behind_a_hung_backend_is_left_in_time(self) -> None:
        """Waiting for a slot is bounded too, and the slot is not lost by it."""
        inner = ScriptedStore(_never)
        store = ThrottlingStore(inner, 1, 0.05)
        stuck = asyncio.create_task(store.stat(KEY))
        await wait_until_async(lambda: not inner.script, what="the first call being stuck")
        with pytest.raises(Unavailable, match=r"waited 0\.05 s for one of the 1 requests"):
            await store.list_page(ObjectKey(""))
        stuck.cancel()
        assert (await store.list_page(ObjectKey(""))).objects == []


class _Meter:
    def __init__(self) -> None:
        self.observed: list[tuple[str, float]] = []
        self.errors: list[str] = []
        self.bytes = 0

    def observe(self, operation: str, seconds: float) -> None:
        self.observed.append((operation, seconds))

    def error(self, kind: str) -> None:
        self.errors.append(kind)

    def bytes_read(self, count: int) -> None:
        self.bytes += count


class TestMeasured:
    async def test_every_verb_is_timed_and_bytes_are_counted(self) -> None:
        """One observation an attempt, bytes of reads, kinds of errors."""
        fake = FakeTime()

        async def slow() -> None:
            fake.now += 0.25

        meter = _Meter()
        inner = ScriptedStore(None, slow, None, ShortBody("cut", 3), ObjectNotFound("x"))
        store = MeasuredStore(inner, meter, fake.monotonic)
        await store.write(KEY, Body(b"0123456789"))
        await store.stat(KEY)
        await store.read_range(KEY, 0, memoryview(bytearray(10)))
        with pytest.raises(ShortBody):
            await store.read_range(KEY, 0, memoryview(bytearray(10)))
        with pytest.raises(ObjectNotFound):
            await store.delete(KEY)
        await store.copy(KEY, ObjectKey("b"))
        await store.list_page(ObjectKey(""))
        assert [name for name, _ in meter.observed] == ["write", "stat", "read", "read", "delete", "copy", "list"]
        assert dict(meter.observed)["stat"] == pytest.approx(0.25)
        assert meter.errors == ["short_body", "not_found"]
        assert meter.bytes == 13


class TestPrefixed:
    async def test_keys_inside_know_nothing_of_the_prefix(self) -> None:
        """Infos, prefixes and announcements carry relative keys; what lies outside is not seen."""
        inner = MemoryStore(MemoryBucket())
        store = PrefixedStore(inner, "team/data/")
        await inner.write(ObjectKey("team/other"), Body(b"x"))
        await inner.write(ObjectKey("team/data/"), Body(b""))
        info = await store.write(KEY, Body(pattern(100)))
        assert info.key == KEY
        assert (await inner.stat(ObjectKey("team/data/a/key"))).version == info.version
        assert (await store.stat(KEY)).key == KEY
        page = await store.list_page(ObjectKey(""))
        assert (page.objects, page.prefixes) == ([], ["a/"])
        assert [found.key for found in (await store.list_page(ObjectKey(""), recursive=True)).objects] == [KEY]
        buffer = bytearray(10)
        arrival = Arrival(buffer, pattern(100)[5:])
        assert (await store.read_range(KEY, 5, memoryview(buffer), sink=arrival)).key == KEY
        assert (arrival.infos[0].key, arrival.fills, arrival.wrong) == (KEY, [10], 0)
        assert (await store.copy(KEY, ObjectKey("copy"))).key == "copy"
        await store.delete(KEY)
        assert sorted(inner._bucket.objects) == ["team/data/", "team/data/copy", "team/other"]

    def test_a_prefix_without_its_slash_is_refused(self) -> None:
        """`team` would also match `teamwork`."""
        with pytest.raises(ValueError, match="ends in"):
            PrefixedStore(MemoryStore(MemoryBucket()), "team")
