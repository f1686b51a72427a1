"""The cluster: made once by initdb, then the server's command line for it.

Authentication is `trust` on the socket, and there is no other way in: the server listens on no address. That is
safe only because the socket lies in a directory of mode 0700 (`DataDirectory.socket_directory`), so the kernel
lets nobody connect but root and the server's own user, and both could read the files anyway.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from warpdrive.adapters.store.embedded.account import process_identity
from warpdrive.adapters.store.embedded.binaries import Binaries
from warpdrive.adapters.store.embedded.directory import DataDirectory
from warpdrive.adapters.store.embedded.errors import DataDirectoryUnusable, ServerDidNotStart, WrongMajorVersion

SUPERUSER: Final = "postgres"
PORT: Final = 5432
"""Only the name of a file here: sockets are called .s.PGSQL.5432."""

ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
"""Nothing of ours: PGDATA and its kin would change what the programs do, and our variables hold secrets."""

_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "100",
    # Fewer checkpoints: after each of them every page that is touched is logged whole.
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "password_encryption": "scram-sha-256",
}
_LEAST_BUFFERS_MB: Final = 128
_MOST_BUFFERS_MB: Final = 512
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FORGETFUL: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and the programs for it. `durable` False forgets data when the machine stops: for tests only."""

    directory: DataDirectory
    binaries: Binaries
    durable: bool = True

    @property
    def path(self) -> Path:
        """The data directory in PostgreSQL's sense."""
        return self.directory.cluster

    def ensure(self) -> None:
        """Make the cluster if there is none.

        Blocks for about half a second when it does. Raises WrongMajorVersion, DataDirectoryUnusable,
        ServerDidNotStart with the words of initdb.
        """
        if not self.path.exists():
            self._initialise()
            return
        try:
            found = (self.path / "PG_VERSION").read_text("ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            raise DataDirectoryUnusable(self.path, "it holds no PostgreSQL cluster") from None
        except PermissionError:
            raise DataDirectoryUnusable(
                self.path, "it belongs to another user", "run the control plane as that user, or as root"
            ) from None
        if found != self.binaries.major:
            raise WrongMajorVersion(self.path, found, self.binaries.major)

    def command(self, socket_directory: Path) -> list[str]:
        """Return the server's command line. On it, settings hold whatever a configuration file may say."""
        settings = {**_SETTINGS, **(_DURABLE if self.durable else _FORGETFUL)}
        settings |= {"shared_buffers": f"{_buffers_mb()}MB"}
        settings |= {"unix_socket_directories": _quoted(socket_directory), "port": str(PORT)}
        argv = [self.binaries.program("postgres"), "-D", str(self.path)]
        for key, value in settings.items():
            argv += ["-c", f"{key}={value}"]
        return argv

    def _initialise(self) -> None:
        """Make the cluster beside its place, then rename it: one that is there is whole."""
        fresh = self.path.with_name("data.new")
        if fresh.exists():
            shutil.rmtree(fresh)
        self.directory.make_private(fresh)
        argv = [self.binaries.program("initdb"), "-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8"]
        argv += ["--auth-local=trust", "--auth-host=reject"]
        # Code point order, the same on every machine and in every version of its C library.
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums"]
        argv += [] if self.durable else ["--no-sync"]
        done = subprocess.run(  # noqa: S603 - our own program and paths
            argv,
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            umask=0o077,
            **process_identity(self.directory.account),
        )
        if done.returncode != 0:
            said = "\n".join(done.stdout.decode(errors="replace").strip().splitlines()[-10:])
            raise ServerDidNotStart(self.path, f"initdb ended with {done.returncode}", said)
        fresh.rename(self.path)


def _buffers_mb() -> int:
    """Return an eighth of the machine's memory, within bounds; what nobody touches takes none.

    Ingest touches pages of a million keys' indexes all over: 512 MB took a quarter less CPU than 128 MB.
    """
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(_LEAST_BUFFERS_MB, min(memory_mb // 8, _MOST_BUFFERS_MB))


def _quoted(path: Path) -> str:
    """Write one path into a setting that holds a list of paths."""
    return '"' + str(path).replace('"', '""') + '"'
