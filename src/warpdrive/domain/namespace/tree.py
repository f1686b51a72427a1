"""Which mount entry answers for a path, and which directories exist because of mounts (R3)."""

from collections.abc import Iterable
from typing import NamedTuple

from warpdrive.domain.content.paths import components, is_normal
from warpdrive.domain.namespace.errors import DuplicateMountPath, InvalidMountPath
from warpdrive.domain.namespace.values import MountEntry


class Located(NamedTuple):
    """Where a path lives. `relative` is the key below the backend's own prefix; "" is the mount's root."""

    entry: MountEntry
    relative: str


class _Node:
    """One name of a mount path. Built once, never changed after the tree's construction."""

    __slots__ = ("below", "entry", "names")

    def __init__(self) -> None:
        self.entry: MountEntry | None = None
        self.below: dict[str, _Node] = {}
        self.names: tuple[str, ...] = ()


class MountTree:
    """Immutable tree of mount entries. The longest mount path wins; entries may nest; "/" may be one.

    Every path handed in is absolute and normal ("/", "/a/b"); what is no mount path and above none is simply
    unknown here. Each question walks at most as many names as the deepest mount path has.
    """

    __slots__ = ("_depth", "_entries", "_root")

    def __init__(self, entries: Iterable[MountEntry]) -> None:
        """Raises DuplicateMountPath, and InvalidMountPath for a path that is not absolute and normal."""
        self._root = _Node()
        self._entries = tuple(sorted(entries, key=lambda entry: components(entry.path)))
        self._depth = 0
        for entry in self._entries:
            self._plant(entry)

    def _plant(self, entry: MountEntry) -> None:
        if not is_normal(entry.path):
            raise InvalidMountPath(entry.path)
        names = components(entry.path)
        node = self._root
        for name in names:
            if name not in node.below:
                node.below[name] = _Node()
                node.names = tuple(sorted(node.below))
            node = node.below[name]
        if node.entry is not None:
            raise DuplicateMountPath(entry.path)
        node.entry = entry
        self._depth = max(self._depth, len(names))

    @property
    def entries(self) -> tuple[MountEntry, ...]:
        """All entries, each after those it is nested in."""
        return self._entries

    def resolve(self, path: str) -> Located | None:
        """Find the entry that answers for `path`, or None where only synthetic parents are, or nothing."""
        node = self._root
        best = node.entry
        if path == "/" or not node.below:
            return None if best is None else Located(best, path[1:])
        # Names below the deepest mount path are never looked at, so they need not be taken apart.
        for name in path[1:].split("/", self._depth):
            child = node.below.get(name)
            if child is None:
                break
            node = child
            if node.entry is not None:
                best = node.entry
        if best is None:
            return None
        skip = 1 if best.path == "/" else len(best.path) + 1
        return Located(best, path[skip:])

    def children(self, path: str) -> tuple[str, ...]:
        """Names directly below `path` that exist because of mounts, sorted; the backend may add others."""
        node = self._find(path)
        return () if node is None else node.names

    def is_mount_root(self, path: str) -> bool:
        """Tell whether an entry is mounted exactly here."""
        node = self._find(path)
        return node is not None and node.entry is not None

    def leads_to_mount(self, path: str) -> bool:
        """Tell whether `path` is strictly above a mount path: a directory, even if its backend has none."""
        return bool(self.children(path))

    def is_synthetic(self, path: str) -> bool:
        """Tell whether `path` exists only as a parent of mount paths: no entry answers for it.

        The root of a tree always exists, so without any entry it is synthetic (and empty).
        """
        return self._find(path) is not None and self.resolve(path) is None

    def _find(self, path: str) -> _Node | None:
        node: _Node | None = self._root
        if path == "/":
            return node
        for name in path[1:].split("/", self._depth):
            node = node.below.get(name) if node is not None else None
            if node is None:
                return None
        return node
