"""The verbs this transport drives, as types: `application.mount.filesystem` has them, and so does the test twin.

All verbs raise `FileSystemError` or `BackendError` subclasses; `errnos` maps every one of them.
"""

from collections.abc import Iterable
from typing import Protocol

from warpdrive.application.mount.attributes import Attributes, Caller, OpenedFile, SpaceFigures


class DirectoryStream(Protocol):
    """A complete and stable snapshot of one directory, without "." and ".."."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> bytes:
        """Return the raw name of the entry."""

    def attributes(self, index: int) -> Attributes:
        """Describe the entry; allocates its inode, but counts no kernel reference (see `remember`)."""


class FileSystemSurface(Protocol):
    """Inode-level verbs."""

    @property
    def negative_ttl(self) -> float:
        """Seconds for which the kernel may believe that a name does not exist."""

    async def lookup(self, parent: int, name: bytes) -> Attributes:
        """Find a name; counts one kernel reference on the inode."""

    def forget(self, inodes: Iterable[tuple[int, int]]) -> None:
        """Drop kernel references: pairs of inode and count."""

    async def getattr(self, inode: int) -> Attributes:
        """Describe an inode."""

    async def open(self, inode: int, writable: bool, caller: Caller) -> OpenedFile:
        """Open a file; StaleInode makes the kernel look the path up again."""

    async def read(self, handle: int, offset: int, size: int) -> bytes | memoryview:
        """Read bytes; a view is valid only until the calling task next awaits."""

    async def release(self, handle: int) -> None:
        """Close a file handle."""

    async def opendir(self, inode: int, caller: Caller) -> int:
        """Open a directory; returns a handle."""

    async def readdir(self, handle: int) -> DirectoryStream:
        """Return the handle's snapshot, the same one for every call."""

    async def releasedir(self, handle: int) -> None:
        """Close a directory handle."""

    def remember(self, inode: int) -> None:
        """Count one kernel reference: an entry of a listing reached the kernel."""

    async def getxattr(self, inode: int, name: bytes) -> bytes:
        """Return an extended attribute's value."""

    async def statfs(self) -> SpaceFigures:
        """Describe the whole tree's space."""

    def read_only_at(self, inode: int) -> bool:
        """Say whether the mount entry of the inode may not be written (R6)."""
