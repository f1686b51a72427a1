"""From one set of mount entries to the next, in one step that no verb sees half done.

The order matters, though nothing awaits in between: backends are opened first (a bad tree or a defect changes nothing),
then put in service, then the tree of names follows, and last the kernel is told which names to ask again.
"""

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from warpdrive.application.mount.backends import MountedBackend, MountedBackends, OpenReader
from warpdrive.application.mount.inodes import InodeTable
from warpdrive.application.mount.notices import KernelNotices
from warpdrive.application.mount.tree import Tree
from warpdrive.domain.content.paths import components, split
from warpdrive.domain.namespace.tree import MountTree
from warpdrive.domain.namespace.values import MountEntry


class Change(NamedTuple):
    """What a replacement did, by mount path."""

    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    reconfigured: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths below which another backend may serve now."""
        return self.appeared + self.vanished + self.reconfigured


class Remounting:
    """Replaces the mount entries of one mount."""

    def __init__(
        self,
        tree: Tree,
        inodes: InodeTable,
        backends: MountedBackends,
        notices: KernelNotices,
        close_later: Callable[[MountedBackend], None],
    ) -> None:
        self._tree = tree
        self._inodes = inodes
        self._backends = backends
        self._notices = notices
        self._close_later = close_later

    def to(self, entries: Iterable[MountEntry], open_reader: OpenReader) -> Change:
        """Serve these entries. Raises DuplicateMountPath or InvalidMountPath, and then nothing has changed."""
        before, after = self._tree.mounts, MountTree(entries)
        admitted = self._backends.admit(after, open_reader)
        former = {backend.entry.path: backend for backend in self._backends}
        self._backends.replace(after, admitted, self._close_later)
        serving = {backend.entry.path: backend for backend in self._backends}
        change = Change(
            appeared=tuple(path for path in serving if path not in former),
            vanished=tuple(path for path in former if path not in serving),
            reconfigured=tuple(path for path in serving if path in former and former[path] is not serving[path]),
        )
        stale = self._known_to_kernel(stale_names(before, after, change.paths))
        if "/" in change.paths:
            stale += self._children_of_root(after)
        self._tree.replace_mounts(after, change.paths)
        for parent, name in stale:
            self._notices.forget_entry(parent, name)
        return change

    def _known_to_kernel(self, paths: Iterable[str]) -> list[tuple[int, bytes]]:
        """Parent inode and name of each path whose parent the kernel may hold."""
        known = []
        for path in paths:
            directory, name = split(path)
            parent = self._inodes.current(directory)
            if parent is not None and parent.lookups > 0:
                known.append((parent.number, os.fsencode(name)))
        return known

    def _children_of_root(self, after: MountTree) -> list[tuple[int, bytes]]:
        """Names that the kernel may hold of the root's backend; the root itself has no name to forget."""
        kept = frozenset(after.children("/"))
        return self._known_to_kernel(
            path for path in self._inodes.by_path if path != "/" and split(path)[0] == "/" and path[1:] not in kept
        )


def stale_names(before: MountTree, after: MountTree, changed: Iterable[str]) -> list[str]:
    """Return the topmost paths that lead elsewhere than before; the kernel forgets what is below with them.

    Directories that only lead to a change stay what they are: a process may be working in one.
    """
    stale: dict[str, None] = {}
    for mount_path in changed:
        path = ""
        for name in components(mount_path):
            path = f"{path}/{name}"
            if path == mount_path or _is_made(before, path) != _is_made(after, path):
                stale[path] = None
                break
    return list(stale)


def _is_made(mounts: MountTree, path: str) -> bool:
    """Whether the directory exists because of mounts."""
    return mounts.is_mount_root(path) or mounts.leads_to_mount(path)
