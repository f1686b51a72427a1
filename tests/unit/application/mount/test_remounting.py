"""R7 without a kernel: entries appear, vanish and change under a running mount."""

import anyio
import pytest

from tests.support.changing_mount import ChangingMount, changing_mount, entry
from tests.support.read_half import BLOCK, NOBODY, pattern
from warpdrive.application.mount.attributes import ROOT_INODE, FileKind
from warpdrive.application.mount.errors import (
    BackendOffline,
    IsADirectory,
    NoSuchEntry,
    StaleInode,
    TenantRestricted,
)
from warpdrive.application.mount.remounting import stale_names
from warpdrive.application.mount.warming import WarmRequest, WarmRun
from warpdrive.domain.namespace.errors import DuplicateMountPath
from warpdrive.domain.namespace.tree import MountTree

DATA = pattern(3 * BLOCK)


async def test_an_entry_appears_with_its_parents_though_the_name_was_absent() -> None:
    """Lookup and `ls` show it at once, whatever was remembered of the name."""
    async with changing_mount(one={"f": b"1"}, two={"g": b"2"}) as mount:
        mount.remount(a="one")
        with pytest.raises(NoSuchEntry):
            await mount.look("/far/away")
        change = mount.remount(a="one", b=entry("/far/away", "two"))
        assert change.appeared == ("/far/away",)
        assert await mount.names(ROOT_INODE) == ["a", "far"]
        assert await mount.names((await mount.look("/far")).inode) == ["away"]
        assert await mount.read("/far/away/g") == b"2"
        assert mount.kernel.forgotten == [(ROOT_INODE, b"a"), (ROOT_INODE, b"far")]


async def test_an_entry_appears_inside_another_and_hides_its_names() -> None:
    """What the outer backend had said about the names below is forgotten, absence too."""
    async with changing_mount(outer={"in/x": b"old", "in/y": b"y"}, inner={"x": b"new"}) as mount:
        mount.remount(d="outer")
        outside = await mount.look("/d")
        with pytest.raises(NoSuchEntry):
            await mount.look("/d/in/z")
        assert await mount.names((await mount.look("/d/in")).inode) == ["x", "y"]
        mount.buckets["inner"].put("z", b"z", 1, {})
        mount.remount(d="outer", i=entry("/d/in", "inner"))
        assert await mount.names((await mount.look("/d/in")).inode) == ["x", "z"]
        assert await mount.read("/d/in/x") == b"new"
        assert await mount.read("/d/in/z") == b"z"
        with pytest.raises(NoSuchEntry):
            await mount.look("/d/in/y")
        assert mount.kernel.forgotten[-1] == (outside.inode, b"in")
        mount.remount(d="outer")
        assert await mount.read("/d/in/x") == b"old"


async def test_a_vanished_entry_is_absent_at_once_and_its_open_files_go_on() -> None:
    """Also what was never read before; the backend closes with the last handle, not before."""
    async with changing_mount(one={"d/f": DATA}) as mount:
        mount.remount(a="one")
        handle = await mount.open("/a/d/f")
        below = await mount.look("/a/d")
        assert mount.remount().vanished == ("/a",)
        for path in ("/a", "/a/d", "/a/d/f"):
            with pytest.raises(NoSuchEntry):
                await mount.look(path)
        with pytest.raises(NoSuchEntry):
            await mount.files.lookup(below.inode, b"f")
        with pytest.raises(NoSuchEntry):
            await mount.names(below.inode)
        assert await mount.names(ROOT_INODE) == []
        assert bytes(await mount.files.read(handle, 2 * BLOCK, BLOCK)) == DATA[2 * BLOCK :]
        assert mount.closed("one") == [False]
        assert mount.backends.leaving == 1
        await mount.files.release(handle)
        await anyio.wait_all_tasks_blocked()
        assert mount.closed("one") == [True]
        assert mount.backends.leaving == 0


async def test_a_backend_that_nobody_uses_is_closed_when_it_leaves() -> None:
    """At once, and only that one."""
    async with changing_mount(one={"f": b"1"}, two={"g": b"2"}) as mount:
        mount.remount(a="one", b="two")
        assert await mount.read("/a/f") == b"1"
        mount.remount(b="two")
        await anyio.wait_all_tasks_blocked()
        assert mount.readers["one"][0].closed
        assert not mount.readers["two"][0].closed


