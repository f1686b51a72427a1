"""Names and their freshness: R2, R3 and R4 without a kernel."""

import os

import pytest

from tests.support.small_mount import SmallMount
from warpdrive.application.mount.attributes import FileKind
from warpdrive.application.mount.errors import BackendOffline, NameTooLong, NoSuchEntry, NotADirectory, StaleInode
from warpdrive.application.mount.freshness import Freshness
from warpdrive.domain.content.paths import HiddenReason


async def test_the_longest_mount_path_wins_and_parents_are_listed() -> None:
    """Nested mounts shadow the backend's own names; parents of mount paths exist by themselves (R3)."""
    mount = SmallMount({"/data": {"x": b"1", "inner/shadowed": b"2"}, "/data/inner": {"y": b"3"}, "/far/away": {}})
    assert await mount.names("/") == ["data", "far"]
    assert await mount.names("/far") == ["away"]
    assert await mount.names("/data") == ["inner", "x"]
    assert await mount.names("/data/inner") == ["y"]
    with pytest.raises(NoSuchEntry):
        await mount.lookup("/data/inner/shadowed")


async def test_a_prefix_is_a_directory_and_hides_the_object_of_its_name() -> None:
    """A key that is also a prefix is shown as the directory, the object hidden and counted (R4)."""
    mount = SmallMount({"/d": {"a": b"1", "a-1": b"2", "a/b": b"3"}})
    assert await mount.names("/d") == ["a", "a-1"]
    assert (await mount.lookup("/d/a")).kind is FileKind.DIRECTORY
    listing = mount.listings.peek("/d")
    assert listing is not None
    assert listing.hidden_counts == {HiddenReason.SHADOWED: 1}


async def test_an_unlisted_directory_is_found_even_beside_an_object_of_its_name() -> None:
    """A lookup asks both questions at once, and the directory wins, as in a listing."""
    mount = SmallMount({"/d": {"a": b"1", "a/b": b"3"}})
    assert (await mount.lookup("/d/a")).kind is FileKind.DIRECTORY


async def test_keys_that_cannot_be_names_are_hidden_and_counted() -> None:
    """Empty, dot and overlong components and NUL bytes: none is listed, none is found (R4)."""
    long = "n" * 256
    mount = SmallMount({"/d": {"ok": b"", ".": b"1", "..": b"2", "x/../y": b"3", "a//b": b"4", long: b"5", "\0": b"6"}})
    assert await mount.names("/d") == ["a", "ok", "x"]
    assert await mount.names("/d/a") == []
    assert await mount.names("/d/x") == []
    listing = mount.listings.peek("/d")
    assert listing is not None
    assert sum(listing.hidden_counts.values()) == 4
    with pytest.raises(NameTooLong):
        await mount.lookup("/d/" + long)


async def test_the_marker_object_of_a_directory_is_not_shown_inside_it() -> None:
    """A key "dir/" only says that the directory exists."""
    mount = SmallMount({"/d": {"dir/": b""}})
    assert await mount.names("/d") == ["dir"]
    assert await mount.names("/d/dir") == []


async def test_names_of_raw_bytes_survive() -> None:
    """A name that is not UTF-8 travels as surrogate escapes and comes back as its bytes (R4)."""
    raw = os.fsdecode(b"caf\xe9")
    mount = SmallMount({"/d": {raw: b"1"}})
    inode = await mount.tree.lookup(await mount.lookup("/d"), b"caf\xe9")
    assert inode.info is not None
    assert inode.info.key == raw


async def test_a_listing_answers_lookups_without_asking_the_backend() -> None:
    """After `ls`, finding each file costs no request."""
    mount = SmallMount({"/d": {f"f{n}": b"x" for n in range(50)}})
    await mount.names("/d")
    reader = mount.readers["/d"]
    reader.stats = reader.lists = 0
    for n in range(50):
        await mount.lookup(f"/d/f{n}")
    assert (reader.stats, reader.lists) == (0, 0)


async def test_absence_is_believed_for_negative_ttl_only() -> None:
    """A name that was absent is found as soon as the negative lifetime is over."""
    mount = SmallMount({"/d": {"other": b""}})
    with pytest.raises(NoSuchEntry):
        await mount.lookup("/d/new")
    mount.put("/d", "new", b"1")
    with pytest.raises(NoSuchEntry):
        await mount.lookup("/d/new")
    mount.clock.advance(mount.freshness.negative_ttl + 0.1)
    assert (await mount.lookup("/d/new")).size == 1


async def test_a_name_missing_from_an_older_listing_is_asked_for() -> None:
    """A listing proves absence for `negative_ttl`, not for `dir_ttl`."""
    mount = SmallMount({"/d": {"other": b""}})
    await mount.names("/d")
    mount.put("/d", "new", b"1")
    mount.clock.advance(mount.freshness.negative_ttl + 0.1)
    assert (await mount.lookup("/d/new")).size == 1


async def test_a_new_version_is_a_new_inode_and_the_same_version_keeps_it() -> None:
    """Inode = (path, version), R1."""
    mount = SmallMount({"/d": {"f": b"one"}})
    first = await mount.lookup("/d/f")
    mount.clock.advance(61)
    assert await mount.lookup("/d/f") is first
    mount.put("/d", "f", b"two")
    mount.clock.advance(61)
    second = await mount.lookup("/d/f")
    assert second.number != first.number
    assert not mount.inodes.is_current(first)
    with pytest.raises(StaleInode):
        await mount.tree.revalidate(first)


