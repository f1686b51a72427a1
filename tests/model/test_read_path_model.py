"""The whole mount against a reference model: random reads, changes, evictions, faults, time and restarts.

The model is a dict: path -> bytes now, plus every version that ever was. It says what a POSIX reader may see:
- a handle reads bytes of the one version it pinned, or fails; never a mix, never another length;
- with no fault injected and the version still there, a read does not fail;
- an open pins a version that was current at most `attr_ttl` ago.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from tests.support.faulty_reader import FaultyReader
from tests.support.manual_clock import ManualClock
from warpdrive.adapters.blob.memory import MemoryBucket, MemoryStore
from warpdrive.adapters.cache.disk import DiskCache
from warpdrive.application.mount.attributes import ROOT_INODE, Caller
from warpdrive.application.mount.backends import MountedBackend, MountedBackends
from warpdrive.application.mount.errors import NoSuchEntry, StaleInode
from warpdrive.application.mount.filesystem import MountedFileSystem, ReadTuning, mounted
from warpdrive.application.mount.freshness import Freshness
from warpdrive.application.mount.warming import TreeFile
from warpdrive.application.ports.errors import BackendError, ShortBody, Unavailable
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

KIB = 1024
BLOCK = 256 * KIB
CALLER = Caller(0, 0, 0)
ATTR_TTL = 60.0
NAMES = ("a", "b", "c")
SIZES = st.sampled_from([0, 1, 65535, 65536, 65537, 200_000, BLOCK, BLOCK + 1, 3 * BLOCK + 12345])


@dataclass
class Pinned:
    """An open handle and the bytes that the model says it has."""

    name: str
    handle: int
    version: str
    content: bytes
    closed: bool = field(default=False)


class ReadPathModel(RuleBasedStateMachine):
    """One mount over one bucket, with a cache on disk that is smaller than the data."""

    handles: Bundle[Pinned] = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="warpdrive-model-")
        self.clock = ManualClock()
        self.bucket = MemoryBucket()
        self.store = MemoryStore(self.bucket, wall_ns=lambda: int(self.clock.wall() * 1e9))
        self.faulty = FaultyReader(self.store)
        self.bytes_of: dict[str, bytes] = {}
        """Every version that ever was."""
        self.current: dict[str, str] = {}
        self.history: dict[str, list[tuple[float, str | None]]] = {name: [] for name in NAMES}
        """For each name, when it became which version: None for deleted."""
        self.pinned: list[Pinned] = []
        self.portal_manager: AbstractContextManager[BlockingPortal] = start_blocking_portal()
        self.portal = self.portal_manager.__enter__()
        self.running: list[AbstractContextManager[Any]] = []
        self.seed = 0

    @initialize()
    def start(self) -> None:
        """Mount."""
        self._mount()

    def _mount(self) -> None:
        cache_manager = self.portal.wrap_async_context_manager(
            DiskCache(Path(self.folder.name) / "cache", max_bytes=6 * BLOCK, block_size=BLOCK)
        )
        cache = cache_manager.__enter__()
        definition = BackendDefinition("mem", "memory", {"name": "model"})
        entry = MountEntry("/", definition)
        filesystem_manager = self.portal.wrap_async_context_manager(
            mounted(
                MountTree([entry]),
                MountedBackends([MountedBackend(entry, self.faulty)]),
                cache,
                self.clock,
                tuning=ReadTuning(
                    memory_limit=8 * BLOCK, freshness=Freshness(attr_ttl=ATTR_TTL, entry_ttl=ATTR_TTL, dir_ttl=ATTR_TTL)
                ),
            )
        )
        self.filesystem: MountedFileSystem = filesystem_manager.__enter__()
        self.running = [filesystem_manager, cache_manager]

    def _unmount(self) -> None:
        for manager in self.running:
            manager.__exit__(None, None, None)
        self.running = []
        for pinned in self.pinned:
            pinned.closed = True
        self.pinned = []

    @rule(name=st.sampled_from(NAMES), size=SIZES)
    def write(self, name: str, size: int) -> None:
        """Somebody replaces an object behind our back; every version has other bytes everywhere."""
        self.seed += 1
        word = f"{name}:{self.seed}:".encode()
        content = (word * (size // len(word) + 1))[:size]
        version = self.portal.call(self._put, name, content)
        self.bytes_of[version] = content
        self.current[name] = version
        self.history[name].append((self.clock.monotonic(), version))

    async def _put(self, name: str, content: bytes) -> str:
        return self.bucket.put(name, content, int(self.clock.wall() * 1e9), {}).version

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        """Somebody deletes an object."""
        if name in self.current:
            del self.current[name]
            self.history[name].append((self.clock.monotonic(), None))
            self.portal.call(self._remove, name)

    async def _remove(self, name: str) -> None:
        self.bucket.remove(name)

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule(count=st.integers(1, 3), short=st.booleans())
    def break_backend(self, count: int, short: bool) -> None:
        """The next reads fail half-way."""
        for _ in range(count):
            self.faulty.faults.append(ShortBody("cut", 0) if short else Unavailable("reset"))

    @rule()
    def list_root(self) -> None:
        """`ls`: shows what was there at most one lifetime ago."""
        names = self.portal.call(self._list)
        for name in NAMES:
            allowed = self._could_have_been(name)
            assert None in allowed if name not in names else any(each is not None for each in allowed)

    async def _list(self) -> set[str]:
        handle = await self.filesystem.opendir(ROOT_INODE, CALLER)
        try:
            stream = await self.filesystem.readdir(handle)
            return {stream.name(each).decode() for each in range(len(stream))}
        finally:
            await self.filesystem.releasedir(handle)

    @rule(target=handles, name=st.sampled_from(NAMES))
    def open(self, name: str) -> Any:
        """Open as the kernel does: look up, open, and once more after ESTALE."""
        possible = self._could_have_been(name)
        broken = bool(self.faulty.faults)
        try:
            handle, version, size = self.portal.call(self._open, name)
        except NoSuchEntry:
            assert None in possible, "an object that was there all the time is not found"
            return multiple()
        except (BackendError, StaleInode):
            assert broken, "open failed although the backend is well"
            return multiple()
        assert version in possible, f"open pinned {version}, allowed are {possible}"
        content = self.bytes_of[version]
        assert size == len(content)
        pinned = Pinned(name, handle, version, content)
        self.pinned.append(pinned)
        return pinned

    async def _open(self, name: str) -> tuple[int, str, int]:
        for attempt in (1, 2, 3):
            attributes = await self.filesystem.lookup(ROOT_INODE, name.encode())
            try:
                opened = await self.filesystem.open(attributes.inode, writable=False, caller=CALLER)
            except StaleInode:
                if attempt == 3:
                    raise
            else:
                version = self.filesystem._files._handles.get(opened.handle).content.version
                return opened.handle, version, attributes.size
            finally:
                self.filesystem.forget([(attributes.inode, 1)])
        raise AssertionError

    @rule(pinned=handles, start=st.floats(0, 1), length=st.sampled_from([1, 4096, 65536, 100_000, BLOCK, 3 * BLOCK]))
    def read(self, pinned: Pinned, start: float, length: int) -> None:
        """Read anywhere: the pinned version's bytes, or an error that has a reason."""
        if pinned.closed:
            return
        offset = int(start * len(pinned.content))
        broken = bool(self.faulty.faults)
        try:
            data = self.portal.call(self._read, pinned.handle, offset, length)
        except StaleInode:
            assert self.current.get(pinned.name) != pinned.version, "ESTALE although the version is still there"
            return
        except BackendError:
            assert broken, "a read failed although the backend is well"
            return
        assert data == pinned.content[offset : offset + length]

    @rule(pinned=handles)
    def read_through(self, pinned: Pinned) -> None:
        """Read sequentially in kernel-sized requests, which sets prefetches off."""
        for offset in range(0, len(pinned.content), 128 * KIB):
            self.read(pinned, offset / len(pinned.content), 128 * KIB)

    @rule(pinned=handles)
    def read_at_once(self, pinned: Pinned) -> None:
        """Several readers of one handle at the same time share fetches and all get the right bytes."""
        if pinned.closed or self.faulty.faults or self.current.get(pinned.name) != pinned.version:
            return
        offsets = [0, len(pinned.content) // 3, len(pinned.content) // 2, 0]
        answers = self.portal.call(self._read_together, pinned.handle, offsets)
        for offset, data in zip(offsets, answers, strict=True):
            assert data == pinned.content[offset : offset + 150_000]

    async def _read_together(self, handle: int, offsets: list[int]) -> list[bytes]:
        answers: list[bytes] = [b""] * len(offsets)

        async def one(index: int) -> None:
            answers[index] = await self._read(handle, offsets[index], 150_000)

        async with anyio.create_task_group() as readers:
            for index in range(len(offsets)):
                readers.start_soon(one, index)
        return answers

    async def _read(self, handle: int, offset: int, length: int) -> bytes:
        return bytes(await self.filesystem.read(handle, offset, length))

    @rule(pinned=consumes(handles))
    def close(self, pinned: Pinned) -> None:
        """Close a handle, whatever is still being fetched for it."""
        if not pinned.closed:
            self.pinned.remove(pinned)
            self.portal.call(self.filesystem.release, pinned.handle)

    @rule(name=st.sampled_from(NAMES))
    def evict(self, name: str) -> None:
        """An operator drops a file from the cache, open or not."""
        self.portal.call(self._evict, name)

    async def _evict(self, name: str) -> None:
        async for item in self.filesystem.walker.walk("/", recursive=True):
            if isinstance(item, TreeFile) and item.path == f"/{name}":
                await self.filesystem.filler.evict(item)

    @rule()
    def restart(self) -> None:
        """Stop and start the agent; the cache directory stays."""
        self._unmount()
        self._mount()

    @invariant()
    def nothing_is_held_for_nobody(self) -> None:
        """Once fetches have ended, memory in flight is only what lingers."""
        if self.running:
            assert self.filesystem.pool.in_use <= self.filesystem.pool.limit
            assert self.filesystem.open_files == len(self.pinned)

    def teardown(self) -> None:
        """Stop everything; a leak of tasks would hang here."""
        self._unmount()
        self.portal_manager.__exit__(None, None, None)
        self.folder.cleanup()

    def _could_have_been(self, name: str) -> list[str | None]:
        """The versions (None: absent) that R2 allows to be seen now: the current one, and those of the last minute."""
        oldest = self.clock.monotonic() - ATTR_TTL
        allowed: list[str | None] = []
        events = [(0.0, None), *self.history[name]]
        for (_, version), following in zip(events, [*events[1:], (float("inf"), None)], strict=True):
            if following[0] >= oldest:  # it was still current at some moment of the window
                allowed.append(version)
        return allowed


TestReadPathModel = ReadPathModel.TestCase
TestReadPathModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
