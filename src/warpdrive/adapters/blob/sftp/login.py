"""How to reach a server and prove who we are, checked as far as that goes without I/O."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warpdrive.application.ports.credentials import Anonymous, Credentials, EnvironmentChain, Login
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import BackendDefinition

CONNECT_S = 5.0
LOGIN_S = 10.0

CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr", "aes192-ctr")
"""AES-GCM first: asyncssh moves about twice as much with it as with its own first choice, ChaCha20."""

_DEFAULT_KNOWN_HOSTS = "~/.ssh/known_hosts"
_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect and as whom."""

    name: str
    host: str
    port: int
    known_hosts: str
    credentials: Login | EnvironmentChain | Anonymous

    @property
    def advice(self) -> str:
        """What to do about a host key that is not known."""
        return (
            f"its host key is not in {self.known_hosts}; check it, then add it: "
            f"ssh-keyscan -p {self.port} {self.host} >> {self.known_hosts}"
        )

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `asyncssh.connect`."""
        return {
            "host": self.host,
            "port": self.port,
            "known_hosts": str(Path(self.known_hosts).expanduser()),
            "config": None,  # the user's ~/.ssh/config is no part of ours
            "encryption_algs": CIPHERS,
            "compression_algs": ("none",),
            "connect_timeout": CONNECT_S,
            "login_timeout": LOGIN_S,
            "keepalive_interval": 15,
            **_identity(self.credentials),
        }


def _identity(credentials: Login | EnvironmentChain | Anonymous) -> dict[str, Any]:
    if isinstance(credentials, EnvironmentChain):
        return {}  # agent and default keys, as the current user
    if isinstance(credentials, Anonymous):
        return {"username": "anonymous", "client_keys": None, "agent_path": None}
    chosen: dict[str, Any] = {"username": credentials.username}
    if credentials.private_key_file is not None:
        keys = [str(Path(credentials.private_key_file).expanduser())]
        chosen |= {"client_keys": keys, "agent_path": None, "passphrase": credentials.password}
    elif credentials.password is not None:
        chosen |= {"password": credentials.password, "client_keys": None, "agent_path": None}
    return chosen


def server_of(definition: BackendDefinition, credentials: Credentials) -> Server:
    """Read the options. Raises BackendMisconfigured for a missing host, a bad port, credentials of another kind."""
    host = definition.options.get("host", "")
    if not host:
        raise BackendMisconfigured(f"backend {definition.name!r} needs a `host`")
    try:
        port = int(definition.options.get("port") or _SSH_PORT)
    except ValueError as error:
        raise BackendMisconfigured(
            f"backend {definition.name!r}: port {definition.options['port']!r} is no number"
        ) from error
    if not isinstance(credentials, (Login, EnvironmentChain, Anonymous)):
        raise BackendMisconfigured(
            f"backend {definition.name!r}: an SFTP server takes a username with a password or a private key, "
            f"not {type(credentials).__name__}"
        )
    known_hosts = definition.options.get("known_hosts") or _DEFAULT_KNOWN_HOSTS
    return Server(definition.name, host, port, known_hosts, credentials)