async def test_listed_attributes_live_attr_ttl_not_dir_ttl() -> None:
    """An older listing still gives the name, with no lifetime left for its attributes (R2)."""
    mount = SmallMount({"/d": {"f": b"one"}})
    await mount.names("/d")
    mount.clock.advance(mount.freshness.attr_ttl + 1)
    reader = mount.readers["/d"]
    reader.stats = 0
    attributes = mount.tree.attributes(await mount.lookup("/d/f"))
    assert reader.stats == 0
    assert attributes.attr_ttl == 0.0
    mount.put("/d", "f", b"longer")
    with pytest.raises(StaleInode):
        await mount.tree.revalidate(mount.inodes.get(attributes.inode))
    assert (await mount.lookup("/d/f")).size == 6


async def test_many_outdated_attributes_of_one_directory_are_renewed_by_one_listing() -> None:
    """`ls -l` of a directory listed minutes ago must not cost one request per file."""
    mount = SmallMount({"/d": {f"f{n}": b"x" for n in range(100)}})
    await mount.names("/d")
    mount.clock.advance(mount.freshness.attr_ttl + 1)
    reader = mount.readers["/d"]
    reader.stats = reader.lists = 0
    for n in range(100):
        await mount.tree.revalidate(await mount.lookup(f"/d/f{n}"))
    assert reader.stats < 10
    assert reader.lists == 1


async def test_an_older_listing_does_not_undo_a_newer_answer() -> None:
    """A listing taken before a change does not bring the old version back."""
    mount = SmallMount({"/d": {"f": b"one"}})
    await mount.names("/d")
    listing = mount.listings.peek("/d")
    assert listing is not None
    old = listing.entries["f"]
    mount.clock.advance(10)
    mount.put("/d", "f", b"two!")
    mount.tree.supersede("/d/f")
    newer = await mount.lookup("/d/f")
    assert newer.size == 4
    assert mount.tree.bind_listed("/d/f", old, listing.listed_at) is newer


async def test_an_offline_backend_fails_its_own_paths_only() -> None:
    """Its directory is still there for others to see; what is below it fails (R3)."""
    mount = SmallMount({"/good": {"f": b"1"}}, offline=("/bad",))
    assert await mount.names("/") == ["bad", "good"]
    assert (await mount.lookup("/good/f")).size == 1
    with pytest.raises(BackendOffline):
        await mount.names("/bad")
    with pytest.raises(BackendOffline):
        await mount.lookup("/bad/f")


async def test_a_file_has_nothing_below_it() -> None:
    """ENOTDIR, not ENOENT."""
    mount = SmallMount({"/d": {"f": b"1"}})
    with pytest.raises(NotADirectory):
        await mount.lookup("/d/f/g")


async def test_listings_are_bounded_by_names_over_all() -> None:
    """The least recently used listing goes first."""
    mount = SmallMount({"/d": {f"{d}/f{n}": b"" for d in "abc" for n in range(10)}}, freshness=Freshness(max_listed=25))
    for each in "abc":
        await mount.names(f"/d/{each}")
    assert mount.listings.peek("/d/a") is None
    assert mount.listings.peek("/d/c") is not None


async def test_files_opened_by_path_get_their_directory_listed() -> None:
    """From the third lookup on the directory is listed beside; then lookups cost nothing."""
    mount = SmallMount({"/d": {f"f{n}": b"x" for n in range(50)}})
    for n in range(3):
        await mount.lookup(f"/d/f{n}")
    assert len(mount.spawned) == 1
    await mount.spawned[0]()
    reader = mount.readers["/d"]
    reader.stats = reader.lists = 0
    for n in range(3, 50):
        assert (await mount.lookup(f"/d/f{n}")).size == 1
    assert (reader.stats, reader.lists) == (0, 0)


async def test_a_huge_directory_is_not_listed_on_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guess stops after so many names, keeps nothing, and is not repeated for a while."""
    monkeypatch.setattr("warpdrive.application.mount.listings.SMALL_DIRECTORY", 1500)
    mount = SmallMount({"/d": {f"f{n:05}": b"x" for n in range(5000)}})
    reader = mount.readers["/d"]
    for _ in range(2):
        for n in range(3):
            mount.tree.supersede(f"/d/f{n:05}")
            await mount.lookup(f"/d/f{n:05}")
        await mount.spawned.pop()()
        assert mount.listings.peek("/d") is None
    # Three lookups each ask once for what is below the name; the guess cost two pages, once.
    assert reader.lists == 6 + 2


async def test_attributes_shorter_lived_than_names_are_renewed_by_one_listing_too() -> None:
    """`stat` of many known names: the kernel asks by inode, and one listing must answer for all of them."""
    mount = SmallMount({"/d": {f"f{n}": b"x" for n in range(200)}}, freshness=Freshness(attr_ttl=5.0))
    await mount.names("/d")
    known = [await mount.lookup(f"/d/f{n}") for n in range(200)]
    mount.clock.advance(6)
    reader = mount.readers["/d"]
    reader.stats = reader.lists = 0
    for inode in known:
        await mount.tree.revalidate(inode)
    assert (reader.stats < 10, reader.lists) == (True, 1)
