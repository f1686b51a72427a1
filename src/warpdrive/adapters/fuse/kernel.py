"""What the kernel can be told about a mount once it exists; each setting is a gain, none is needed to work."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from warpdrive.adapters.fuse.mount_table import Mount

_log = structlog.get_logger(__name__)

READ_AHEAD_KIB = 1024
"""FUSE's default of 128 KiB halves throughput; with 1024 requests arrive as 1 MiB; 4096 is not better (measured)."""

BACKGROUND_REQUESTS = 512
"""Read-ahead requests that the kernel sends without waiting for answers, over the whole mount.

Its default of 12 would let twelve reads that hang on one backend stop the read-ahead of every other (R3).
"""

_COMMAND_SECONDS = 10.0


def widen_read_ahead(mount: Mount, root: Path = Path("/sys/class/bdi")) -> bool:
    """Set the mount's read-ahead to `READ_AHEAD_KIB`; False, with a warning that says what to do, without the right."""
    setting = root / mount.device / "read_ahead_kb"
    try:
        setting.write_text(f"{READ_AHEAD_KIB}\n")
    except OSError as fault:
        _log.warning(
            "read-ahead left at the kernel's default: sequential reading is about half as fast; "
            "set it as root to fix that",
            command=f"echo {READ_AHEAD_KIB} | sudo tee {setting}",
            fault=os.strerror(fault.errno or 0),
        )
        return False
    return True


def admit_background(mount: Mount, root: Path = Path("/sys/fs/fuse/connections")) -> bool:
    """Let `BACKGROUND_REQUESTS` be under way at once; False, with a warning that says what to do, without the right.

    The settings live in a file system of their own, which systemd mounts at `root`. Where nobody did, it is mounted
    at a private place for the moment.
    """
    connection = mount.device.partition(":")[2]
    try:
        with _control_files(root) as found:
            (found / connection / "max_background").write_text(f"{BACKGROUND_REQUESTS}\n")
            (found / connection / "congestion_threshold").write_text(f"{BACKGROUND_REQUESTS * 3 // 4}\n")
    except (OSError, subprocess.SubprocessError) as fault:
        _log.warning(
            "background requests left at the kernel's default: a backend that hangs can hold up read-ahead of "
            "the others; set it as root to fix that",
            command=f"echo {BACKGROUND_REQUESTS} | sudo tee {root / connection / 'max_background'}",
            fault=str(fault),
        )
        return False
    return True


@contextmanager
def _control_files(root: Path) -> Iterator[Path]:
    if os.geteuid() != 0 or (root.is_dir() and any(root.iterdir())):
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="warpdrive-fusectl-") as place:
        _system("mount", "-t", "fusectl", "fusectl", place)
        try:
            yield Path(place)
        finally:
            _system("umount", place)


def _system(program: str, *words: str) -> None:
    command = [shutil.which(program) or program, *words]
    subprocess.run(command, check=True, capture_output=True, timeout=_COMMAND_SECONDS)  # noqa: S603 - a system program, no shell