async def test_a_stale_inode_of_a_vanished_entry_is_not_opened() -> None:
    """The kernel may still hold the file's inode: ESTALE makes it look the path up again."""
    async with changing_mount(one={"f": b"1"}) as mount:
        mount.remount(a="one")
        found = await mount.look("/a/f")
        mount.remount()
        with pytest.raises(StaleInode):
            await mount.files.open(found.inode, writable=False, caller=NOBODY)
        with pytest.raises(StaleInode):
            await mount.files.getattr(found.inode)


async def test_a_reconfigured_entry_serves_new_opens_and_old_handles_keep_the_old_backend() -> None:
    """Same path, other bucket: names, listings and bytes are the new one's; the directory stays the same inode."""
    async with changing_mount(one={"f": DATA, "only": b"1"}, two={"f": b"two"}) as mount:
        mount.remount(a="one")
        directory = (await mount.look("/a")).inode
        assert await mount.names(directory) == ["f", "only"]
        handle = await mount.open("/a/f")
        assert mount.remount(a="two").reconfigured == ("/a",)
        assert await mount.names(directory) == ["f"]
        assert await mount.read("/a/f") == b"two"
        with pytest.raises(NoSuchEntry):
            await mount.look("/a/only")
        assert bytes(await mount.files.read(handle, 0, BLOCK)) == DATA[:BLOCK]
        assert (await mount.look("/a")).inode == directory
        assert mount.kernel.forgotten == [(ROOT_INODE, b"a")] * 2


async def test_other_credentials_for_one_place_are_used_by_new_opens_of_a_file_that_is_open() -> None:
    """The same version of the same place, read through the reader of now; the old handle's reader stays open."""
    async with changing_mount(one={"f": DATA}) as mount:
        mount.remount(a="one")
        handle = await mount.open("/a/f")
        mount.remount(a=entry("/a", "one", auth="rotated"))
        old, new = mount.readers["one"]
        assert await mount.read("/a/f") == DATA
        assert (len(old.requests), len(new.requests) > 0, old.closed) == (0, True, False)
        assert bytes(await mount.files.read(handle, 0, 10)) == DATA[:10]
        await mount.files.release(handle)
        await anyio.wait_all_tasks_blocked()
        assert (old.closed, new.closed) == (True, False)


async def test_a_change_of_policy_reopens_nothing() -> None:
    """Backend, inodes and listings stay; the policy is the new one."""
    async with changing_mount(one={"f": b"1"}) as mount:
        mount.remount(a="one")
        found = await mount.look("/a/f")
        change = mount.remount(a=entry("/a", "one", delete="allow"))
        assert change.paths == ()
        assert (await mount.look("/a/f")).inode == found.inode
        assert len(mount.readers["one"]) == 1
        assert [backend.entry.policy.delete for backend in mount.backends] == ["allow"]


async def test_a_place_that_moves_keeps_its_cache() -> None:
    """The cache knows places, not paths: the second path costs no request for data."""
    async with changing_mount(one={"f": DATA}) as mount:
        mount.remount(a="one")
        assert await mount.read("/a/f") == DATA
        await anyio.wait_all_tasks_blocked()
        mount.remount(b="one")
        assert await mount.read("/b/f") == DATA
        assert mount.readers["one"][1].requests == []


async def test_a_tenant_restricted_entry_refuses_its_own_subtree() -> None:
    """TenantRestricted (EACCES) below it, ever before a reader is opened; the others work."""
    async with changing_mount(one={"f": b"1"}, two={"g": b"2"}) as mount:
        mount.remount(a=entry("/a", "one", tenant="6f9619ff-8b86-d011-b42d-00c04fc964ff"), b="two")
        directory = await mount.look("/a")
        assert directory.kind is FileKind.DIRECTORY
        with pytest.raises(TenantRestricted, match="6f9619ff"):
            await mount.look("/a/f")
        with pytest.raises(TenantRestricted):
            await mount.names(directory.inode)
        assert "one" not in mount.readers
        assert await mount.read("/b/g") == b"2"


