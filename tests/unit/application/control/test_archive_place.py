"""Whose the archive's place is: the first database's that asked."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.application.control.archive_place import MARKER, ArchivePlace, ArchiveTaken
from warpdrive.application.ports.errors import Unavailable
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey
from warpdrive.application.ports.telemetry_archive import ArchiveOwner

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OURS = ArchiveOwner("7-16384", "database plane on one:5432")
THEIRS = ArchiveOwner("7-16385", "database plane on two:5432")


@pytest.fixture
def bucket() -> MemoryBucket:
    """Make an empty one."""
    return MemoryBucket()


def place_in(bucket: MemoryBucket, prefix: str = "telemetry/") -> ArchivePlace:
    """Open an archive's place there."""
    store = MemoryStore(bucket)
    return ArchivePlace("cold", store, store, prefix)


async def read(place: ArchivePlace) -> bytes:
    """Return what its marker is."""
    key = ObjectKey(place.prefix + MARKER)
    content = bytearray((await place.reader.stat(key)).size)
    await place.reader.read_range(key, 0, memoryview(content))
    return bytes(content)


def test_a_day_has_a_folder_below_the_prefix(bucket: MemoryBucket) -> None:
    """As partitions are named."""
    assert place_in(bucket).folder(date(2026, 11, 20)) == "telemetry/records/day=2026-11-20/"


async def test_the_first_leaves_its_name_once(bucket: MemoryBucket) -> None:
    """It says which database that is, and since when; who comes again changes nothing."""
    place = place_in(bucket)
    await place.claim(OURS, NOW)
    left = await read(place)
    assert json.loads(left) == {
        "database": "7-16384",
        "name": "database plane on one:5432",
        "since": "2026-11-23T12:00:00+00:00",
    }
    await place.claim(ArchiveOwner("7-16384", "the same under another name"), NOW.replace(year=2027))
    assert await read(place) == left


async def test_another_is_told_whose_it_is_and_what_to_do(bucket: MemoryBucket) -> None:
    """The marker stays as it was; below another prefix is another place."""
    await place_in(bucket).claim(OURS, NOW)
    left = await read(place_in(bucket))
    with pytest.raises(ArchiveTaken) as taken:
        await place_in(bucket).claim(THEIRS, NOW)
    assert str(taken.value) == (
        "telemetry/warpdrive-archive.json in backend 'cold' says that the archive there is of database plane on "
        "one:5432 (7-16384, since 2026-11-23T12:00:00+00:00), and this is database plane on two:5432 (7-16385): give "
        "this one another prefix, or delete that object if the other database is really gone; files of days that both "
        "have are written over then"
    )
    assert await read(place_in(bucket)) == left
    await place_in(bucket, "").claim(THEIRS, NOW)


@pytest.mark.parametrize("content", [b"", b"\xff{", b"[]", b"{}", b'"7-16384"', b"7" * 100_000])
async def test_a_marker_that_nobody_understands_is_somebodys(bucket: MemoryBucket, content: bytes) -> None:
    """Better not archived than written over somebody's files."""
    bucket.put("telemetry/" + MARKER, content, 0, {})
    with pytest.raises(ArchiveTaken, match="is of nobody knows whom"):
        await place_in(bucket).claim(OURS, NOW)
    assert bucket.order() == ["telemetry/" + MARKER]


class Overtaken:
    """A writer before whose write another database is quicker."""

    def __init__(self, place: ArchivePlace, by: ArchiveOwner) -> None:
        self._place = place
        self._by = by

    async def write(self, key: ObjectKey, body: AsyncIterator[bytes], **how: Any) -> ObjectInfo:
        """Write after the other did."""
        await self._place.claim(self._by, NOW)
        return await self._place.writer.write(key, body, **how)


@pytest.mark.parametrize("quicker", [OURS, THEIRS])
async def test_of_two_that_come_at_once_one_gets_it(bucket: MemoryBucket, quicker: ArchiveOwner) -> None:
    """What stands there in the end counts, also when it was our own word that came twice."""
    place = place_in(bucket)
    late = ArchivePlace("cold", place.reader, Overtaken(place, quicker), place.prefix)  # type: ignore[arg-type] # one verb is enough
    if quicker is OURS:
        await late.claim(OURS, NOW)
    else:
        with pytest.raises(ArchiveTaken, match=r"two:5432 \(7-16385"):
            await late.claim(OURS, NOW)
    assert json.loads(await read(place))["database"] == quicker.identity


async def test_a_marker_that_cannot_be_read_now_is_not_taken_for_none(
    bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is the caller's, who tries again later."""
    place = place_in(bucket)

    async def down(_: ObjectKey) -> ObjectInfo:
        raise Unavailable("down")

    monkeypatch.setattr(place.reader, "stat", down)
    with pytest.raises(Unavailable):
        await place.claim(OURS, NOW)
    assert bucket.order() == []
