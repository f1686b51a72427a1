"""The surface as a whole: what one part's fault must not do to the mount, to other versions or to open files."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from tests.support.read_half import BLOCK, MIB, NOBODY, PAGE, pattern
from tests.support.small_mount import SmallMount
from warpdrive.adapters.cache.memory import MemoryCache
from warpdrive.application.mount.attributes import ROOT_INODE
from warpdrive.application.mount.errors import BackendOffline, StaleInode
from warpdrive.application.mount.filesystem import MountedFileSystem, ReadTuning, mounted
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.ports.errors import Corrupted, Unavailable
from warpdrive.application.ports.objects import Digest, ListPage, ObjectKey
from warpdrive.domain.namespace.tree import MountTree

DATA = pattern(8 * BLOCK)


@asynccontextmanager
async def serving(objects: Mapping[str, bytes]) -> AsyncIterator[tuple[MountedFileSystem, SmallMount]]:
    """A filesystem whose bucket is the root."""
    parts = SmallMount({"/": objects})
    tuning = ReadTuning(memory_limit=16 * MIB)
    mounts = MountTree([backend.entry for backend in parts.backends])
    with anyio.fail_after(5):
        async with mounted(mounts, parts.backends, MemoryCache(64 * MIB, BLOCK), parts.clock, tuning=tuning) as served:
            yield served, parts


async def test_an_old_handles_lost_version_does_not_disturb_the_new_one() -> None:
    """A reader of v1 that keeps failing must not make every open of v2 stale."""
    async with serving({"f": DATA}) as (served, parts):
        old = await served.lookup(ROOT_INODE, b"f")
        handle = (await served.open(old.inode, writable=False, caller=NOBODY)).handle
        parts.put("/", "f", pattern(8 * BLOCK, 2))
        with pytest.raises(StaleInode):
            await served.read(handle, 0, 10)
        new = await served.lookup(ROOT_INODE, b"f")
        assert new.inode != old.inode
        with pytest.raises(StaleInode):
            await served.read(handle, 0, 10)
        assert (await served.lookup(ROOT_INODE, b"f")).inode == new.inode
        await served.open(new.inode, writable=False, caller=NOBODY)


async def test_an_open_file_keeps_the_attributes_of_its_version() -> None:
    """`fstat` on an open descriptor is no place for ESTALE, however old the descriptor is."""
    async with serving({"f": DATA}) as (served, parts):
        found = await served.lookup(ROOT_INODE, b"f")
        await served.open(found.inode, writable=False, caller=NOBODY)
        parts.put("/", "f", b"new")
        parts.clock.advance(61)
        for _ in range(2):
            described = await served.getattr(found.inode)
            assert (described.size, described.attr_ttl) == (len(DATA), 0.0)
        assert (await served.lookup(ROOT_INODE, b"f")).size == 3


async def test_a_closed_file_that_changed_is_stale() -> None:
    """The kernel looks the path up again."""
    async with serving({"f": DATA}) as (served, parts):
        found = await served.lookup(ROOT_INODE, b"f")
        parts.put("/", "f", b"new")
        parts.clock.advance(61)
        with pytest.raises(StaleInode):
            await served.getattr(found.inode)


async def test_an_order_with_impossible_names_costs_only_those_names() -> None:
    """Paths come from outside: one that no system call could carry must not end the mount."""
    async with serving({"f": DATA[:PAGE]}) as (served, parts):
        await served.follow([ManifestEntry("/\ud800"), ManifestEntry("/a\0b"), ManifestEntry("/f")])
        await anyio.wait_all_tasks_blocked()
        assert [key for key, _, _ in parts.readers["/"].requests] == ["f"]


async def test_a_new_order_replaces_the_one_before() -> None:
    """Opens move the new one only."""
    async with serving({f"f{n:02}": b"x" * 100 for n in range(80)}) as (served, parts):
        await served.follow([ManifestEntry(f"/f{n:02}") for n in range(80)])
        await anyio.wait_all_tasks_blocked()
        assert len(parts.readers["/"].requests) == 32
        await served.follow([ManifestEntry("/f79")])
        await anyio.wait_all_tasks_blocked()
        found = await served.lookup(ROOT_INODE, b"f31")
        await served.open(found.inode, writable=False, caller=NOBODY)
        await anyio.wait_all_tasks_blocked()
        assert len(parts.readers["/"].requests) == 33


async def test_shutdown_ends_a_read_that_is_still_waiting() -> None:
    """It fails; it does not ask for ever while the mount tries to end."""
    faults: list[Exception] = []

    async def read(served: MountedFileSystem, handle: int) -> None:
        try:
            await served.read(handle, 0, 10)
        except BackendOffline as error:
            faults.append(error)

    async with anyio.create_task_group() as readers, serving({"f": DATA}) as (served, parts):
        found = await served.lookup(ROOT_INODE, b"f")
        handle = (await served.open(found.inode, writable=False, caller=NOBODY)).handle
        parts.readers["/"].gate = anyio.Event()
        readers.start_soon(read, served, handle)
        await anyio.wait_all_tasks_blocked()
    assert len(faults) == 1


async def test_walking_leaves_no_inodes_behind() -> None:
    """Nobody will ever forget what the kernel never held."""
    async with serving({f"a{n}/b/c{m}": b"x" for n in range(5) for m in range(3)}) as (served, _):
        before = served.inodes
        found = [item async for item in served.walker.walk("/", recursive=True)]
        assert len(found) == 15
        await served.follow([ManifestEntry("/a1/b/c1")])
        await anyio.wait_all_tasks_blocked()
        assert served.inodes == before


async def test_an_object_that_does_not_match_its_digest_is_refused_once_that_is_known() -> None:
    """Nothing of it is kept; whoever reads on with the same version gets an error, not the same bytes again."""
    async with serving({"f": DATA[:1000]}) as (served, parts):
        stored = parts.buckets["/"].objects["f"]
        wrong = stored.info._replace(digest=Digest("md5", bytes(16)))
        parts.buckets["/"].objects["f"] = replace(stored, info=wrong)
        found = await served.lookup(ROOT_INODE, b"f")
        handle = (await served.open(found.inode, writable=False, caller=NOBODY)).handle
        await served.read(handle, 0, 1000)  # served while it streams, before the digest can be known
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(Corrupted):
            await served.read(handle, 0, 10)
        await served.release(handle)


async def test_a_page_that_fails_fails_the_listing_with_its_own_error() -> None:
    """Not with a group of errors that no table knows."""
    async with serving({f"f{n:04}": b"x" for n in range(3000)}) as (served, parts):
        reader = parts.readers["/"]
        whole = reader.list_page

        async def failing(prefix: ObjectKey, *, cursor: str | None = None, limit: int = 1000) -> ListPage:
            if cursor is not None:
                raise Unavailable("reset")
            return await whole(prefix, cursor=cursor, limit=limit)

        reader.list_page = failing  # type: ignore[method-assign, assignment]  # one page of three, as a bad network would
        handle = await served.opendir(ROOT_INODE, NOBODY)
        with pytest.raises(Unavailable):
            await served.readdir(handle)
        await served.releasedir(handle)
