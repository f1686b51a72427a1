"""Directory operations: open, read as one stable snapshot, close."""

import os

from warpdrive.application.mount.attributes import Attributes, Caller
from warpdrive.application.mount.errors import BadHandle, NotADirectory
from warpdrive.application.mount.inodes import Inode, InodeTable
from warpdrive.application.mount.listings import Listing
from warpdrive.application.mount.tree import Tree
from warpdrive.application.ports.objects import ObjectInfo


class DirectoryStream:
    """One directory as it was when the handle first read it; offsets into it stay true until the handle closes.

    `name` and `attributes` run once per entry of every `ls`: what is the same for all entries is kept here, and what
    may have changed since is looked at once per use of the stream, in `catch_up`.
    """

    __slots__ = (
        "_base",
        "_binder",
        "_directory",
        "_generation",
        "_infos",
        "_inodes",
        "_listed_at",
        "_listing",
        "_mounted",
        "_names",
        "_orphans",
        "_tree",
        "_vanished",
    )

    def __init__(self, directory: Inode, listing: Listing | None, tree: Tree, inodes: InodeTable) -> None:
        self._directory = directory
        self._base = "/" if directory.path == "/" else directory.path + "/"
        self._listing = listing
        self._tree = tree
        self._inodes = inodes
        self._generation = tree.generation
        mounted = tree.mounted_names(directory)
        self._mounted = frozenset(mounted)
        """Names that exist because of mounts; they win over the backend's."""
        self._vanished: frozenset[str] = frozenset()
        """Names that existed because of mounts, and nothing has taken their place."""
        self._orphans: dict[int, Inode] = {}
        """What stands for a vanished name, by index; no path leads to it."""
        self._listed_at = 0.0 if listing is None else listing.listed_at
        if listing is None:
            self._names = [os.fsencode(name) for name in mounted]
            self._infos: list[ObjectInfo | None] = [None] * len(mounted)
        elif mounted:
            shown = sorted({*listing.order, *mounted}, key=os.fsencode)
            self._names = [os.fsencode(name) for name in shown]
            self._infos = [listing.entries.get(name) for name in shown]
        else:
            self._names, self._infos = listing.columns()
        self._binder = None if listing is None or listing.backend is None else tree.binder(listing.backend)

    def __len__(self) -> int:
        return len(self._names)

    def name(self, index: int) -> bytes:
        """The entry's raw name."""
        return self._names[index]

    def attributes(self, index: int) -> Attributes:
        """The entry's attributes; its inode exists from now on, without a kernel reference."""
        name = os.fsdecode(self._names[index])
        if self._vanished and name in self._vanished:
            return self._orphan(index)
        if self._binder is None or (self._mounted and name in self._mounted):
            return self._tree.attributes(self._tree.bind_mounted(self._base + name))
        return self._binder(self._base + name, self._infos[index], self._listed_at)

    def catch_up(self) -> None:
        """Notice that the mounts were replaced. Called before each use; they are not replaced during one.

        A directory that another backend serves now, or none, ends here. Elsewhere names keep their places; a mounted
        one that has vanished is shown without a lifetime, so that whoever uses it finds nothing.
        """
        if self._generation == self._tree.generation:
            return
        self._generation = self._tree.generation
        listing = self._listing
        if self._tree.backend_at(self._directory.path) is not (None if listing is None else listing.backend):
            self._names, self._infos = [], []
            return
        known = frozenset() if listing is None else listing.entries.keys()
        before = self._mounted | self._vanished
        self._mounted = frozenset(self._tree.mounted_names(self._directory))
        self._vanished = before - self._mounted - known

    def close(self) -> None:
        """Let go of the inodes that only this stream knows."""
        for inode in self._orphans.values():
            inode.handles -= 1
            self._inodes.drop_if_unused(inode)
        self._orphans.clear()

    def _orphan(self, index: int) -> Attributes:
        inode = self._orphans.get(index)
        if inode is None:
            inode = self._orphans[index] = self._inodes.orphan(self._base + os.fsdecode(self._names[index]))
            inode.handles += 1
        return self._tree.attributes(inode)._replace(entry_ttl=0.0, attr_ttl=0.0)


class _OpenDirectory:
    __slots__ = ("inode", "stream")

    def __init__(self, inode: Inode) -> None:
        self.inode = inode
        self.stream: DirectoryStream | None = None


class Directories:
    """Open directories by handle."""

    def __init__(self, tree: Tree, inodes: InodeTable) -> None:
        self._tree = tree
        self._inodes = inodes
        self._open: dict[int, _OpenDirectory] = {}
        self._next = 1

    async def open(self, number: int, caller: Caller) -> int:  # noqa: ARG002  who asked matters to telemetry later
        """Open a directory. Raises NotADirectory."""
        inode = self._inodes.get(number)
        if not inode.is_directory:
            raise NotADirectory(inode.path)
        inode.handles += 1
        self._next += 1
        self._open[self._next] = _OpenDirectory(inode)
        return self._next

    async def read(self, handle: int) -> DirectoryStream:
        """The handle's snapshot, taken at the first call. Raises BackendError, NoSuchEntry."""
        opened = self._get(handle)
        if opened.stream is None:
            listing = await self._tree.listing(opened.inode)
            if opened.stream is None:  # else another reader of the handle was faster
                opened.stream = DirectoryStream(opened.inode, listing, self._tree, self._inodes)
        opened.stream.catch_up()
        return opened.stream

    def path(self, handle: int) -> str:
        """The path that a handle was opened on."""
        return self._get(handle).inode.path

    async def close(self, handle: int) -> None:
        """Close the handle. Raises BadHandle."""
        opened = self._get(handle)
        del self._open[handle]
        if opened.stream is not None:
            opened.stream.close()
        opened.inode.handles -= 1
        self._inodes.drop_if_unused(opened.inode)

    def _get(self, handle: int) -> _OpenDirectory:
        try:
            return self._open[handle]
        except KeyError:
            raise BadHandle(str(handle)) from None
