"""How an inode looks from outside: owner, mode bits, link count, block counts. Presentation, not rules about files.

Object stores know neither owners nor modes, so all entries look alike: files 0666, directories 0777, less the
umask (022 unless configured), less every write bit where nothing may be written.
"""

import stat
from dataclasses import dataclass

import pyfuse3

from warpdrive.application.mount.attributes import Attributes, FileKind
from warpdrive.domain.content.pages import PAGE_SIZE

DEFAULT_UMASK = 0o022
_WRITE_BITS = 0o222
_SECTOR = 512
"""`st_blocks` counts sectors of 512 bytes whatever the file system's block size (stat(2))."""

PREFERRED_IO = PAGE_SIZE
"""`st_blksize`: stdio and Python buffer by it, so it is also what a seek followed by a small read drags along.

One cache page: larger (1 MiB was the other candidate) would make random readers fetch sixteen times as much,
and sequential readers gain nothing, because the kernel's own read-ahead already asks for 1 MiB.
"""


@dataclass(frozen=True, slots=True)
class Presentation:
    """Ids and mode bits that every entry is shown with. `umask` as in umask(2)."""

    uid: int
    gid: int
    umask: int = DEFAULT_UMASK
    read_only: bool = True

    @property
    def file_mode(self) -> int:
        """`st_mode` of every file."""
        return stat.S_IFREG | self._permissions(0o666)

    @property
    def directory_mode(self) -> int:
        """`st_mode` of every directory."""
        return stat.S_IFDIR | self._permissions(0o777)

    def _permissions(self, bits: int) -> int:
        allowed = bits & ~self.umask
        return allowed & ~_WRITE_BITS if self.read_only else allowed


class EntryPainter:
    """Fills one `EntryAttributes` over and over: making one costs more than changing the fields that differ.

    pyfuse3 copies the structure into its reply synchronously, as soon as the handler returns (or within
    `readdir_reply`), so the painted entry need only stay true until the painter's owner next awaits.
    """

    def __init__(self, presentation: Presentation) -> None:
        self._file_mode = presentation.file_mode
        self._directory_mode = presentation.directory_mode
        self._entry = entry = pyfuse3.EntryAttributes()
        entry.st_uid = presentation.uid
        entry.st_gid = presentation.gid
        entry.st_nlink = 1
        entry.st_blksize = PREFERRED_IO
        entry.st_mode = self._file_mode
        self._is_directory = False
        self._mtime_ns = 0
        self._entry_ttl = self._attr_ttl = -1.0

    def paint(self, attributes: Attributes) -> pyfuse3.EntryAttributes:
        """Return the entry with these attributes; valid until the calling task next awaits."""
        inode, kind, size, mtime_ns, entry_ttl, attr_ttl = attributes
        entry = self._entry
        entry.st_ino = inode
        entry.st_size = size
        entry.st_blocks = (size + _SECTOR - 1) // _SECTOR
        is_directory = kind is FileKind.DIRECTORY
        if is_directory is not self._is_directory:
            self._is_directory = is_directory
            entry.st_mode = self._directory_mode if is_directory else self._file_mode
        if mtime_ns != self._mtime_ns:
            self._mtime_ns = mtime_ns
            entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = mtime_ns
        if entry_ttl != self._entry_ttl:
            self._entry_ttl = entry.entry_timeout = entry_ttl
        if attr_ttl != self._attr_ttl:
            self._attr_ttl = entry.attr_timeout = attr_ttl
        return entry