@pytest.mark.parametrize(("bucket", "words"), [("unknown", "auth reference"), ("broken", "a defect in the adapter")])
async def test_an_entry_that_cannot_be_opened_refuses_its_own_subtree(bucket: str, words: str) -> None:
    """BackendOffline (EIO) below it, for what was foreseen and for what was not; the others work."""
    async with changing_mount(two={"g": b"2"}) as mount:
        mount.remount(a=entry("/a", bucket), b="two")
        with pytest.raises(BackendOffline, match=words):
            await mount.look("/a/f")
        assert await mount.read("/b/g") == b"2"


async def test_an_impossible_tree_changes_nothing() -> None:
    """Two entries on one path: what was served stays, and nothing is left open."""
    async with changing_mount(one={"f": b"1"}, two={"g": b"2"}) as mount:
        mount.remount(a="one")
        with pytest.raises(DuplicateMountPath):
            mount.remount(a="two", b=entry("/a", "two"))
        assert await mount.read("/a/f") == b"1"
        assert "two" not in mount.readers


class TestUnderWay:
    async def test_a_lookup_that_was_asked_of_the_old_backend_answers_for_the_new_one(self) -> None:
        """Nothing of the old backend is bound to the path after the change."""
        async with changing_mount(one={"f": b"1"}, two={"f": b"two"}) as mount:
            mount.remount(a="one")
            sizes: list[int] = []

            async def look() -> None:
                sizes.append((await mount.look("/a/f")).size)

            await _change_meanwhile(mount, look)
            assert sizes == [3]
            assert mount.readers["one"][0].closed

    async def test_a_listing_that_was_asked_of_the_old_backend_is_not_shown(self) -> None:
        """Nor kept."""
        async with changing_mount(one={"f": b"1"}, two={"g": b"two"}) as mount:
            mount.remount(a="one")
            directory = (await mount.look("/a")).inode
            shown: list[str] = []

            async def listing() -> None:
                shown.extend(await mount.names(directory))

            await _change_meanwhile(mount, listing)
            assert shown == ["g"]
            assert await mount.names(directory) == ["g"]

    async def test_a_listing_that_an_appearing_entry_overtakes_is_not_shown(self) -> None:
        """Its backend stays in service, but not here: the listing says nothing of the entry's directory."""
        async with changing_mount(outer={"in/x": b"old"}, inner={"y": b"new"}) as mount:
            mount.remount(d="outer")
            directory = (await mount.look("/d/in")).inode
            (reader,) = mount.readers["outer"]
            reader.pause = pause = anyio.Event()
            shown: list[str] = []

            async def listing() -> None:
                shown.extend(await mount.names(directory))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listing)
                await anyio.wait_all_tasks_blocked()
                mount.remount(d="outer", i=entry("/d/in", "inner"))
                pause.set()
            assert shown == ["y"]
            assert await mount.names((await mount.look("/d/in")).inode) == ["y"]

    async def test_a_directory_being_read_ends_when_its_entry_changes(self) -> None:
        """A stream of the old names binds none of them after the change."""
        async with changing_mount(one={"f": b"1", "g": b"1"}, two={"f": b"two"}) as mount:
            mount.remount(a="one")
            handle = await mount.files.opendir((await mount.look("/a")).inode, NOBODY)
            assert len(await mount.files.readdir(handle)) == 2
            mount.remount(a="two")
            assert len(await mount.files.readdir(handle)) == 0
            await mount.files.releasedir(handle)
            assert (await mount.look("/a/f")).size == 3

    async def test_a_mounted_name_that_vanishes_from_a_directory_being_read_leads_nowhere(self) -> None:
        """The stream keeps its places; the name has no lifetime and cannot be looked up or listed."""
        async with changing_mount(one={"f": b"1"}, two={"x": b"2"}) as mount:
            mount.remount(a="one", b="two")
            handle = await mount.files.opendir(ROOT_INODE, NOBODY)
            stream = await mount.files.readdir(handle)
            mount.remount(b="two")
            stream = await mount.files.readdir(handle)
            assert [stream.name(index) for index in range(len(stream))] == [b"a", b"b"]
            ghost = stream.attributes(0)
            assert (ghost.entry_ttl, ghost.attr_ttl) == (0.0, 0.0)
            assert stream.attributes(0) == ghost
            with pytest.raises(NoSuchEntry):
                await mount.files.lookup(ghost.inode, b"f")
            assert stream.attributes(1).entry_ttl > 0
            before = mount.files.inodes
            await mount.files.releasedir(handle)
            assert mount.files.inodes == before - 1

    async def test_a_warm_run_counts_what_vanishes_and_goes_on(self) -> None:
        """A file whose entry has left is missing, not a crash."""
        async with changing_mount(one={"f": b"1"}, two={"g": b"2"}) as mount:
            mount.remount(a="one", b="two")
            run = WarmRun(WarmRequest("/", recursive=True), mount.files.walker, mount.files.filler, mount.clock)
            found = [item async for item in mount.files.walker.walk("/", recursive=True)]
            mount.remount(b="two")
            assert mount.files.filler.cached_bytes(found[0]) == 0  # type: ignore[arg-type]  # both are files
            assert (await run.run()).files == 1


