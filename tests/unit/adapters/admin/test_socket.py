"""The admin socket's file: private, owned by one, replaced when its owner is dead."""

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from warpdrive.adapters.admin.socket import AdminSocketError, AdminSocketInUse, admin_socket

DYING_AGENT = """
import os, sys
from pathlib import Path
from warpdrive.adapters.admin.socket import admin_socket
with admin_socket(Path(sys.argv[1])) as listener:
    listener.listen()
    print("up", flush=True)
    os.kill(os.getpid(), 9)
"""


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.lstat().st_mode)


def test_only_the_owner_may_connect_and_it_goes_away(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask, which is as before afterwards; the file ends with the block."""
    path = tmp_path / "state" / "admin.sock"
    before = os.umask(0)
    try:
        with admin_socket(path) as listener:
            assert listener.family == socket.AF_UNIX
            assert mode(path) == 0o600
            assert mode(path.parent) == 0o700
            assert mode(Path(f"{path}.lock")) == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert not path.exists()


def test_the_name_never_appears_with_other_rights(tmp_path: Path) -> None:
    """A watcher that looks all the time sees 0600 or nothing, so there is no moment to slip in."""
    path = tmp_path / "admin.sock"
    seen: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            try:
                seen.add(mode(path))
            except FileNotFoundError:
                continue

    before = os.umask(0)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(200):
            with admin_socket(path):
                pass
    finally:
        done.set()
        watcher.join()
        os.umask(before)
    assert seen <= {0o600}


def test_a_live_agent_keeps_its_socket(tmp_path: Path) -> None:
    """A second one is refused, in words that name the key, and the first still has its file."""
    path = tmp_path / "admin.sock"
    with admin_socket(path):
        with pytest.raises(AdminSocketInUse, match=r"agent\.admin_socket.*another agent"), admin_socket(path):
            pytest.fail("two owners")
        assert path.exists()


def test_a_killed_agents_socket_is_replaced(tmp_path: Path) -> None:
    """Kill -9 leaves the file behind; the next agent starts all the same."""
    path = tmp_path / "admin.sock"
    outcome = subprocess.run([sys.executable, "-c", DYING_AGENT, str(path)], capture_output=True, check=False)
    assert outcome.stdout == b"up\n"
    assert path.exists()
    with admin_socket(path) as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_socket_that_somebody_answers_is_never_removed(tmp_path: Path) -> None:
    """Even without a lock: a slip in the config must not take another service's door."""
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(AdminSocketInUse, match="answers there"), admin_socket(path):
            pytest.fail("taken")
        assert path.exists()


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    """The same for data."""
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(AdminSocketError, match="no socket"), admin_socket(path):
        pytest.fail("taken")
    assert path.read_text() == "data"


def test_a_path_that_is_too_long_says_so(tmp_path: Path) -> None:
    """The kernel's limit, not a truncated name."""
    with pytest.raises(AdminSocketError, match="107 bytes"), admin_socket(tmp_path / ("x" * 120)):
        pytest.fail("bound")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """With the system's words."""
    (tmp_path / "file").write_text("")
    with pytest.raises(AdminSocketError, match=r"Not a directory|File exists"), admin_socket(tmp_path / "file" / "s"):
        pytest.fail("bound")
