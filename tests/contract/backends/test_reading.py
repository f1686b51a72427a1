"""What every backend promises to readers: stat and ranged reads (R1, R3)."""

import asyncio
import hashlib
import random

import pytest

from tests.contract.backends.conftest import Opener
from tests.contract.backends.objects import Arrival, parts, pattern, put, read
from tests.contract.backends.provider import Place
from warpdrive.adapters.blob.factory import Backend
from warpdrive.application.ports.errors import (
    AccessDenied,
    BackendMisconfigured,
    ObjectNotFound,
    RangeNotSatisfiable,
    VersionChanged,
)
from warpdrive.application.ports.objects import ObjectKey, ObjectVersion

MIB = 1024 * 1024
KEY = ObjectKey("data/object.bin")


class TestStat:
    async def test_tells_size_and_version_of_an_object(self, backend: Backend) -> None:
        """Stat answers with the key asked for, the size in bytes, a version and a time."""
        written = await put(backend, KEY, b"x" * 1234)
        info = await backend.reader.stat(KEY)
        assert (info.key, info.size, info.is_directory) == (KEY, 1234, False)
        assert info.version == written.version != ""
        assert info.mtime_ns > 1_500_000_000 * 10**9

    async def test_absent_object_is_not_found(self, backend: Backend) -> None:
        """An absent key raises ObjectNotFound, beside other objects and in an empty place alike."""
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)
        await put(backend, KEY, b"x")
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(ObjectKey("data/object.bi"))

    async def test_sub_prefix_is_an_object_only_where_directories_exist(self, backend: Backend) -> None:
        """A name that only has objects below it is a directory or nothing, as the capabilities say."""
        await put(backend, KEY, b"x")
        if backend.capabilities.directories:
            assert (await backend.reader.stat(ObjectKey("data"))).is_directory
        else:
            with pytest.raises(ObjectNotFound):
                await backend.reader.stat(ObjectKey("data"))

    async def test_version_changes_with_the_object(self, backend: Backend, twin: Backend) -> None:
        """A rewrite shows as another version, through every client."""
        before = await put(backend, KEY, b"one")
        after = await put(twin, KEY, b"three")
        assert (await backend.reader.stat(KEY)).version == after.version != before.version

    async def test_digest_is_of_the_whole_object(self, backend: Backend) -> None:
        """Where a backend offers an MD5, it is that of the object's bytes."""
        data = pattern(3000)
        await put(backend, KEY, data)
        digest = (await backend.reader.stat(KEY)).digest
        if digest is not None and digest.algorithm == "md5":
            assert digest.value == hashlib.md5(data).digest()


