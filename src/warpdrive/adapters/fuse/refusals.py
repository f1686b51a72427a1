"""The verbs that would write: all refused, because no mount entry may be written yet (R6).

The surface is asked one thing, `read_only_at`; EROFS is the answer. A tree in which nothing may be written is
also mounted `ro`, and then the kernel refuses most of these before they get here.
"""

import errno
from typing import Any, NoReturn

import pyfuse3

from warpdrive.adapters.fuse.answering import OperationMeter, answering
from warpdrive.adapters.fuse.surface import FileSystemSurface


class RefusedWrites(pyfuse3.Operations):
    """Handlers of the writing verbs."""

    def __init__(self, filesystem: FileSystemSurface, meter: OperationMeter) -> None:
        super().__init__()
        self.meter = meter
        self._filesystem = filesystem

    def _refuse(self, *inodes: int) -> NoReturn:
        refused = any(self._filesystem.read_only_at(inode) for inode in inodes)
        raise pyfuse3.FUSEError(errno.EROFS if refused else errno.EOPNOTSUPP)

    @answering
    async def create(self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: Any) -> Any:
        """Refuse a new file."""
        del name, mode, flags, ctx
        self._refuse(parent_inode)

    @answering
    async def mknod(self, parent_inode: int, name: bytes, mode: int, rdev: int, ctx: Any) -> Any:
        """Refuse a new node."""
        del name, mode, rdev, ctx
        self._refuse(parent_inode)

    @answering
    async def mkdir(self, parent_inode: int, name: bytes, mode: int, ctx: Any) -> Any:
        """Refuse a new directory."""
        del name, mode, ctx
        self._refuse(parent_inode)

    @answering
    async def unlink(self, parent_inode: int, name: bytes, ctx: Any) -> None:
        """Refuse to delete a file."""
        del name, ctx
        self._refuse(parent_inode)

    @answering
    async def rmdir(self, parent_inode: int, name: bytes, ctx: Any) -> None:
        """Refuse to delete a directory."""
        del name, ctx
        self._refuse(parent_inode)

    @answering
    async def symlink(self, parent_inode: int, name: bytes, target: bytes, ctx: Any) -> Any:
        """Refuse a new symbolic link."""
        del name, target, ctx
        self._refuse(parent_inode)

    @answering
    async def link(self, inode: int, new_parent_inode: int, new_name: bytes, ctx: Any) -> Any:
        """Refuse a new hard link."""
        del inode, new_name, ctx
        self._refuse(new_parent_inode)

    @answering
    async def rename(
        self,
        parent_inode_old: int,
        name_old: bytes,
        parent_inode_new: int,
        name_new: bytes,
        flags: int,
        ctx: Any,
    ) -> None:
        """Refuse when the directory that loses the name, or the one that gains it, may not be written."""
        del name_old, name_new, flags, ctx
        self._refuse(parent_inode_old, parent_inode_new)

    @answering
    async def setattr(self, inode: int, attr: Any, fields: Any, fh: int | None, ctx: Any) -> Any:
        """Refuse to change mode, owner, times or size."""
        del attr, fields, fh, ctx
        self._refuse(inode)

    @answering
    async def setxattr(self, inode: int, name: bytes, value: bytes, ctx: Any) -> None:
        """Refuse to change an attribute; the five of R5 are facts, not settings."""
        del name, value, ctx
        self._refuse(inode)

    @answering
    async def removexattr(self, inode: int, name: bytes, ctx: Any) -> None:
        """Refuse to delete an attribute."""
        del name, ctx
        self._refuse(inode)

    @answering
    async def write(self, fh: int, off: int, buf: bytes) -> int:
        """Refuse: no handle is open for writing, because `open` refused it."""
        del fh, off, buf
        raise pyfuse3.FUSEError(errno.EBADF)
