"""Directory operations: open, read as one stable snapshot, close."""

import os

from warpdrive.application.mount.attributes import Attributes, Caller
from warpdrive.application.mount.errors import BadHandle, NotADirectory
from warpdrive.application.mount.inodes import Inode, InodeTable
from warpdrive.application.mount.listings import Listing
from warpdrive.application.mount.tree import Tree
from warpdrive.domain.content.paths import join


class DirectoryStream:
    """One directory as it was when the handle first read it; offsets into it stay true until the handle closes."""

    __slots__ = ("_directory", "_listing", "_mounted", "_names", "_tree")

    def __init__(self, directory: Inode, listing: Listing | None, mounted: tuple[str, ...], tree: Tree) -> None:
        self._directory = directory.path
        self._listing = listing
        self._mounted = frozenset(mounted)
        self._tree = tree
        if listing is None:
            self._names = list(mounted)
        elif mounted:
            self._names = sorted({*listing.order, *mounted}, key=os.fsencode)
        else:
            self._names = listing.order

    def __len__(self) -> int:
        return len(self._names)

    def name(self, index: int) -> bytes:
        """The entry's raw name."""
        return os.fsencode(self._names[index])

    def attributes(self, index: int) -> Attributes:
        """The entry's attributes; its inode exists from now on, without a kernel reference."""
        name = self._names[index]
        path = join(self._directory, name)
        if self._listing is None or name in self._mounted:
            inode = self._tree.bind_mounted(path)
        else:
            inode = self._tree.bind_listed(path, self._listing.entries[name], self._listing.listed_at)
        return self._tree.attributes(inode)


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
            mounted = self._tree.mounted_names(opened.inode)
            opened.stream = DirectoryStream(opened.inode, listing, mounted, self._tree)
        return opened.stream

    def path(self, handle: int) -> str:
        """The path that a handle was opened on."""
        return self._get(handle).inode.path

    async def close(self, handle: int) -> None:
        """Close the handle. Raises BadHandle."""
        opened = self._get(handle)
        del self._open[handle]
        opened.inode.handles -= 1
        self._inodes.drop_if_unused(opened.inode)

    def _get(self, handle: int) -> _OpenDirectory:
        try:
            return self._open[handle]
        except KeyError:
            raise BadHandle(str(handle)) from None
