"""The user that PostgreSQL runs as, and what that user may reach.

PostgreSQL refuses to run as root. A control plane that is root therefore gives the server a system user of its
own; one that is not root runs it as itself (`None` stands for that here).
"""

import os
import pwd
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warpdrive.adapters.store.embedded.errors import NoUnprivilegedUser

USER = "warpdrive-postgres"
_STAND_INS = ("postgres", "nobody")
"""Users that most machines have: taken where none can be added (a read-only /etc, a bare container)."""

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of this machine."""

    uid: int
    gid: int
    name: str

    def first_closed(self, path: Path) -> Path | None:
        """Return the outermost directory on the way to `path`, itself included, that the user may not enter."""
        for folder in (*reversed(path.parents), path):
            if not self._may(folder.stat(), stat.S_IXUSR):
                return folder
        return None

    def may_read(self, tree: Path) -> bool:
        """Say whether the user can reach and read every file below `tree`."""
        if self.first_closed(tree) is not None:
            return False
        return all(self._may(path.stat(), _needs(path)) for path in _everything_below(tree))

    def _may(self, found: os.stat_result, bits: int) -> bool:
        """Judge by the mode alone: an ACL that gives more only costs a copy, and one that takes away is rare."""
        if found.st_uid == self.uid:
            return found.st_mode & bits == bits
        if found.st_gid == self.gid:
            return found.st_mode & (bits >> 3) == bits >> 3
        return found.st_mode & (bits >> 6) == bits >> 6


def process_identity(account: Account | None) -> dict[str, Any]:
    """Return what `subprocess` needs to become the user, without any group of ours."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def choose_account(path: Path, owner: int | None) -> Account | None:
    """Return the user to serve `path` with; None when we are no root, so that it can only be ourselves.

    `owner` is the uid of a cluster that exists already: files decide, whatever users came or went since.
    Raises NoUnprivilegedUser.
    """
    if os.geteuid() != 0:
        return None
    if owner:
        return _of_uid(owner)
    own = _named(USER) or _add_user()
    for name in () if own else _STAND_INS:
        own = own or _named(name)
    if own is None:
        raise NoUnprivilegedUser(path, USER)
    return own


def _of_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(uid, uid, f"uid {uid}")
    return Account(uid, entry.pw_gid, entry.pw_name)


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid, name) if entry.pw_uid != 0 else None


def _add_user() -> Account | None:
    """Add our system user. None where the machine has no useradd or does not let it work."""
    argv = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    argv += ["--shell", "/usr/sbin/nologin", USER]
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            done = subprocess.run(argv, capture_output=True, check=False)  # noqa: S603 - a fixed command
        except OSError:
            return None
        # Another control plane that starts now may hold the lock of /etc/passwd, or have added the user already.
        found = _named(USER)
        if found is not None or done.returncode == 0 or time.monotonic() > deadline or b"lock" not in done.stderr:
            return found
        time.sleep(0.1)


def _needs(path: Path) -> int:
    return stat.S_IRUSR | stat.S_IXUSR if path.is_dir() else stat.S_IRUSR


def _everything_below(tree: Path) -> Iterator[Path]:
    for folder, _, files in os.walk(tree):
        yield Path(folder)
        yield from (Path(folder, name) for name in files)
