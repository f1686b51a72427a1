"""Telling systemd."""

import contextlib
import socket
from pathlib import Path

import pytest

from warpdrive.entrypoints.process.readiness import READY, STOPPING, notify


@pytest.mark.parametrize("abstract", [False, True])
def test_tells(tmp_path: Path, abstract: bool) -> None:
    """States arrive as datagrams, at a path and at an abstract address."""
    name = f"warpdrive-test-{tmp_path}" if abstract else str(tmp_path / "notify")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.settimeout(5)
        manager.bind(f"\0{name}" if abstract else name)
        environ = {"NOTIFY_SOCKET": f"@{name}" if abstract else name}
        assert notify(READY, environ)
        assert notify(STOPPING, environ)
        assert [manager.recv(64), manager.recv(64)] == [b"READY=1", b"STOPPING=1"]


def test_nobody_asked(tmp_path: Path) -> None:
    """Without a manager, or with one that is gone, nothing happens."""
    assert not notify(READY, {})
    assert not notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert not notify(READY, {"NOTIFY_SOCKET": "vsock:2:1"})
