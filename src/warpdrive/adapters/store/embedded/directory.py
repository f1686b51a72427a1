"""The data directory on disk: whose it is, what lies where.

    WARPDRIVE-CONTROL   one line, written once; a directory with other files and without it is refused
    LOCK                held with flock for the owner's whole life; contains the owner's pid for the message
    postgres.log        what the server says (postgres.log.1 before that), readable by us alone
    postgres/           home of the server: directory, or a link to one elsewhere (see below)
    postgres/data/      the cluster, 0700, the server's user's
    postgres/socket/    the socket, 0700, the server's user's; a link to a shorter path where this one is too long
    postgres/server-*/  a copy of the programs, where the server's user cannot read the installed ones

The server's user must be able to pass every directory above its home. Where it cannot (we are root, and the data
directory lies below a home directory with mode 0700) we open nobody's directories: the home is made below
/var/lib/warpdrive-postgres instead, `postgres` becomes a link to it, and a log line says so. That happens only
while there is no home yet: an existing one that has become closed is an error, never a fresh, empty database.

Functions here block on the disk: call them in a worker thread.
"""

import fcntl
import os
import stat
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from warpdrive.adapters.store.embedded.account import Account, choose_account
from warpdrive.adapters.store.embedded.errors import (
    DataDirectoryClosed,
    DataDirectoryForeign,
    DataDirectoryInUse,
    DataDirectoryUnusable,
)

ELSEWHERE: Final = Path("/var/lib/warpdrive-postgres")
"""Where homes are made that cannot be in their data directory; the same on every start, unlike /tmp and /run."""

_MARKER: Final = "WARPDRIVE-CONTROL"
_MARKER_WORDS: Final = "warpdrive control plane data, format 1"
_BEFORE_MARKER: Final = {"LOCK", f"{_MARKER}.new", "lost+found"}
"""What a first start that was interrupted, or a file system, may have left before the marker existed."""

_MAX_SOCKET: Final = 107
"""Bytes in the address of a unix socket (sun_path, with its NUL 108)."""
_PRIVATE: Final = stat.S_IFDIR | 0o700
_SOCKET_FILE: Final = ".s.PGSQL.65535"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """An owned data directory. Build with `claim`; `release` gives it up."""

    path: Path
    home: Path
    account: Account | None
    _locks: ExitStack = field(repr=False)

    @classmethod
    def claim(cls, path: Path, *, elsewhere: Path = ELSEWHERE) -> "DataDirectory":
        """Take ownership, making what is missing.

        Raises DataDirectoryForeign, DataDirectoryInUse, DataDirectoryClosed, NoUnprivilegedUser, and
        DataDirectoryUnusable when the disk says no.
        """
        with ExitStack() as locks:
            try:
                path.mkdir(mode=0o711, parents=True, exist_ok=True)
                path = path.resolve()  # what counts for rights is the way through real directories
                _check_marker(path)
                _hold(locks, path)
                _check_marker(path)
                _write_marker(path)
                account = choose_account(path, _owner_of(path / "postgres" / "data"))
                home = _home(path, account, elsewhere)
                if home.parent != path:
                    # A copy of the data directory has the same link, and two servers on one cluster destroy it.
                    _hold(locks, home)
            except (FileExistsError, NotADirectoryError) as fault:
                raise DataDirectoryUnusable(path, "it, or something above it, is no directory") from fault
            except OSError as fault:
                raise DataDirectoryUnusable(path, fault.strerror or str(fault)) from fault
            return cls(path, home, account, locks.pop_all())
        raise AssertionError("unreachable: an exit stack of locks swallows nothing")

    @property
    def cluster(self) -> Path:
        """Where the cluster is or will be."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """Where the server's words go."""
        return self.path / "postgres.log"

    def socket_directory(self) -> Path:
        """Return the directory for the socket, made if need be; its path is short enough for the kernel.

        0700 and the server's user's: it is what keeps every other user of this machine out (see `cluster`).
        """
        place = self.home / "socket"
        if place.is_symlink():
            target = place.readlink()
            if self._is_private(target):
                return target
            place.unlink()
        elif len(os.fsencode(place / _SOCKET_FILE)) <= _MAX_SOCKET:
            self.make_private(place)
            return place
        short = Path(tempfile.mkdtemp(prefix="warpdrive-", dir="/tmp"))
        self.make_private(short)
        place.symlink_to(short)
        return short

    def make_private(self, place: Path) -> None:
        """Make a directory that nobody but the server's user (and root) may enter."""
        place.mkdir(mode=0o700, exist_ok=True)
        place.chmod(0o700)
        if self.account is not None:
            os.chown(place, self.account.uid, self.account.gid)

    def release(self) -> None:
        """Give the directory up. Safe to call twice."""
        self._locks.close()

    def _is_private(self, place: Path) -> bool:
        """Everybody may write beside it: what is there now counts only if it is as we made it."""
        try:
            found = place.lstat()
        except FileNotFoundError:
            return False
        uid = os.geteuid() if self.account is None else self.account.uid
        return found.st_mode == _PRIVATE and found.st_uid == uid


