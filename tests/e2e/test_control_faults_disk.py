"""The volume of the embedded database is full: writes are refused, nothing falls over, and with room it goes on."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.control_planes import control_plane, reachable_dir
from tests.support.embedded_owner import postmaster_pid
from tests.support.ports import wait_until_async

_VOLUME = "192m"
_ENTRIES = 100


@pytest.fixture
def volume() -> Iterator[Path]:
    """Mount a small file system in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system to fill")
    with reachable_dir() as scratch:
        point = scratch / "control"
        point.mkdir(mode=0o711)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_VOLUME},mode=711", "none", str(point)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            pytest.skip(f"this machine does not let us mount: {mounted.stderr.strip()}")
        try:
            yield point
        finally:
            subprocess.run(["umount", str(point)], check=True)


def _fill(volume: Path, ballast: Path) -> None:
    """Take all the room; the server writes meanwhile, so what is left is looked at again and again."""
    with ballast.open("wb") as file:
        while left := os.statvfs(volume).f_bavail:
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), left * os.statvfs(volume).f_bsize)


async def test_a_full_disk_refuses_writes_until_there_is_room(volume: Path) -> None:
    """503 and a readiness that names the writes; questions are answered; the same server goes on when there is room."""
    with control_plane(volume) as plane:
        postmaster = postmaster_pid(volume)
        plane.must("POST", "/api/v1/namespaces", {"name": "before"})
        ballast = volume / "ballast"
        _fill(volume, ballast)
        number = 0
        while (answer := plane.ask("PUT", "/api/v1/namespaces/filling", {"entries": _entries(number)})).is_success:
            number += 1
        assert answer.status_code == 503, answer.text
        assert "takes no writes" in answer.json()["message"]
        checks = plane.ask("GET", "/readyz", token="").json()["checks"]
        assert checks["writes"]["status"] == "failed"
        assert "No space left" in checks["writes"]["detail"]
        assert plane.ask("GET", "/api/v1/namespaces").status_code == 200
        ballast.unlink()
        wrote = plane.ask("PUT", "/api/v1/namespaces/filling", {"entries": _entries(number + 1)})
        assert wrote.status_code == 200, wrote.text
        await wait_until_async(plane.is_ready, what="readiness coming back")
        position = {"x-warpdrive-min-position": wrote.headers["x-warpdrive-position"]}
        assert len(plane.must("GET", "/api/v1/namespaces/filling", headers=position)["entries"]) == _ENTRIES
        assert postmaster_pid(volume) == postmaster
        assert "PostgreSQL ended" not in plane.printed()
        assert "the worker process ended" not in plane.printed()
        assert plane.stop() == 0


def _entries(number: int) -> list[dict[str, Any]]:
    """Make as many entries as fill some pages of a table."""
    prefix = "".join(f"{os.urandom(100).hex()}/" for _ in range(4))
    return [
        {"path": f"/{each}", "backend": {"name": f"b{each}", "type": "memory", "prefix": f"{number}/{each}/{prefix}"}}
        for each in range(_ENTRIES)
    ]