class TestReadRange:
    async def test_fills_the_buffer_from_any_offset(self, backend: Backend) -> None:
        """Start, middle, across pages, the tail and single bytes all come back exactly."""
        data = pattern(300_001)
        info = await put(backend, KEY, data)
        for offset, length in ((0, 1), (0, 65_536), (65_536, 65_536), (131_071, 3), (299_990, 11), (300_000, 1)):
            got, read_info = await read(backend, KEY, offset, length, version=info.version)
            assert got == data[offset : offset + length], (offset, length)
            assert (read_info.version, read_info.size, read_info.key) == (info.version, 300_001, KEY)

    async def test_touches_nothing_outside_the_buffer(self, backend: Backend) -> None:
        """Bytes around the caller's view stay as they were."""
        data = pattern(5000)
        await put(backend, KEY, data)
        around = bytearray(b"#" * 1200)
        await backend.reader.read_range(KEY, 700, memoryview(around)[100:1100])
        assert around == b"#" * 100 + data[700:1700] + b"#" * 100

    async def test_past_the_end_is_not_satisfiable(self, backend: Backend) -> None:
        """A range that begins at or past the end raises RangeNotSatisfiable."""
        info = await put(backend, KEY, b"12345")
        for offset in (5, 6, 1_000_000):
            with pytest.raises(RangeNotSatisfiable):
                await read(backend, KEY, offset, 1)
            with pytest.raises(RangeNotSatisfiable):
                await read(backend, KEY, offset, 1, version=info.version)

    async def test_empty_object_has_no_range(self, backend: Backend) -> None:
        """An object of no bytes exists, has size 0, and no byte of it can be read."""
        await put(backend, KEY, b"")
        assert (await backend.reader.stat(KEY)).size == 0
        with pytest.raises(RangeNotSatisfiable):
            await read(backend, KEY, 0, 1)

    async def test_absent_object_is_not_found(self, backend: Backend) -> None:
        """Reading an absent key raises ObjectNotFound."""
        with pytest.raises(ObjectNotFound):
            await read(backend, KEY, 0, 10)

    async def test_sink_hears_headers_then_progress(self, backend: Backend) -> None:
        """`started` comes first, progress only grows, ends at the length, and covers valid bytes each time."""
        data = pattern(4 * MIB)
        info = await put(backend, KEY, data)
        buffer = bytearray(4 * MIB - 100)
        arrival = Arrival(buffer, data[100:])
        await backend.reader.read_range(KEY, 100, memoryview(buffer), version=info.version, sink=arrival)
        assert arrival.infos[0].version == info.version
        assert arrival.first == "started"
        assert arrival.fills == sorted(set(arrival.fills))
        assert arrival.fills[-1] == len(buffer)
        assert arrival.wrong == 0

    async def test_changed_object_loses_the_precondition(self, backend: Backend, twin: Backend) -> None:
        """Under the old version a read raises VersionChanged, and not one byte is announced."""
        old = await put(backend, KEY, pattern(100_000))
        await put(twin, KEY, b"other bytes" * 10_000)
        buffer = bytearray(1000)
        arrival = Arrival(buffer, b"")
        with pytest.raises(VersionChanged):
            await backend.reader.read_range(KEY, 0, memoryview(buffer), version=old.version, sink=arrival)
        assert arrival.fills == []

    async def test_invented_version_loses_the_precondition(self, backend: Backend) -> None:
        """A version that never was raises VersionChanged."""
        await put(backend, KEY, b"x" * 10)
        with pytest.raises(VersionChanged):
            await read(backend, KEY, 0, 10, version=ObjectVersion("12345"))

    async def test_deleted_object_is_gone(self, backend: Backend, twin: Backend) -> None:
        """Under the version of a deleted object a read raises ObjectNotFound."""
        old = await put(backend, KEY, b"x" * 10)
        await twin.writer.delete(KEY)
        with pytest.raises(ObjectNotFound):
            await read(backend, KEY, 0, 10, version=old.version)

    async def test_32_readers_at_once_each_get_their_bytes(self, backend: Backend) -> None:
        """Concurrent readers of different ranges never mix buffers."""
        data = pattern(2 * MIB)
        info = await put(backend, KEY, data)
        chance = random.Random(3)
        ranges = [(chance.randrange(len(data) - 70_000), chance.randrange(1, 70_000)) for _ in range(32)]
        answers = await asyncio.gather(
            *(read(backend, KEY, offset, length, version=info.version) for offset, length in ranges)
        )
        for (offset, length), (got, _) in zip(ranges, answers, strict=True):
            assert got == data[offset : offset + length]

    async def test_cancelled_read_leaves_the_backend_usable(self, backend: Backend) -> None:
        """A reader that goes away in mid-body costs nobody else anything."""
        data = pattern(8 * MIB)
        info = await put(backend, KEY, data)
        buffer = bytearray(len(data))

        for _ in range(3):
            arrival = Arrival(buffer, data)
            task = asyncio.create_task(
                backend.reader.read_range(KEY, 0, memoryview(buffer), version=info.version, sink=arrival)
            )
            arrival.on_progress = task.cancel
            with pytest.raises(asyncio.CancelledError):
                await task
        got, _ = await read(backend, KEY, 5 * MIB, 100_000, version=info.version)
        assert got == data[5 * MIB : 5 * MIB + 100_000]

    async def test_large_object_in_ranges(self, backend: Backend) -> None:
        """48 MiB, written as a stream of unknown length, come back from 4 MiB ranges, some at a time."""
        unit = pattern(MIB)
        info = await backend.writer.write(KEY, parts(*[unit] * 48))
        assert info.size == 48 * MIB

        async def block(number: int) -> bool:
            got, _ = await read(backend, KEY, number * 4 * MIB, 4 * MIB, version=info.version)
            return got == unit * 4

        assert all(await asyncio.gather(*(block(number) for number in range(12))))


class TestPlaces:
    async def test_wrong_credentials_are_denied(self, place: Place, backend: Backend, opener: Opener) -> None:
        """Bad credentials raise AccessDenied on use, for stat, list and read alike; building never fails."""
        if place.wrong_credentials is None:
            pytest.skip("nothing here refuses credentials")
        await put(backend, KEY, b"x")
        stranger = opener(place, credentials=place.wrong_credentials)
        with pytest.raises(AccessDenied):
            await stranger.reader.stat(KEY)
        with pytest.raises(AccessDenied):
            await stranger.reader.list_page(ObjectKey(""))
        with pytest.raises(AccessDenied):
            await read(stranger, KEY, 0, 1)

    async def test_missing_place_shows_on_use(self, place: Place, opener: Opener) -> None:
        """A bucket or root that does not exist is BackendMisconfigured when listed or read.

        A stat may say ObjectNotFound: a HEAD has no body in which a server could say which of the two is missing.
        """
        if place.missing is None:
            pytest.skip("a place always exists here")
        nowhere = opener(place, definition=place.missing)
        with pytest.raises(BackendMisconfigured):
            await nowhere.reader.list_page(ObjectKey(""))
        with pytest.raises(BackendMisconfigured):
            await read(nowhere, KEY, 0, 1)
        with pytest.raises((BackendMisconfigured, ObjectNotFound)):
            await nowhere.reader.stat(KEY)

    async def test_closing_twice_is_safe(self, backend: Backend) -> None:
        """`aclose` may come again."""
        await put(backend, KEY, b"x")
        await backend.aclose()
        await backend.aclose()
