"""Which control plane is meant, and as whom: an address, a token's file, an authority, a certificate."""

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import httpx

from warpdrive.entrypoints.settings.kinds import parse_url

DEFAULT_SERVER: Final = "http://127.0.0.1:8090"

LOCAL_ADMIN: Final = "/var/lib/warpdrive-control/admin.token"
"""A control plane on this machine left it; shown to no other, since another's would be none of its admins."""

DEFAULT_TOKEN_FILES: Final = ("~/.config/warpdrive/token", LOCAL_ADMIN)
"""Looked for in this order when none is named: one's own, and the one that a control plane here left for its admin."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LARGEST: Final = 4096
_ABSENT: Final = (errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, and where it came from. `secret` None: none was found, and `words` says where it was looked for."""

    secret: str | None = field(repr=False)
    words: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """The control plane that a run talks to.

    `named`: somebody chose it, so that silence is a fault and not just the absence of a control plane.
    """

    url: str = DEFAULT_SERVER
    token_file: Path | None = None
    ca_file: Path | None = None
    named: bool = False
    token_files: tuple[str, ...] = DEFAULT_TOKEN_FILES
    """Where a token is looked for when `token_file` names none."""
    cert_file: Path | None = None
    """Shown to a control plane that asks for a certificate."""
    key_file: Path | None = None
    """Its key; None: in the same file."""

    def credential(self) -> Credential:
        """Read the token. Raises click.ClickException when the file that was named cannot be used."""
        if self.token_file is not None:
            return self._read(self.token_file.expanduser())
        unreadable: list[str] = []
        for name in self.token_files:
            if name == LOCAL_ADMIN and not self.is_this_machine():
                continue
            path = Path(os.path.expanduser(name))  # noqa: PTH111 - where there is no home it leaves the text alone
            try:
                return self._read(path)
            except _NoTokenError as error:
                if error.number not in _ABSENT:
                    unreadable.append(f"{path} ({error.why})")
        words = f"no token was sent: neither {' nor '.join(self.token_files)} can be used"
        return Credential(None, words + (f"; not readable: {', '.join(unreadable)}" if unreadable else ""))

    def _read(self, path: Path) -> Credential:
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                raw = file.read(_LARGEST)
        except OSError as error:
            raise _NoTokenError(path, error.errno or 0, error.strerror or str(error)) from None
        secret = raw.decode("utf-8", "replace").strip()
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise _NoTokenError(path, 0, "it holds no token, which is one line like wd_...")
        warnings: list[str] = []
        if stat.S_ISREG(mode) and mode & _OTHERS:
            warnings.append(f"{path} can be read by others (mode {mode & 0o777:04o}); chmod 600 {path}")
        if self.is_in_the_clear():
            warnings.append(f"the token goes to {self.url} unencrypted; use https")
        return Credential(secret, f"the token of {path} was sent", tuple(warnings))

    def is_in_the_clear(self) -> bool:
        """Say whether what is sent can be read on the way: plain HTTP to another machine."""
        return urlsplit(self.url).scheme == "http" and not self.is_this_machine()

    def is_this_machine(self) -> bool:
        """Say whether the control plane is here."""
        host = urlsplit(self.url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")


class _NoTokenError(click.ClickException):
    """Raised when a file gives no token. `number`: the system's, 0 for a file that holds something else."""

    def __init__(self, path: Path, number: int, why: str) -> None:
        super().__init__(f"no token from {path}: {why}; name a token's file with --token-file or WARPDRIVE_TOKEN_FILE")
        self.number = number
        self.why = why


class ServerAddress(click.ParamType[str]):
    """An http or https address of a control plane; without a scheme it is http."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it; a usage error otherwise."""
        text = str(value).strip()
        try:
            url = parse_url(text if "://" in text else f"http://{text}")
            # Who dials is stricter about hosts: labels too long, numbers that are no address, broken Punycode.
            httpx.URL(url).host.encode("idna")
        except (ValueError, httpx.InvalidURL) as error:
            self.fail(f"{text!r} {error}", param, ctx)
        return url
