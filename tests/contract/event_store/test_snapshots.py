"""What both shelves of snapshots promise."""

from uuid import uuid4

from tests.contract.event_store.conftest import OpenStore
from warpdrive.application.ports.event_store import StoredSnapshot


async def test_the_newest_snapshot_within_the_bound_is_found(open_store: OpenStore) -> None:
    """Without a bound the newest of the stream, with one the newest that is not beyond it."""
    async with open_store() as store:
        stream = uuid4()
        assert await store.latest(stream) is None
        kept = {version: StoredSnapshot(stream, version, "topic", b"%d" % version) for version in (30, 10, 20)}
        for snapshot in kept.values():
            await store.keep(snapshot)
        await store.keep(StoredSnapshot(uuid4(), 40, "topic", b"another stream's"))
        assert await store.latest(stream) == kept[30]
        assert await store.latest(stream, to_version=29) == kept[20]
        assert await store.latest(stream, to_version=10) == kept[10]
        assert await store.latest(stream, to_version=9) is None


async def test_keeping_a_version_again_does_nothing(open_store: OpenStore) -> None:
    """Two processes may keep the same snapshot; the first stays."""
    async with open_store() as store:
        stream = uuid4()
        first = StoredSnapshot(stream, 5, "topic", b"first")
        await store.keep(first)
        await store.keep(StoredSnapshot(stream, 5, "topic", b"second"))
        assert await store.latest(stream) == first