async def _change_meanwhile(mount: ChangingMount, work: object) -> None:
    """Run `work` until it asks backend one, remount /a to two, let one answer."""
    (reader,) = mount.readers["one"]
    reader.pause = pause = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)  # type: ignore[arg-type]  # a coroutine function without arguments
        await anyio.wait_all_tasks_blocked()
        assert reader.asked
        mount.remount(a="two")
        assert not reader.closed
        pause.set()
    await anyio.wait_all_tasks_blocked()


class TestRoot:
    async def test_an_entry_at_the_root_appears_changes_and_vanishes(self) -> None:
        """The root itself stays; the kernel forgets what it knew in it, but for other entries' names."""
        async with changing_mount(one={"f": b"1", "m/x": b"1"}, two={"f": b"two"}) as mount:
            mount.remount(m=entry("/m", "two"))
            assert await mount.names(ROOT_INODE) == ["m"]
            mount.remount(m=entry("/m", "two"), r=entry("/", "one"))
            assert await mount.names(ROOT_INODE) == ["f", "m"]
            assert await mount.read("/f") == b"1"
            await mount.look("/m")
            mount.kernel.forgotten.clear()
            mount.remount(m=entry("/m", "two"), r=entry("/", "two"))
            assert mount.kernel.forgotten == [(ROOT_INODE, b"f")]
            assert await mount.read("/f") == b"two"
            mount.remount()
            assert await mount.names(ROOT_INODE) == []
            with pytest.raises(NoSuchEntry):
                await mount.look("/f")

    async def test_a_directory_is_still_no_file(self) -> None:
        """Verbs of files on mount paths answer as ever."""
        async with changing_mount(one={"f": b"1"}) as mount:
            mount.remount(a="one")
            with pytest.raises(IsADirectory):
                await mount.files.open((await mount.look("/a")).inode, writable=False, caller=NOBODY)


@pytest.mark.parametrize(
    ("before", "after", "changed", "stale"),
    [
        ([], ["/a/b/c"], ["/a/b/c"], ["/a"]),
        (["/a/b"], ["/a/b", "/a/c/d"], ["/a/c/d"], ["/a/c"]),
        (["/a/b", "/a/c"], ["/a/b"], ["/a/c"], ["/a/c"]),
        (["/a", "/a/b/c"], ["/a"], ["/a/b/c"], ["/a/b"]),
        (["/a/b"], ["/a", "/a/b"], ["/a"], ["/a"]),
        (["/a"], ["/a"], ["/a"], ["/a"]),
        (["/"], [], ["/"], []),
    ],
)
def test_only_the_topmost_changed_names_are_forgotten(
    before: list[str], after: list[str], changed: list[str], stale: list[str]
) -> None:
    """Directories that merely lead to a change stay known: somebody may be working in one."""
    trees = [MountTree(entry(path, "one") for path in paths) for paths in (before, after)]
    assert stale_names(trees[0], trees[1], changed) == stale
