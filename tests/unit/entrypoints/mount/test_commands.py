"""The two command lines, as far as they go without mounting."""

from pathlib import Path

from click.testing import CliRunner

from tests.support.mounts import write_config
from warpdrive.entrypoints.mount import helper, main


def test_help_teaches() -> None:
    """Help shows examples, the fstab line and the exit status."""
    shown = CliRunner().invoke(main.command, ["--help"])
    assert shown.exit_code == 0
    for part in ("Examples:", "--check-config", "/etc/fstab", "allow_other", "Exit status"):
        assert part in shown.output
    shown = CliRunner().invoke(helper.command, ["--help"])
    assert "ln -s" in shown.output


def test_check_config(tmp_path: Path) -> None:
    """--check-config says what would be mounted, with the command line's wishes, and touches nothing."""
    root = tmp_path / "root"
    root.mkdir()
    config = write_config(tmp_path, root)
    wishes = ["-o", f"cache={tmp_path}/other"]
    done = CliRunner().invoke(
        main.command, ["--config", str(config), "--check-config", str(tmp_path / "there"), *wishes]
    )
    assert done.exit_code == 0, done.output
    assert f"mount point  {tmp_path}/there" in done.output
    assert f"{tmp_path}/other, at most 256 MiB on disk, 64 MiB in memory" in done.output
    assert "/data  local data: root=" in done.output
    assert not (tmp_path / "other").exists()


def test_check_config_finds_faults(tmp_path: Path) -> None:
    """Faults are listed with their keys; status 2."""
    config = write_config(tmp_path, tmp_path / "root", umask="999", surprise=1)
    done = CliRunner().invoke(main.command, ["--config", str(config), "--check-config"])
    assert done.exit_code == 2
    assert "umask" in done.output
    assert "surprise" in done.output


def test_unknown_option() -> None:
    """An unknown -o option is refused by name; status 2."""
    done = CliRunner().invoke(main.command, ["-o", "frobnicate"])
    assert done.exit_code == 2
    assert "unknown option frobnicate" in done.output


def test_helper_usage(tmp_path: Path) -> None:
    """mount.warpdrive needs a configuration file, as source or as option; -f checks it only."""
    done = CliRunner().invoke(helper.command, ["warpdrive", str(tmp_path)])
    assert done.exit_code == 1
    assert "config=FILE" in done.output
    root = tmp_path / "root"
    root.mkdir()
    config = write_config(tmp_path, root)
    point = str(tmp_path / "mnt")
    assert CliRunner().invoke(helper.command, [str(config), point, "-f", "-o", "rw"]).exit_code == 0
    assert CliRunner().invoke(helper.command, ["warpdrive", point, "-f", "-o", f"rw,config={config}"]).exit_code == 0
    assert CliRunner().invoke(helper.command, [str(tmp_path / "none"), point, "-f"]).exit_code == 1
