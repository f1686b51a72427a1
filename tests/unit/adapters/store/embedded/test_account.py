"""The server's user: what it may reach, and who it is when it cannot be made."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.control_planes import reachable_dir
from warpdrive.adapters.store.embedded import account as account_module
from warpdrive.adapters.store.embedded.account import Account, choose_account, process_identity
from warpdrive.adapters.store.embedded.errors import NoUnprivilegedUser

STRANGER = Account(uid=54321, gid=54321, name="stranger")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses another user")


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that everybody can enter and read; pytest's own lie in closed ones."""
    with reachable_dir() as scratch:
        scratch.chmod(0o755)
        yield scratch


def test_the_outermost_closed_directory_is_found(open_path: Path) -> None:
    """That is the one to open, and the target itself counts."""
    inner = open_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    for folder in (open_path / "a", open_path / "a" / "b", inner):
        folder.chmod(0o711)
    assert STRANGER.first_closed(inner) is None
    inner.chmod(0o700)
    assert STRANGER.first_closed(inner) == inner
    (open_path / "a").chmod(0o700)
    assert STRANGER.first_closed(inner) == open_path / "a"


def test_one_unreadable_file_makes_a_tree_unreadable(open_path: Path) -> None:
    """Programs installed under a tight umask can be entered and not read."""
    (open_path / "lib").mkdir(mode=0o755)
    (open_path / "lib").chmod(0o755)
    for name in ("one", "two"):
        (open_path / "lib" / name).write_text("")
        (open_path / "lib" / name).chmod(0o644)
    assert STRANGER.may_read(open_path)
    (open_path / "lib" / "two").chmod(0o600)
    assert not STRANGER.may_read(open_path)


def test_owner_and_group_have_bits_of_their_own(open_path: Path) -> None:
    """The narrowest class that fits a user decides, as in the kernel."""
    found = open_path.stat()
    open_path.chmod(0o071)
    assert Account(54321, 54321, "other").first_closed(open_path) is None
    assert Account(54321, found.st_gid, "group").first_closed(open_path) is None
    assert Account(found.st_uid, found.st_gid, "owner").first_closed(open_path) == open_path
    open_path.chmod(0o755)


def test_without_root_the_server_is_ourselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nobody else to become, and nothing to change in a child."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert choose_account(tmp_path, None) is None
    assert process_identity(None) == {}


@needs_root
def test_an_existing_cluster_keeps_its_owner(tmp_path: Path) -> None:
    """Files decide, also when their owner has no name any more, as in a fresh container on an old volume."""
    assert choose_account(tmp_path, 54321) == Account(54321, 54321, "uid 54321")
    assert process_identity(STRANGER) == {"user": 54321, "group": 54321, "extra_groups": []}


@needs_root
def test_where_no_user_can_be_added_an_existing_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our user and without useradd it is postgres or nobody; without those it is refused."""
    monkeypatch.setattr(account_module, "USER", "warpdrive-no-such-user")
    monkeypatch.setenv("PATH", str(tmp_path))
    stand_in = choose_account(tmp_path, None)
    assert stand_in is not None
    assert stand_in.uid == pwd.getpwnam(stand_in.name).pw_uid != 0
    assert stand_in.name in {"postgres", "nobody"}
    monkeypatch.setattr(account_module, "_STAND_INS", ("root", "warpdrive-no-such-user-either"))
    with pytest.raises(NoUnprivilegedUser, match="useradd --system"):
        choose_account(tmp_path, None)
