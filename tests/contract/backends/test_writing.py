"""What every backend promises to writers: whole objects or nothing, and preconditions that hold."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.contract.backends.objects import Body, listed, parts, pattern, put, read
from warpdrive.adapters.blob.factory import Backend
from warpdrive.application.ports.errors import (
    ObjectNotFound,
    ShortBody,
    Unsupported,
    VersionChanged,
)
from warpdrive.application.ports.object_writer import Absent
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

MIB = 1024 * 1024
KEY = ObjectKey("out/model.ckpt")


class BrokenOffError(Exception):
    """The body's source failed."""


async def _breaks_off(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MIB):
        yield bytes(MIB)
    raise BrokenOffError


async def _content(backend: Backend, key: str = KEY) -> bytes:
    info = await backend.reader.stat(ObjectKey(key))
    return (await read(backend, key, 0, info.size))[0]


class TestWrite:
    async def test_creates_an_object_that_all_see(self, backend: Backend, twin: Backend) -> None:
        """What write answers is what stat then says, also to others."""
        info = await put(backend, KEY, b"weights")
        assert (info.key, info.size) == (KEY, 7)
        assert (await twin.reader.stat(KEY)).version == info.version
        assert await _content(twin) == b"weights"

    async def test_replaces_without_a_precondition(self, backend: Backend) -> None:
        """The last write wins when nobody asks otherwise."""
        await put(backend, KEY, b"a longer first text")
        await put(backend, KEY, b"second")
        assert await _content(backend) == b"second"

    async def test_streams_a_large_body_of_unknown_length(self, backend: Backend) -> None:
        """20 MiB in uneven chunks, in parts inside the adapter, arrive whole and in order."""
        data = pattern(20 * MIB + 12_345)
        cuts = [data[start : start + 777_777] for start in range(0, len(data), 777_777)]
        info = await backend.writer.write(KEY, parts(*cuts))
        assert info.size == len(data)
        for offset in (0, 8 * MIB - 5, 16 * MIB - 5, len(data) - 10):
            assert (await read(backend, KEY, offset, 10, version=info.version))[0] == data[offset : offset + 10]

    async def test_takes_views_and_empty_chunks(self, backend: Backend) -> None:
        """A body's chunks may be views, and may be empty."""

        async def views() -> AsyncIterator[memoryview | bytes]:
            yield memoryview(b"abcdef")[1:4]
            yield b""
            yield memoryview(b"xyz")

        await backend.writer.write(KEY, views(), size=6)
        assert await _content(backend) == b"bcdxyz"

    async def test_an_empty_body_makes_an_empty_object(self, backend: Backend) -> None:
        """No bytes are a fine object, with and without a length given."""
        await backend.writer.write(KEY, parts())
        await backend.writer.write(ObjectKey("other"), parts(), size=0)
        assert (await backend.reader.stat(KEY)).size == 0
        assert (await backend.reader.stat(ObjectKey("other"))).size == 0

    async def test_metadata_is_kept_or_refused(self, backend: Backend) -> None:
        """A place without metadata says Unsupported and publishes nothing: never a silent success."""
        metadata = {"wd_mode": "100644", "wd_mtime": "1700000000"}
        try:
            await backend.writer.write(KEY, parts(b"x"), size=1, metadata=metadata)
        except Unsupported:
            with pytest.raises(ObjectNotFound):
                await backend.reader.stat(KEY)
        else:
            assert await _content(backend) == b"x"


