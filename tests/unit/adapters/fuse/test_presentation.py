"""Owner, mode bits and counts that entries are shown with."""

import stat

import pytest

from warpdrive.adapters.fuse.presentation import EntryPainter, Presentation
from warpdrive.application.mount.attributes import Attributes, FileKind


@pytest.mark.parametrize(
    ("umask", "read_only", "file_mode", "directory_mode"),
    [
        (0o022, False, "-rw-r--r--", "drwxr-xr-x"),
        (0o022, True, "-r--r--r--", "dr-xr-xr-x"),
        (0o077, True, "-r--------", "dr-x------"),
        (0o000, False, "-rw-rw-rw-", "drwxrwxrwx"),
    ],
)
def test_modes(umask: int, read_only: bool, file_mode: str, directory_mode: str) -> None:
    """The umask takes bits away, and a read-only tree shows no write bit at all."""
    shown = Presentation(uid=1, gid=2, umask=umask, read_only=read_only)
    assert (stat.filemode(shown.file_mode), stat.filemode(shown.directory_mode)) == (file_mode, directory_mode)


def test_paints_over() -> None:
    """One entry painted for a file, a directory and another file shows nothing of the one before."""
    painter = EntryPainter(Presentation(uid=7, gid=8, umask=0o022, read_only=True))
    first = Attributes(5, FileKind.FILE, 1025, 1_700_000_000_000_000_007, 3.0, 4.0)
    second = Attributes(6, FileKind.DIRECTORY, 0, 0, 1.0, 2.0)
    for attributes, mode, blocks in ((first, "-r--r--r--", 3), (second, "dr-xr-xr-x", 0), (first, "-r--r--r--", 3)):
        entry = painter.paint(attributes)
        assert (entry.st_ino, entry.st_size, entry.st_blocks) == (attributes.inode, attributes.size, blocks)
        assert stat.filemode(entry.st_mode) == mode
        assert entry.st_mtime_ns == entry.st_ctime_ns == entry.st_atime_ns == attributes.mtime_ns
        assert (entry.entry_timeout, entry.attr_timeout) == (attributes.entry_ttl, attributes.attr_ttl)
        assert (entry.st_uid, entry.st_gid, entry.st_nlink) == (7, 8, 1)
