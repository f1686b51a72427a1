"""How the control plane is reached: address, encryption, and the secret that says who calls.

Files are read again at every connection, so that tokens and certificates can be changed under a running process.
"""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from grpclib.client import Channel

_WORD: Final = frozenset(map(chr, range(0x21, 0x7F)))
"""What a token is made of; anything else in it would be quoted by the libraries that refuse to send it."""


class DialFault(Exception):
    """Raised when a file that connecting needs cannot be used. Names the file, never what is in it."""


@dataclass(frozen=True, slots=True)
class Dialling:
    """`address`: "host:port", an IPv6 host in brackets. Files are PEM but for the token's, which is one line.

    The connection is encrypted when `ca_file` is given, and always to a host that is not this one: a token never
    travels in the clear. Without `ca_file` the system's authorities are trusted then.
    """

    address: str
    token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def host(self) -> str:
        """The host without brackets."""
        return self.address.rpartition(":")[0].removeprefix("[").removesuffix("]")

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.address.rpartition(":")[2])

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.ca_file is not None or not is_loopback(self.host)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Channel]:
        """Give a channel, which connects at the first call, for a block. Raises DialFault."""
        channel = Channel(self.host, self.port, ssl=self.tls() if self.encrypted else None)
        try:
            yield channel
        finally:
            connection = getattr(getattr(channel, "_protocol", None), "connection", None)
            wire = getattr(connection, "_transport", None)
            channel.close()
            if wire is not None:
                wire.abort()  # TLS would wait up to 30 s for the other side's last word

    def tls(self) -> ssl.SSLContext:
        """Return the client's side of TLS, 1.2 or later, for HTTP/2. Raises DialFault."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except (OSError, ValueError) as error:
            raise DialFault(f"ca_file {self.ca_file} cannot be used: {error}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except (OSError, ValueError) as error:
                where = f"cert_file {self.cert_file} with key_file {self.key_file}"
                raise DialFault(f"{where} cannot be used: {error}") from None
        return context

    async def token(self) -> str:
        """Read the secret; "" without a token file. Raises DialFault."""
        if self.token_file is None:
            return ""
        try:
            raw = await anyio.Path(self.token_file).read_bytes()
        except OSError as error:
            raise DialFault(f"token_file {self.token_file} cannot be read: {error.strerror}") from None
        return token_in(raw, self.token_file)


def token_in(raw: bytes, path: Path) -> str:
    """Return the token that a file's bytes are. Raises DialFault."""
    token = raw.decode("ascii", "replace").strip()
    if not token or not _WORD.issuperset(token):
        raise DialFault(f"token_file {path} does not hold one token on one line")
    return token


def is_loopback(host: str) -> bool:
    """Say whether a host is this one, by its name or address alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