class TestAllOrNothing:
    @pytest.mark.parametrize("size", [MIB, 18 * MIB])
    async def test_a_body_that_breaks_off_leaves_nothing(self, backend: Backend, size: int) -> None:
        """The source's own error comes out, no object appears, and nothing half-written is listed."""
        with pytest.raises(BrokenOffError):
            await backend.writer.write(KEY, _breaks_off(size))
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)
        objects, _ = await listed(backend, recursive=True)
        assert objects == []

    async def test_a_body_that_breaks_off_leaves_the_old_object(self, backend: Backend) -> None:
        """The object that was there stays, version and all."""
        old = await put(backend, KEY, b"old")
        with pytest.raises(BrokenOffError):
            await backend.writer.write(KEY, _breaks_off(12 * MIB))
        assert (await backend.reader.stat(KEY)).version == old.version

    @pytest.mark.parametrize("announced", [3, 9])
    async def test_a_body_of_another_length_is_refused(self, backend: Backend, announced: int) -> None:
        """Fewer or more bytes than `size` raise ShortBody, and nothing is published."""
        with pytest.raises(ShortBody):
            await backend.writer.write(KEY, parts(b"abc", b"def"), size=announced)
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)

    async def test_a_cancelled_write_leaves_nothing(self, backend: Backend) -> None:
        """A writer that goes away publishes nothing."""
        reached = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(9):
                yield bytes(MIB)
            reached.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(backend.writer.write(KEY, endless()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)

    async def test_a_reader_sees_the_old_object_or_the_new(self, backend: Backend, twin: Backend) -> None:
        """While an object is replaced again and again, each read is all of one version."""
        versions = [bytes([letter]) * 200_000 for letter in b"abc"]
        await put(backend, KEY, versions[0])
        done = asyncio.Event()

        async def rewrite() -> None:
            for round_number in range(12):
                await put(twin, KEY, versions[round_number % 3])
            done.set()

        async def look() -> int:
            seen = 0
            while not done.is_set():
                try:
                    got, _ = await read(backend, KEY, 0, 200_000)
                except VersionChanged:
                    continue
                assert got in versions
                seen += 1
            return seen

        _, seen = await asyncio.gather(rewrite(), look())
        assert seen > 0


class TestPreconditions:
    async def test_create_succeeds_where_nothing_is(self, backend: Backend) -> None:
        """`Absent` holds for an absent key."""
        info = await put(backend, KEY, b"mine", precondition=Absent())
        assert (await backend.reader.stat(KEY)).version == info.version

    async def test_create_loses_to_an_object(self, backend: Backend, twin: Backend) -> None:
        """`Absent` does not hold for a key that has an object, which stays."""
        await put(twin, KEY, b"theirs")
        with pytest.raises(VersionChanged):
            await put(backend, KEY, b"mine", precondition=Absent())
        assert await _content(backend) == b"theirs"

    async def test_a_large_create_loses_too(self, backend: Backend, twin: Backend) -> None:
        """The precondition holds at the end of a write in parts, not only of a small one."""
        await put(twin, KEY, b"theirs")
        with pytest.raises(VersionChanged):
            await backend.writer.write(KEY, parts(*[bytes(MIB)] * 18), precondition=Absent())
        assert await _content(backend) == b"theirs"

    async def test_one_of_many_racing_creates_wins(self, backend: Backend, twin: Backend) -> None:
        """Lock files work: exactly one of 12 creates at once succeeds, and its bytes are there."""

        async def create(number: int) -> ObjectInfo | None:
            client = backend if number % 2 else twin
            try:
                return await put(client, KEY, b"writer %02d" % number, precondition=Absent())
            except VersionChanged:
                return None

        answers = await asyncio.gather(*(create(number) for number in range(12)))
        winners = [number for number, info in enumerate(answers) if info is not None]
        assert len(winners) == 1
        assert await _content(backend) == b"writer %02d" % winners[0]

    async def test_replace_succeeds_on_the_current_version(self, backend: Backend) -> None:
        """A version that is current may be replaced, small or in parts."""
        first = await put(backend, KEY, b"one")
        second = await put(backend, KEY, b"second", precondition=first.version)
        third = await backend.writer.write(KEY, parts(*[b"3" * MIB] * 18), precondition=second.version)
        assert (await backend.reader.stat(KEY)).version == third.version

    async def test_replace_loses_to_a_newer_version(self, backend: Backend, twin: Backend) -> None:
        """A version that is no longer current raises VersionChanged; the newer object stays."""
        first = await put(backend, KEY, b"one")
        await put(twin, KEY, b"theirs, newer")
        with pytest.raises(VersionChanged):
            await put(backend, KEY, b"mine", precondition=first.version)
        assert await _content(backend) == b"theirs, newer"

    async def test_replace_loses_where_nothing_is(self, backend: Backend) -> None:
        """A version cannot be replaced that is gone."""
        first = await put(backend, KEY, b"one")
        await backend.writer.delete(KEY)
        with pytest.raises(VersionChanged):
            await put(backend, KEY, b"mine", precondition=first.version)
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)


class TestCopy:
    async def test_makes_a_second_object(self, backend: Backend) -> None:
        """The copy has the bytes and a life of its own."""
        await backend.writer.write(KEY, Body(b"weights"), size=7)
        info = await backend.writer.copy(KEY, ObjectKey("kept/50% of it+.ckpt"))
        assert (info.key, info.size) == ("kept/50% of it+.ckpt", 7)
        await backend.writer.delete(KEY)
        assert await _content(backend, "kept/50% of it+.ckpt") == b"weights"

    async def test_copies_only_the_version_asked_for(self, backend: Backend, twin: Backend) -> None:
        """A source that moved on raises VersionChanged, and there is no copy."""
        old = await put(backend, KEY, b"old")
        await put(twin, KEY, b"newer")
        with pytest.raises(VersionChanged):
            await backend.writer.copy(KEY, ObjectKey("copy"), version=old.version)
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(ObjectKey("copy"))

    async def test_an_absent_source_is_not_found(self, backend: Backend) -> None:
        """Nothing cannot be copied."""
        with pytest.raises(ObjectNotFound):
            await backend.writer.copy(KEY, ObjectKey("copy"))


class TestDelete:
    async def test_removes_the_object(self, backend: Backend) -> None:
        """Deleted is absent, at once."""
        await put(backend, KEY, b"x")
        await backend.writer.delete(KEY)
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)

    async def test_an_absent_key_is_not_found(self, backend: Backend) -> None:
        """Deleting nothing raises ObjectNotFound, with a version too."""
        with pytest.raises(ObjectNotFound):
            await backend.writer.delete(KEY)
        with pytest.raises((ObjectNotFound, VersionChanged)):
            await backend.writer.delete(KEY, version=ObjectVersion("12345"))

    async def test_deletes_only_the_version_asked_for(self, backend: Backend, twin: Backend) -> None:
        """A newer object survives the delete of the older one."""
        old = await put(backend, KEY, b"old")
        new = await put(twin, KEY, b"newer")
        with pytest.raises(VersionChanged):
            await backend.writer.delete(KEY, version=old.version)
        await backend.writer.delete(KEY, version=new.version)
        with pytest.raises(ObjectNotFound):
            await backend.reader.stat(KEY)
