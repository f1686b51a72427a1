"""Large reads on their own loop: same answers, ordered news, and a buffer that nobody writes after the end."""

import asyncio
import threading

import pytest

from warpdrive.adapters.blob.bulk import BULK_BYTES, BulkStore
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.application.ports.errors import ObjectNotFound
from warpdrive.application.ports.object_reader import BodySink
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

KEY = ObjectKey("large")
SIZE = 2 * BULK_BYTES


class Watched(MemoryStore):
    """Notes the thread of each read; can be made to wait in the middle of one."""

    def __init__(self, bucket: MemoryBucket) -> None:
        super().__init__(bucket)
        self.threads: list[str] = []
        self.waits = False
        self.waiting = threading.Event()
        self.stopped = threading.Event()

    async def read_range(
        self,
        key: ObjectKey,
        offset: int,
        into: memoryview,
        *,
        version: ObjectVersion | None = None,
        sink: BodySink | None = None,
    ) -> ObjectInfo:
        """Read, or wait for ever and note that the wait has ended."""
        self.threads.append(threading.current_thread().name)
        if self.waits:
            self.waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.set()
        return await super().read_range(key, offset, into, version=version, sink=sink)


class Notes:
    """A sink that writes down what it hears, and where."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.threads: set[str] = set()

    def started(self, info: ObjectInfo) -> None:
        """Headers count as -1."""
        assert info.size == SIZE
        self.heard.append(-1)
        self.threads.add(threading.current_thread().name)

    def advanced(self, filled: int) -> None:
        """Progress."""
        self.heard.append(filled)
        self.threads.add(threading.current_thread().name)


def stores() -> tuple[BulkStore, Watched, Watched]:
    """Two stores of one bucket that holds one large object."""
    bucket = MemoryBucket()
    bucket.put(KEY, bytes(range(256)) * (SIZE // 256), 1, {})
    near, far = Watched(bucket), Watched(bucket)
    return BulkStore(near, far), near, far


async def test_large_reads_run_elsewhere_and_small_ones_stay() -> None:
    """The hop between threads is worth it for large reads only."""
    store, near, far = stores()
    large, small = bytearray(BULK_BYTES), bytearray(100)
    await store.read_range(KEY, 256, memoryview(large))
    await store.read_range(KEY, 256, memoryview(small))
    await store.aclose()
    assert bytes(large) == bytes(range(256)) * (BULK_BYTES // 256)
    assert far.threads == ["blob-bulk"]
    assert near.threads == [threading.current_thread().name]


async def test_the_sink_hears_on_its_own_loop_in_order_and_before_the_end() -> None:
    """Headers first, progress that only grows, the last byte before the read returns."""
    store, _, _ = stores()
    notes = Notes()
    await store.read_range(KEY, 0, memoryview(bytearray(SIZE)), sink=notes)
    assert notes.heard[0] == -1
    assert notes.heard == sorted(notes.heard)
    assert notes.heard[-1] == SIZE
    assert notes.threads == {threading.current_thread().name}
    await store.aclose()


async def test_faults_come_back() -> None:
    """An error raised on the other loop is the caller's."""
    store, _, _ = stores()
    with pytest.raises(ObjectNotFound):
        await store.read_range(ObjectKey("absent"), 0, memoryview(bytearray(SIZE)))
    await store.aclose()


async def test_a_cancelled_read_ends_there_before_it_ends_here() -> None:
    """Once the caller goes on, nobody writes into its buffer any more."""
    store, _, far = stores()
    far.waits = True
    reading = asyncio.create_task(store.read_range(KEY, 0, memoryview(bytearray(SIZE))))
    await asyncio.to_thread(far.waiting.wait, 10)
    assert not far.stopped.is_set()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert far.stopped.is_set()
    await store.aclose()


async def test_closing_ends_the_thread_and_may_be_repeated() -> None:
    """No thread is left, used or not."""
    store, _, _ = stores()
    await store.read_range(KEY, 0, memoryview(bytearray(SIZE)))
    await store.aclose()
    await store.aclose()
    assert "blob-bulk" not in {thread.name for thread in threading.enumerate()}
