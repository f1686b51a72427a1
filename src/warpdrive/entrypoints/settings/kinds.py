"""What a single value can be: each kind reads one text, or raises ValueError that says what would be right.

No message repeats the text: it may be a secret.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from warpdrive.domain.content.pages import check_block_size
from warpdrive.domain.content.paths import normalise_mount_path, why_hidden
from warpdrive.entrypoints.settings.units import Duration, Size, parse_duration, parse_size

_PORT_MAX: Final = 65535
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_OCTAL: Final = re.compile(r"(?:0o)?([0-7]{1,4})", re.ASCII)
_WORDS: Final = MappingProxyType(
    {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
)


class Secret(str):
    """A text that never shows in a `repr`, so not in logs of settings either."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Name(str):
    """A short name for people, metrics labels and file names: letters, digits, ".", "_", "-"."""

    __slots__ = ()


class Url(str):
    """An http or https address without credentials, query or fragment, and without a last "/"."""

    __slots__ = ()


class KeyPrefix(str):
    """What every key of a backend starts with: "" or ending in "/", never starting with one."""

    __slots__ = ()


class MountPath(str):
    """Where in the tree a backend appears: absolute and normal."""

    __slots__ = ()


class Umask(int):
    """Permission bits to take away, read as octal whether quoted or not."""

    __slots__ = ()


class Port(int):
    """A TCP port, 1 to 65535."""

    __slots__ = ()


class BlockSize(Size):
    """A size that is a power of two of at least one page."""

    __slots__ = ()


class Address(NamedTuple):
    """Where to listen. An empty host is every interface; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Peer(NamedTuple):
    """Where to dial."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PathReader:
    """Reads paths of this machine: "~/" is $HOME, and a relative one starts at the config file's directory."""

    def __init__(self, base: Path, environ: Mapping[str, str]) -> None:
        self._base = base
        self._home = environ.get("HOME")

    def __call__(self, text: str) -> Path:
        """Return the absolute path, without resolving links. Raises ValueError for an impossible one."""
        if not text:
            raise ValueError("is empty; write a path")
        if "\0" in text:
            raise ValueError("contains a NUL byte")
        if text == "~" or text.startswith("~/"):
            if not self._home:
                raise ValueError("starts with ~, but the environment variable HOME is not set")
            return Path(self._home, text[2:])
        if text.startswith("~"):
            raise ValueError("starts with ~ and a user; write the home directory in full")
        return self._base / text


def parse_bool(text: str) -> bool:
    """Read true, false, yes, no, on, off."""
    try:
        return _WORDS[text.strip().lower()]
    except KeyError:
        raise ValueError("is neither true nor false") from None


def parse_text(text: str) -> str:
    """Read a text that may not be empty."""
    if not text:
        raise ValueError("is empty")
    return text


def parse_secret(text: str) -> Secret:
    """Read a secret; an empty one is a variable that somebody forgot to fill."""
    return Secret(parse_text(text))


def parse_name(text: str) -> Name:
    """Read a name."""
    if not _NAME.fullmatch(text):
        raise ValueError('is no name; use up to 63 letters, digits, ".", "_", "-", a letter or digit first')
    return Name(text)


def parse_url(text: str) -> Url:
    """Read an endpoint. Credentials in it would reach events and logs, so they are refused."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is not an address; write http://host:port or https://host") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("is not an address; write http://host:port or https://host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries credentials; put them under auth")
    if parts.query or parts.fragment or any(character.isspace() for character in text):
        raise ValueError("may hold no query, fragment or space (a SAS token belongs under auth)")
    return Url(text.rstrip("/"))


def parse_prefix(text: str) -> KeyPrefix:
    """Read a key prefix; slashes at its ends need no care. One that no file name could follow is refused."""
    trimmed = text.strip("/")
    if not trimmed:
        return KeyPrefix("")
    reason = why_hidden(trimmed)
    if reason is not None:
        raise ValueError(reason.value)
    return KeyPrefix(trimmed + "/")


def parse_mount_path(text: str) -> MountPath:
    """Read a path in the tree."""
    return MountPath(normalise_mount_path(text))


def parse_umask(text: str) -> Umask:
    """Read an octal mask: 022, "022", 0o22 and 22 are all the same."""
    match = _OCTAL.fullmatch(text.strip())
    if match is None or int(match[1], 8) > 0o777:  # noqa: PLR2004 - rwx for three
        raise ValueError("is not an octal mask like 022")
    return Umask(int(match[1], 8))


def parse_block_size(text: str) -> BlockSize:
    """Read the size of a block."""
    size = parse_size(text)
    try:
        return BlockSize(check_block_size(size))
    except ValueError:
        raise ValueError("must be a power of two of at least 64KB, like 4MB") from None


def parse_port(text: str) -> Port:
    """Read a port to dial."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= _PORT_MAX):  # noqa: PLR2004
        raise ValueError("is not a port between 1 and 65535")
    return Port(int(text))


def parse_address(text: str) -> Address:
    """Read "host:port", ":port" or "[::1]:port" to listen on."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5) or int(port) > _PORT_MAX:  # noqa: PLR2004
        raise ValueError("is not an address; write host:port, or :port for every interface")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("is not an address; put an IPv6 host in brackets, like [::1]:9090")
    if any(character.isspace() or character in "/@[]" for character in host):
        raise ValueError("is not an address; write host:port, or :port for every interface")
    return Address(host, int(port))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or address alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_peer(text: str) -> Peer:
    """Read "host:port" or "[::1]:port" to dial."""
    try:
        host, port = parse_address(text)
        host.encode("idna")  # as who connects will; an empty label, or one of 64 characters, is refused only there
    except ValueError:
        host, port = "", 0
    if not host or not port:
        raise ValueError("is not an address to dial; write host:port, an IPv6 host in brackets")
    return Peer(host, port)


PARSERS: Final[Mapping[object, Callable[[str], object]]] = MappingProxyType(
    {
        bool: parse_bool,
        str: parse_text,
        Secret: parse_secret,
        Name: parse_name,
        Url: parse_url,
        KeyPrefix: parse_prefix,
        MountPath: parse_mount_path,
        Umask: parse_umask,
        Port: parse_port,
        Address: parse_address,
        Peer: parse_peer,
        Size: parse_size,
        BlockSize: parse_block_size,
        Duration: parse_duration,
    }
)
"""Kind -> reader. `Path` needs to know the file's directory (`PathReader`); the rest is msgspec's."""
