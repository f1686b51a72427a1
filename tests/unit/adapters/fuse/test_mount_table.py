"""Reading the kernel's mount table without touching a mount."""

from warpdrive.adapters.fuse.mount_table import Mount, mount_at, mounts

TABLE = (
    rb"21 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw" + b"\n"
    rb"33 1 0:40 / /mnt/with\040space ro,relatime - fuse.warpdrive warpdrive ro,user_id=0" + b"\n"
    rb"34 1 8:1 /sub /srv rw master:1 propagate_from:2 - ext4 /dev/sda1 rw" + b"\n"
)


def test_parses() -> None:
    """Optional fields vary in number, and blanks in paths are escaped."""
    assert mounts(TABLE) == [
        Mount("/proc", "0:20", "proc", "proc"),
        Mount("/mnt/with space", "0:40", "fuse.warpdrive", "warpdrive"),
        Mount("/srv", "8:1", "ext4", "/dev/sda1"),
    ]


def test_knows_fuse() -> None:
    """Only FUSE mounts can be dead."""
    assert [mount.is_fuse for mount in mounts(TABLE)] == [False, True, False]


def test_real_table() -> None:
    """The machine's own table has /proc and nothing at a path that cannot be."""
    found = mount_at("/proc")
    assert found is not None
    assert found.type == "proc"
    assert mount_at("/proc/nowhere") is None
