"""A real OpenSSH server on loopback, with its own host key and one user key, for SFTP."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import LOOPBACK, Address, accepts, free_port, running


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running server and what a client needs to know of it."""

    address: Address
    username: str
    private_key_file: Path
    stranger_key_file: Path
    """A key that the server does not accept."""
    host_key: str
    """Public host key, as `known_hosts` wants it behind the host's name."""
    folder: Path

    def known_hosts(self, address: Address) -> Path:
        """Write a known_hosts file that names this server's key at `address` (a proxy's, or its own)."""
        path = self.folder / f"known_hosts-{address[1]}"
        path.write_text(f"[{address[0]}]:{address[1]} {self.host_key}\n")
        return path


def unavailable() -> str | None:
    """Why sshd cannot run here, or None."""
    if not _sshd():
        return "openssh-server is not installed"
    return None


def _sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def sshd_running(folder: Path) -> Iterator[Sshd]:
    """Run sshd in the foreground as the current user; everything it needs lies in `folder`."""
    program = _sshd()
    assert program is not None
    for name in ("host_key", "user_key", "stranger_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's privilege separation asks for it
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress {LOOPBACK}\nHostKey {folder}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        "MaxStartups 200\nMaxSessions 200\nLogLevel ERROR\nSubsystem sftp internal-sftp\n"
    )
    address = (LOOPBACK, port)
    with running([program, "-D", "-e", "-f", str(config)], log=folder / "sshd.log", ready=lambda: accepts(address)):
        kind, key = (folder / "host_key.pub").read_text().split()[:2]
        yield Sshd(
            address=address,
            username=getpass.getuser(),
            private_key_file=folder / "user_key",
            stranger_key_file=folder / "stranger_key",
            host_key=f"{kind} {key}",
            folder=folder,
        )