def _owner_of(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


def _home(path: Path, account: Account | None, elsewhere: Path) -> Path:
    home = path / "postgres"
    if home.is_symlink() and not home.exists():
        raise DataDirectoryUnusable(
            home, f"it leads to {home.readlink()}, which is gone", "bring that back, or remove the link to begin anew"
        )
    if account is None:
        home.mkdir(mode=0o700, exist_ok=True)
        return home.resolve()
    if home.exists():
        home = home.resolve()
        _insist(account, home)
        return home
    path.chmod(path.stat().st_mode | 0o001)  # ours, so ours to open; its files keep their own modes
    closed = account.first_closed(path)
    if closed is None:
        home.mkdir(mode=0o711)
        home.chmod(0o711)
        return home.resolve()
    return _home_elsewhere(path, account, closed, elsewhere)


def _home_elsewhere(path: Path, account: Account, closed: Path, elsewhere: Path) -> Path:
    try:
        elsewhere.mkdir(mode=0o711, parents=True, exist_ok=True)
        elsewhere = elsewhere.resolve()
        if account.first_closed(elsewhere) is None:
            home = Path(tempfile.mkdtemp(prefix="home-", dir=elsewhere))
            home.chmod(0o711)
            (home / "ORIGIN").write_text(f"{path}\n", "utf-8")
            (path / "postgres").symlink_to(home)
            _log.warning("PostgreSQL lives elsewhere", data_dir=str(path), closed=str(closed), place=str(home))
            return home
    except OSError as fault:
        raise DataDirectoryClosed(closed, account.name) from fault
    raise DataDirectoryClosed(closed, account.name)


def _insist(account: Account, home: Path) -> None:
    closed = account.first_closed(home)
    if closed is not None:
        raise DataDirectoryClosed(closed, account.name)


def _check_marker(path: Path) -> None:
    try:
        words = (path / _MARKER).read_text("utf-8", errors="replace")
    except FileNotFoundError:
        for entry in sorted(found.name for found in path.iterdir()):
            if entry not in _BEFORE_MARKER:
                raise DataDirectoryForeign(path, entry) from None
        return
    if words.strip() != _MARKER_WORDS:
        raise DataDirectoryForeign(path, _MARKER)


def _write_marker(path: Path) -> None:
    if not (path / _MARKER).exists():
        fresh = path / f"{_MARKER}.new"
        fresh.write_text(f"{_MARKER_WORDS}\n", "utf-8")
        fresh.replace(path / _MARKER)


def _hold(locks: ExitStack, path: Path) -> None:
    lock = os.open(path / "LOCK", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    locks.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(lock, 32, 0).strip()
        raise DataDirectoryInUse(path, int(said) if said.isdigit() else None) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)
