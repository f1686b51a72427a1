"""Mount trees against a naive model that compares prefixes name by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.namespace.errors import DuplicateMountPath, InvalidMountPath
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

NAMES = st.sampled_from(["a", "b", "c", "ab", "a.b", "é", "\udcff"])
SEQUENCES = st.lists(NAMES, max_size=5).map(tuple)
MOUNTS = st.lists(st.lists(NAMES, max_size=4).map(tuple), unique=True, max_size=6)


def entry(path: str) -> MountEntry:
    """Mount a memory backend on `path`."""
    return MountEntry(path=path, backend=BackendDefinition(name=path, type="memory"))


def absolute(names: tuple[str, ...]) -> str:
    """Write names as a path."""
    return "/" + "/".join(names)


def starts_with(names: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """Compare name by name."""
    return names[: len(prefix)] == prefix


@given(mounts=MOUNTS, names=SEQUENCES)
def test_resolve_agrees_with_the_naive_longest_prefix(mounts: list[tuple[str, ...]], names: tuple[str, ...]) -> None:
    """Among all mount paths that a path starts with, the longest answers; the rest of the path is the key."""
    located = MountTree(map(entry, map(absolute, mounts))).resolve(absolute(names))
    covering = [mount for mount in mounts if starts_with(names, mount)]
    if not covering:
        assert located is None
    else:
        longest = max(covering, key=len)
        assert located is not None
        assert located.entry.path == absolute(longest)
        assert located.relative == "/".join(names[len(longest) :])


@given(mounts=MOUNTS, names=SEQUENCES)
def test_children_and_kinds_agree_with_the_naive_model(mounts: list[tuple[str, ...]], names: tuple[str, ...]) -> None:
    """What exists because of mounts is exactly the set of prefixes of the mount paths."""
    tree = MountTree(map(entry, map(absolute, mounts)))
    path = absolute(names)
    below = {mount[len(names)] for mount in mounts if len(mount) > len(names) and starts_with(mount, names)}
    covered = any(starts_with(names, mount) for mount in mounts)
    assert tree.children(path) == tuple(sorted(below))
    assert tree.leads_to_mount(path) == bool(below)
    assert tree.is_mount_root(path) == (names in mounts)
    assert tree.is_synthetic(path) == ((bool(below) or not names) and not covered)


@given(mounts=MOUNTS)
def test_every_synthetic_parent_is_reachable_from_the_root(mounts: list[tuple[str, ...]]) -> None:
    """Walking down by children from the root meets every mount path."""
    tree = MountTree(map(entry, map(absolute, mounts)))
    found: set[tuple[str, ...]] = set()
    queue: list[tuple[str, ...]] = [()]
    while queue:
        names = queue.pop()
        if tree.is_mount_root(absolute(names)):
            found.add(names)
        queue += [(*names, name) for name in tree.children(absolute(names))]
    assert found == set(mounts)


def test_a_name_that_merely_starts_like_a_mount_path_is_not_below_it() -> None:
    """Prefixes are compared by whole names: "/data2" is not part of "/data"."""
    tree = MountTree([entry("/data")])
    assert tree.resolve("/data2") is None
    assert tree.resolve("/data/2") == (entry("/data"), "2")


def test_nested_entries_split_the_tree_between_backends() -> None:
    """An entry inside another entry takes over from its own path downwards."""
    tree = MountTree([entry("/a/b"), entry("/"), entry("/a/b/c/d")])
    assert [each.path for each in tree.entries] == ["/", "/a/b", "/a/b/c/d"]
    assert tree.resolve("/a") == (entry("/"), "a")
    assert tree.resolve("/a/b") == (entry("/a/b"), "")
    assert tree.resolve("/a/b/c") == (entry("/a/b"), "c")
    assert tree.resolve("/a/b/c/d/e/f") == (entry("/a/b/c/d"), "e/f")
    assert tree.children("/a/b") == ("c",)
    assert not tree.is_synthetic("/a")
    assert tree.leads_to_mount("/a")


def test_an_empty_tree_still_has_its_root() -> None:
    """Without entries the root is a synthetic, empty directory."""
    tree = MountTree([])
    assert tree.is_synthetic("/")
    assert tree.resolve("/") is None
    assert tree.resolve("/a") is None
    assert tree.children("/") == ()
    assert not tree.is_synthetic("/a")


def test_two_entries_on_one_path_are_refused() -> None:
    """Which of two equal paths answers would be chance, so the tree is not built."""
    with pytest.raises(DuplicateMountPath) as caught:
        MountTree([entry("/a"), entry("/b"), entry("/a")])
    assert caught.value.path == "/a"


@pytest.mark.parametrize("path", ["", "a", "/a/", "//", "/a//b", "/a/../b", "/.", "/a\0"])
def test_a_mount_path_must_be_absolute_and_normal(path: str) -> None:
    """A path that the kernel could never ask for is refused."""
    with pytest.raises(InvalidMountPath):
        MountTree([entry(path)])
