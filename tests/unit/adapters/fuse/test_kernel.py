"""The read-ahead setting, and what happens without the right to change it."""

from pathlib import Path

from structlog.testing import capture_logs

from warpdrive.adapters.fuse.kernel import admit_background, widen_read_ahead
from warpdrive.adapters.fuse.mount_table import Mount

MOUNT = Mount("/mnt", "0:40", "fuse.warpdrive", "warpdrive")


def test_writes_the_setting(tmp_path: Path) -> None:
    """The mount's own device gets 1024 KiB."""
    (tmp_path / "0:40").mkdir()
    setting = tmp_path / "0:40/read_ahead_kb"
    setting.write_text("128\n")
    assert widen_read_ahead(MOUNT, tmp_path)
    assert setting.read_text() == "1024\n"


def test_says_what_to_do(tmp_path: Path) -> None:
    """Without the right (or the file) the mount goes on, and the warning holds the command that mends it."""
    with capture_logs() as logs:
        assert not widen_read_ahead(MOUNT, tmp_path)
    assert [line["log_level"] for line in logs] == ["warning"]
    assert logs[0]["command"] == f"echo 1024 | sudo tee {tmp_path}/0:40/read_ahead_kb"


def test_admits_background(tmp_path: Path) -> None:
    """The connection, named by the device's minor number, gets its limits."""
    (tmp_path / "40").mkdir()
    assert admit_background(MOUNT, tmp_path)
    assert (tmp_path / "40/max_background").read_text() == "512\n"
    assert (tmp_path / "40/congestion_threshold").read_text() == "384\n"


def test_background_says_what_to_do(tmp_path: Path) -> None:
    """Where the connection is not found the mount goes on, and the warning holds the command."""
    (tmp_path / "41").mkdir()
    with capture_logs() as logs:
        assert not admit_background(MOUNT, tmp_path)
    assert logs[0]["command"] == f"echo 512 | sudo tee {tmp_path}/40/max_background"
