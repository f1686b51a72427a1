"""OpenSSH's SFTP server on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.backends.provider import Place, Provider
from tests.support.ports import Address
from tests.support.sshd import Sshd, sshd_running, unavailable
from warpdrive.application.ports.credentials import Login
from warpdrive.domain.namespace.values import BackendDefinition


class _Sftp:
    def __init__(self, server: Sshd, scratch: Path) -> None:
        self._server = server
        self._scratch = scratch

    def place(self, name: str) -> Place:
        root = self._scratch / "roots" / name
        root.mkdir(parents=True)
        server = self._server

        def reached(address: Address, at: Path = root) -> BackendDefinition:
            options = {
                "host": address[0],
                "port": str(address[1]),
                "root": str(at),
                "known_hosts": str(server.known_hosts(address)),
            }
            return BackendDefinition(name, "sftp", options)

        return Place(
            definition=reached(server.address),
            credentials=Login(server.username, private_key_file=str(server.private_key_file)),
            through=reached,
            address=server.address,
            wrong_credentials=Login(server.username, private_key_file=str(server.stranger_key_file)),
            missing=reached(server.address, self._scratch / "nowhere"),
        )


@contextmanager
def _start(scratch: Path) -> Iterator[_Sftp]:
    with sshd_running(scratch) as server:
        yield _Sftp(server, scratch)


PROVIDER = Provider("sftp", _start, unavailable=unavailable, tcp=True, raw_names=True, odd_keys=False)
