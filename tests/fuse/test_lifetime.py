"""From the command to mounted to gone: signals, busy, missing and dead mount points, background, mount(8)."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mounts import (
    COMMANDS,
    MountFailed,
    agent_mount,
    clean_up,
    memory_mount,
    wait_gone,
    write_config,
)
from warpdrive.adapters.fuse.mount_table import mount_at

BOUND = 12.0
"""Seconds within which an end must come: the drain, the cancellation, and a slow test machine."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that serves one file from a local directory at /data/x."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "x").write_text("hello")
    return write_config(tmp_path, root)


@pytest.fixture
def point(tmp_path: Path) -> Iterator[Path]:
    """The configuration's mount point; whatever is left on it is taken away."""
    path = tmp_path / "mnt"
    path.mkdir()
    yield path
    clean_up(path)


def mount_command(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `warpdrive-mount`, which is expected to end by itself."""
    argv = [str(COMMANDS / "warpdrive-mount"), "--config", str(config), *options]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def agent_of(config: Path) -> int:
    """Return the pid of the background agent, from the lock that it holds on its cache directory."""
    needle = bytes(config)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if needle in words:
            return int(process.name)
    raise AssertionError("no agent runs")


class TestEnd:
    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_signal(self, config: Path, point: Path, how: signal.Signals) -> None:
        """SIGTERM, Ctrl-C and a closed terminal unmount and exit 0; no mount and no process stays behind."""
        with agent_mount(config, point) as mount:
            assert (point / "data/x").read_text() == "hello"
            assert mount.stop(how) == 0
            assert not mount.is_mounted
            assert list(point.iterdir()) == []

    def test_unmounted_from_outside(self, config: Path, point: Path) -> None:
        """`umount` ends the process with status 0."""
        with agent_mount(config, point) as mount:
            subprocess.run(["umount", point], check=True)
            assert mount.process.wait(BOUND) == 0

    def test_open_files(self, config: Path, point: Path) -> None:
        """Open files do not hold up the end; reading on fails instead of hanging."""
        with agent_mount(config, point) as mount:
            opened = os.open(point / "data/x", os.O_RDONLY)
            assert mount.stop() == 0
            assert not mount.is_mounted
            with pytest.raises(OSError, match=r"not connected|connection abort"):
                os.read(opened, 5)
            with contextlib.suppress(OSError):  # close(2) reports the lost connection too, and closes
                os.close(opened)

    def test_hanging_read(self, tmp_path: Path) -> None:
        """A read that a backend never answers is cancelled: the end comes in bounded time, with status 0."""
        with memory_mount({b"hang": b"never seen"}, tmp_path) as mount:
            failures: list[int] = []

            def read() -> None:
                try:
                    (mount.point / "hang").read_bytes()
                except OSError as fault:
                    failures.append(fault.errno or 0)

            reader = threading.Thread(target=read)
            reader.start()
            while not mount.tell({"forget": True}).get("open"):
                os.sched_yield()
            started = time.monotonic()
            assert mount.stop() == 0
            assert time.monotonic() - started < BOUND
            reader.join(BOUND)
            assert len(failures) == 1
            assert not mount.is_mounted


class TestMountPoint:
    def test_missing(self, config: Path, tmp_path: Path) -> None:
        """A missing mount point is one clear line and status 1."""
        done = mount_command(config, str(tmp_path / "nowhere"))
        assert done.returncode == 1
        assert f"{tmp_path}/nowhere: mount point does not exist" in done.stderr
        assert "Traceback" not in done.stderr

    def test_not_a_directory(self, config: Path, tmp_path: Path) -> None:
        """A file is no mount point."""
        done = mount_command(config, str(tmp_path / "config.yaml"))
        assert done.returncode == 1
        assert "not a directory" in done.stderr

    def test_not_empty(self, config: Path, point: Path) -> None:
        """A directory with entries is refused, unless `-o nonempty` says that hiding them is meant."""
        (point / "precious").touch()
        done = mount_command(config)
        assert done.returncode == 1
        assert "not empty" in done.stderr
        with agent_mount(config, point, "-o", "nonempty"):
            assert [path.name for path in point.iterdir()] == ["data"]
        assert [path.name for path in point.iterdir()] == ["precious"]

    def test_busy(self, config: Path, point: Path, tmp_path: Path) -> None:
        """A mount point on which something lives is refused, and what lives there is left alone."""
        with agent_mount(config, point):
            done = mount_command(config, "-o", f"cache={tmp_path / 'other-cache'}")
            assert done.returncode == 1
            assert "mount point is busy" in done.stderr
            assert (point / "data/x").read_text() == "hello"

    def test_dead_mount(self, config: Path, point: Path) -> None:
        """After kill -9 the next start takes the dead mount away and serves."""
        with agent_mount(config, point) as mount:
            assert (point / "data/x").read_text() == "hello"
            mount.stop(signal.SIGKILL)
            assert mount.is_mounted
            with agent_mount(config, point) as next_mount:
                assert (point / "data/x").read_text() == "hello"
                assert "dead mount found" in next_mount.printed()
                assert next_mount.stop() == 0
            assert not mount.is_mounted

    def test_cache_in_use(self, config: Path, point: Path, tmp_path: Path) -> None:
        """A cache directory that another agent owns is refused, and nothing is mounted."""
        other = tmp_path / "second"
        other.mkdir()
        with agent_mount(config, point):
            done = mount_command(config, str(other))
        assert done.returncode == 1
        assert "in use by process" in done.stderr


class TestCommand:
    def test_bad_configuration(self, tmp_path: Path) -> None:
        """Faults of the configuration are listed with their place; status 2."""
        path = write_config(tmp_path, tmp_path, surprise=1)
        done = mount_command(path)
        assert done.returncode == 2
        assert "surprise" in done.stderr
        assert str(path) in done.stderr

    def test_options_reach_the_mount(self, config: Path, point: Path) -> None:
        """Options win over the file: owner, group, mask, and flags of the kernel."""
        with agent_mount(config, point, "-o", "uid=12,gid=34,umask=077,noexec"):
            found = (point / "data/x").stat()
            assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12, 34, 0o400)
            assert os.statvfs(point).f_flag & os.ST_NOEXEC

    def test_unknown_backend_is_alone(self, tmp_path: Path, point: Path) -> None:
        """A backend that cannot be reached answers for its own paths only; the mount comes up."""
        root = tmp_path / "root"
        root.mkdir()
        (root / "x").write_text("hello")
        good = {"name": "data", "type": "local", "mount_path": "/data", "config": {"root": str(root)}}
        gone = {"name": "gone", "type": "local", "mount_path": "/gone", "config": {"root": str(tmp_path / "none")}}
        config = write_config(tmp_path, root, backends=[good, gone])
        with agent_mount(config, point):
            assert (point / "data/x").read_text() == "hello"
            with pytest.raises(OSError, match=r"Input/output error|No such file"):
                list((point / "gone").iterdir())

    def test_daemon(self, config: Path, point: Path) -> None:
        """`--daemon` returns 0 when the mount answers; the agent ends with the mount."""
        done = mount_command(config, "--daemon")
        assert (done.returncode, mount_at(str(point)) is not None) == (0, True), done.stderr
        assert (point / "data/x").read_text() == "hello"
        agent = agent_of(config)
        subprocess.run(["umount", point], check=True)
        assert wait_gone(agent)

    def test_daemon_fails_loudly(self, config: Path, tmp_path: Path) -> None:
        """`--daemon` prints the background's error and returns 1."""
        done = mount_command(config, "--daemon", str(tmp_path / "nowhere"))
        assert done.returncode == 1
        assert "mount point does not exist" in done.stderr
        assert "Traceback" not in done.stderr

    def test_daemon_log(self, config: Path, point: Path, tmp_path: Path) -> None:
        """With `--log-file` the background keeps its log."""
        assert mount_command(config, "--daemon", "--log-file", str(tmp_path / "agent.log")).returncode == 0
        agent = agent_of(config)
        subprocess.run(["umount", point], check=True)
        assert wait_gone(agent)
        assert "unmounted from outside" in (tmp_path / "agent.log").read_text()


class TestMountProgram:
    @pytest.fixture
    def linked(self) -> Iterator[None]:
        """`mount.warpdrive` where mount(8) looks for it, unless it is there already."""
        link = Path("/sbin/mount.warpdrive")
        made = not os.path.lexists(link)
        if made:
            link.symlink_to(COMMANDS / "mount.warpdrive")
        yield
        if made:
            link.unlink()

    def mount(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        """Let the system's own program do it."""
        return subprocess.run(["mount", *argv], capture_output=True, text=True, timeout=60, check=False)

    @pytest.mark.usefixtures("linked")
    def test_mount_t(self, config: Path, point: Path) -> None:
        """`mount -t warpdrive FILE DIR -o ...` mounts, and `umount DIR` ends it."""
        done = self.mount("-t", "warpdrive", config, point, "-o", "noexec,umask=077,_netdev")
        assert done.returncode == 0, done.stderr
        assert (point / "data/x").read_text() == "hello"
        assert (point / "data/x").stat().st_mode & 0o777 == 0o400
        agent = agent_of(config)
        subprocess.run(["umount", point], check=True)
        assert wait_gone(agent)

    @pytest.mark.usefixtures("linked")
    def test_fstab(self, config: Path, point: Path, tmp_path: Path) -> None:
        """A line of fstab with the options people put there works."""
        fstab = tmp_path / "fstab"
        fstab.write_text(f"{config} {point} warpdrive defaults,allow_other,_netdev,nofail,x-systemd.automount 0 0\n")
        done = self.mount("--fstab", fstab, point)
        assert done.returncode == 0, done.stderr
        agent = agent_of(config)
        subprocess.run(["umount", point], check=True)
        assert wait_gone(agent)

    @pytest.mark.usefixtures("linked")
    def test_failure(self, config: Path, point: Path) -> None:
        """What goes wrong is printed, with a status other than 0."""
        (point / "precious").touch()
        done = self.mount("-t", "warpdrive", config, point)
        assert done.returncode == 32
        assert "not empty" in done.stderr
        done = self.mount("-t", "warpdrive", config, point, "-o", "frobnicate")
        assert done.returncode == 1
        assert "unknown option frobnicate" in done.stderr


def test_process_that_dies_is_reported(config: Path, point: Path) -> None:
    """The harness itself tells a mount that never came up from one that did."""
    with pytest.raises(MountFailed, match="needs a value"), agent_mount(config, point, "-o", "uid"):
        pass
