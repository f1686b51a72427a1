"""R1 and R2 with the real program on a real mount: versions, and how fresh what one sees is."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import SHORT, Starter, names, read_now
from tests.support.ports import wait_until

MIB = 1 << 20
Replace = Callable[[Path, bytes], None]


def read_rest(descriptor: int, offset: int, size: int) -> bytes:
    """Read on past the kernel's pages; returns b"" when the version is gone (ESTALE)."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
        return b""


class TestOneVersion:
    def test_an_open_file_never_mixes_versions(self, start: Starter, source: Path, replace: Replace) -> None:
        """A handle opened before the change reads old bytes or fails with ESTALE; a new one reads the new bytes."""
        (source / "shard").write_bytes(b"a" * 8 * MIB)
        with start(**SHORT) as mount:
            path = mount.point / "data" / "shard"
            with path.open("rb", buffering=0) as old:
                assert old.read(MIB) == b"a" * MIB
                replace(source / "shard", b"b" * 8 * MIB)
                wait_until(lambda: read_now(path) == b"b" * 8 * MIB, what="the new version on a new open")
                for number in range(8):
                    assert set(read_rest(old.fileno(), number * MIB, MIB)) <= {ord("a")}
                assert path.read_bytes() == b"b" * 8 * MIB

    def test_a_file_deleted_while_open_keeps_its_bytes_or_fails(self, start: Starter, source: Path) -> None:
        """After the object is gone the handle gives what it had or an error, never other bytes; the name goes."""
        (source / "gone").write_bytes(b"a" * 2 * MIB)
        with start(**SHORT) as mount:
            path = mount.point / "data" / "gone"
            with path.open("rb", buffering=0) as old:
                assert old.read(4096) == b"a" * 4096
                (source / "gone").unlink()
                wait_until(lambda: not path.exists(), what="the name to go")
                assert set(read_rest(old.fileno(), MIB, MIB)) <= {ord("a")}

    def test_a_change_within_attr_ttl_is_estale_once(self, start: Starter, source: Path, replace: Replace) -> None:
        """While old attributes are believed, reading changed bytes is refused; the next open gets the new version."""
        (source / "shard").write_bytes(b"a" * MIB)
        with start() as mount:
            path = mount.point / "data" / "shard"
            assert path.stat().st_size == MIB
            replace(source / "shard", b"b" * MIB)
            with pytest.raises(OSError, match="Stale"):
                path.read_bytes()
            assert path.read_bytes() == b"b" * MIB


class TestFreshness:
    def test_a_change_is_seen_after_attr_ttl(self, start: Starter, source: Path, replace: Replace) -> None:
        """Size and bytes of a changed file are the new ones once attr_ttl has passed."""
        (source / "file").write_bytes(b"old")
        with start(**SHORT) as mount:
            path = mount.point / "data" / "file"
            assert path.read_bytes() == b"old"
            replace(source / "file", b"newer")
            wait_until(lambda: path.stat().st_size == 5, what="the new size")
            assert path.read_bytes() == b"newer"

    def test_attributes_are_believed_for_attr_ttl(self, start: Starter, source: Path, replace: Replace) -> None:
        """Within the default of 60 s a stat does not ask again."""
        (source / "file").write_bytes(b"old")
        with start() as mount:
            path = mount.point / "data" / "file"
            assert path.stat().st_size == 3
            replace(source / "file", b"newer")
            assert path.stat().st_size == 3

    def test_an_absent_name_appears_after_negative_ttl(self, start: Starter, source: Path) -> None:
        """A name that was looked for too early is found once negative_ttl has passed."""
        with start(**SHORT) as mount:
            path = mount.point / "data" / "late"
            assert not path.exists()
            (source / "late").write_bytes(b"here")
            wait_until(path.exists, what="the new name")
            assert path.read_bytes() == b"here"

    def test_a_listing_is_renewed_after_dir_ttl(self, start: Starter, source: Path) -> None:
        """A new file shows in the listing, a deleted one leaves it, once dir_ttl has passed."""
        (source / "one").touch()
        with start(**SHORT) as mount:
            folder = mount.point / "data"
            assert names(folder) == ["one"]
            (source / "two").touch()
            (source / "one").unlink()
            wait_until(lambda: names(folder) == ["two"], what="the new listing")
