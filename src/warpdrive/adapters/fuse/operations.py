"""The kernel's requests, decoded, driven through the surface, encoded."""

import errno
import os
from collections.abc import Sequence

import pyfuse3
import structlog

from warpdrive.adapters.fuse.answering import OperationMeter, answering
from warpdrive.adapters.fuse.presentation import EntryPainter, Presentation
from warpdrive.adapters.fuse.refusals import RefusedWrites
from warpdrive.adapters.fuse.surface import FileSystemSurface
from warpdrive.application.mount.attributes import Attributes, Caller, FileKind
from warpdrive.application.mount.errors import NoSuchEntry
from warpdrive.application.ports.errors import ObjectNotFound

_log = structlog.get_logger(__name__)

XATTR_PREFIX = b"user.warpdrive."
_USER_XATTR = b"user."
_UNKNOWN_INODE = 0xFFFFFFFF
"""libfuse's own "not known", for the number of ".."; nobody resolves names with it."""
_DOT_ENTRIES = 2
_STATFS_BLOCK = 4096
_NAME_MAX = 255


class Operations(RefusedWrites):
    """The handlers that pyfuse3 calls.

    `access` is left to the kernel (`default_permissions`). `flush` and `fsync` are left unimplemented: there is
    nothing to write back, the kernel hears ENOSYS once, reports success, and never asks again on close.
    """

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, filesystem: FileSystemSurface, presentation: Presentation, meter: OperationMeter) -> None:
        super().__init__(filesystem, meter)
        self._painter = EntryPainter(presentation)
        self._absent = pyfuse3.EntryAttributes()
        self._absent.st_ino = 0
        self._absent.entry_timeout = filesystem.negative_ttl
        self._directory_of: dict[int, int] = {}
        """Open directory handle -> inode, for the listing's own "."."""

    # --- names -------------------------------------------------------------------------------------------

    @answering
    async def lookup(self, parent_inode: int, name: bytes, ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Find a name. An absent one is answered by an entry without inode, which the kernel remembers."""
        del ctx
        try:
            return self._painter.paint(await self._filesystem.lookup(parent_inode, name))
        except (NoSuchEntry, ObjectNotFound):
            return self._absent

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        """Drop kernel references; there is no reply, so a fault has nobody to go to but the log."""
        try:
            self._filesystem.forget(inode_list)
        except Exception:  # noqa: BLE001 - the outermost frame: nothing may leave a handler
            _log.exception("unexpected failure", operation="forget")

    @answering
    async def getattr(self, inode: int, ctx: pyfuse3.RequestContext) -> pyfuse3.EntryAttributes:
        """Describe an inode."""
        del ctx
        return self._painter.paint(await self._filesystem.getattr(inode))

    # --- files -------------------------------------------------------------------------------------------

    @answering
    async def open(self, inode: int, flags: int, ctx: pyfuse3.RequestContext) -> pyfuse3.FileInfo:
        """Open a file; ESTALE makes the kernel repeat the lookup by itself (R1)."""
        writable = (flags & os.O_ACCMODE) != os.O_RDONLY or bool(flags & os.O_TRUNC)
        handle, keep_cache, direct_io = await self._filesystem.open(inode, writable, Caller(ctx.uid, ctx.gid, ctx.pid))
        return pyfuse3.FileInfo(fh=handle, direct_io=direct_io, keep_cache=keep_cache)

    @answering
    async def read(self, fh: int, off: int, size: int) -> bytes:
        """Read. pyfuse3 takes any buffer and replies before this task next awaits, so a view needs no copy."""
        return await self._filesystem.read(fh, off, size)  # type: ignore[return-value]  # pyfuse3's stub says bytes; its code takes any contiguous buffer

    @answering
    async def release(self, fh: int) -> None:
        """Close a file handle."""
        await self._filesystem.release(fh)

    # --- directories -------------------------------------------------------------------------------------

    @answering
    async def opendir(self, inode: int, ctx: pyfuse3.RequestContext) -> int:
        """Open a directory."""
        handle = await self._filesystem.opendir(inode, Caller(ctx.uid, ctx.gid, ctx.pid))
        self._directory_of[handle] = inode
        return handle

    @answering
    async def readdir(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        """Fill one reply with entries and their attributes (READDIRPLUS), from position `start_id` on.

        Positions: 0 ".", 1 "..", then the snapshot's index + 2. The loop is the hot path of `ls`: names and
        attributes come from the snapshot without awaiting, and one structure is painted over.
        """
        stream = await self._filesystem.readdir(fh)
        if start_id < _DOT_ENTRIES and not self._reply_dots(fh, start_id, token):
            return
        reply, name, attributes = pyfuse3.readdir_reply, stream.name, stream.attributes
        paint, remember = self._painter.paint, self._filesystem.remember
        for index in range(max(start_id - _DOT_ENTRIES, 0), len(stream)):
            described = attributes(index)
            if not reply(token, name(index), paint(described), index + _DOT_ENTRIES + 1):
                return
            remember(described.inode)

    def _reply_dots(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> bool:
        """Add "." and ".."; the kernel counts no reference for these two. False when the reply is full."""
        numbered = ((b".", self._directory_of.get(fh, _UNKNOWN_INODE)), (b"..", _UNKNOWN_INODE))
        for position in range(start_id, _DOT_ENTRIES):
            dots, inode = numbered[position]
            entry = self._painter.paint(Attributes(inode, FileKind.DIRECTORY, 0, 0, 0.0, 0.0))
            if not pyfuse3.readdir_reply(token, dots, entry, position + 1):
                return False
        return True

    @answering
    async def releasedir(self, fh: int) -> None:
        """Close a directory handle."""
        self._directory_of.pop(fh, None)
        await self._filesystem.releasedir(fh)

    # --- extended attributes and space -------------------------------------------------------------------

    @answering
    async def getxattr(self, inode: int, name: bytes, ctx: pyfuse3.RequestContext) -> bytes:
        """Return one of R5's attributes; every other name is refused here, before any work.

        `ls -l` asks `security.selinux` and `system.posix_acl_access` of every file. Those namespaces do not
        exist here: ENOTSUP says so, and coreutils then asks once per file system instead of twice per file.
        (ENOSYS would make the kernel stop asking for R5's names too.)
        """
        del ctx
        if not name.startswith(XATTR_PREFIX):
            raise pyfuse3.FUSEError(errno.ENODATA if name.startswith(_USER_XATTR) else errno.ENOTSUP)
        return await self._filesystem.getxattr(inode, name)

    async def listxattr(self, inode: int, ctx: pyfuse3.RequestContext) -> list[bytes]:
        """List nothing: `cp -a` would carry the attributes along (R5)."""
        del inode, ctx
        return []

    @answering
    async def statfs(self, ctx: pyfuse3.RequestContext) -> pyfuse3.StatvfsData:
        """Describe the tree's space for `df`; the read-only flag itself is the kernel's (mount option `ro`)."""
        del ctx
        figures = await self._filesystem.statfs()
        space = pyfuse3.StatvfsData()
        space.f_bsize = space.f_frsize = _STATFS_BLOCK
        space.f_blocks = figures.total_bytes // _STATFS_BLOCK
        space.f_bfree = space.f_bavail = figures.free_bytes // _STATFS_BLOCK
        space.f_files = figures.files
        space.f_ffree = space.f_favail = 0
        space.f_namemax = _NAME_MAX
        return space
