"""A dead server's notes: whom they name now, and how they are made harmless."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warpdrive.adapters.store.embedded.postmaster import Postmaster, disown

NOTE = "{pid}\n/somewhere\n1700000000\n5432\n/socket\n\n 2368993 32787\nready   \n"


@pytest.mark.parametrize("note", [None, "", "no number\n", "99999999\n", NOTE.format(pid=4194303)])
def test_nobody_is_adopted_by_a_note_about_nobody(tmp_path: Path, note: str | None) -> None:
    """No note, an empty one, or one about a process that is gone."""
    if note is not None:
        (tmp_path / "postmaster.pid").write_text(note)
    assert Postmaster.adopt(tmp_path) is None


def test_a_stranger_with_a_servers_old_number_is_not_adopted(tmp_path: Path) -> None:
    """A process that does not work in the cluster's directory is no server, and is never signalled."""
    (tmp_path / "postmaster.pid").write_text(NOTE.format(pid=os.getpid()))
    assert Postmaster.adopt(tmp_path) is None


def test_a_process_that_nobody_has_collected_is_not_adopted(tmp_path: Path) -> None:
    """It still has a number, and nothing else."""
    with subprocess.Popen([sys.executable, "-c", ""], cwd=tmp_path) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        (tmp_path / "postmaster.pid").write_text(NOTE.format(pid=child.pid))
        assert Postmaster.adopt(tmp_path) is None


def test_a_process_in_the_clusters_directory_is_adopted_and_ended(tmp_path: Path) -> None:
    """Its number and its directory agree."""
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=tmp_path, stdin=subprocess.PIPE) as child:
        (tmp_path / "postmaster.pid").write_text(NOTE.format(pid=child.pid))
        found = Postmaster.adopt(tmp_path)
        assert found is not None
        assert (found.pid, found.adopted, found.socket_directory) == (child.pid, True, Path("/socket"))
        found.close()
        child.kill()


def test_disowning_changes_the_number_alone(tmp_path: Path) -> None:
    """The memory segment's key stays: by it the server finds children of the dead one that are still at work."""
    note = tmp_path / "postmaster.pid"
    note.write_text(NOTE.format(pid=4194303))
    (tmp_path / ".s.PGSQL.5432.lock").write_text("4194303\n")
    disown(tmp_path, tmp_path)
    assert note.read_text() == NOTE.format(pid=os.getpid())
    assert note.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["postmaster.pid"]


def test_without_notes_there_is_nothing_to_disown(tmp_path: Path) -> None:
    """A server that was stopped in order took them away itself."""
    disown(tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []
