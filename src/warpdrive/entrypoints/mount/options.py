"""What people type after `-o`: decoded, passed on to the kernel, ignored for a reason, or refused by name."""

import grp
import pwd
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

KERNEL = frozenset({"exec", "noexec", "suid", "nosuid", "dev", "nodev", "noatime", "nosymfollow"})
"""Passed on to mount(2) as they are."""

IGNORED = frozenset(
    {
        *("defaults", "auto", "noauto", "nofail", "_netdev", "fail"),  # for mount -a and systemd
        *("user", "users", "nouser", "owner", "group", "noowner"),  # who may call mount(8)
        *("atime", "relatime", "norelatime", "strictatime", "nodiratime", "lazytime"),  # no access times here
        *("async", "rsize", "wsize", "default_permissions"),  # already so
    }
)
"""Meant for somebody else, or already the case."""

_IGNORED_PREFIXES = ("x-", "X-", "comment=", "user=")


class OptionFault(ValueError):
    """Raised when options are unknown, malformed or not available; the message names each of them."""


class UnknownOption(OptionFault):
    """Raised when nobody knows the option."""


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """Decoded `-o` options. None means "not given: the configuration file decides"."""

    read_only: bool | None = None
    allow_other: bool | None = None
    uid: int | None = None
    gid: int | None = None
    umask: int | None = None
    debug: bool | None = None
    config: str | None = None
    cache: str | None = None
    log_file: str | None = None
    non_empty: bool = False
    kernel: frozenset[str] = frozenset()

    def overrides(self) -> dict[str, str]:
        """Return what wins over the configuration file, as keys of the file and texts."""
        given = {
            "read_only": _yes_no(self.read_only),
            "allow_other": _yes_no(self.allow_other),
            "fuse_debug": _yes_no(self.debug),
            "uid": None if self.uid is None else str(self.uid),
            "gid": None if self.gid is None else str(self.gid),
            "umask": None if self.umask is None else f"{self.umask:03o}",
            "cache.path": self.cache,
        }
        return {key: text for key, text in given.items() if text is not None}


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def parse(words: Iterable[str], *, from_mount: bool = False, sloppy: bool = False) -> CommandOptions:
    """Decode `-o` arguments, each a comma-separated list. Raises OptionFault with every fault at once.

    `from_mount`: mount(8) itself adds `rw` when nobody asked for anything, so there it is not a wish. `sloppy`:
    unknown options are tolerated (mount -s), malformed ones are not.
    """
    options = CommandOptions()
    faults: list[str] = []
    for word in (word for argument in words for word in argument.split(",") if word):
        try:
            options = _apply(options, word, from_mount=from_mount)
        except UnknownOption as fault:
            if not sloppy:
                faults.append(str(fault))
        except OptionFault as fault:
            faults.append(str(fault))
    if faults:
        raise OptionFault("; ".join(faults))
    return options


def _apply(options: CommandOptions, word: str, *, from_mount: bool) -> CommandOptions:
    name, has_value, value = word.partition("=")
    if word in _FLAGS:
        return replace(options, **_FLAGS[word])
    if word in KERNEL:
        return replace(options, kernel=options.kernel | {word})
    if name in _VALUES and has_value:
        field, decode = _VALUES[name]
        decoded: dict[str, Any] = {field: decode(word, value)}
        return replace(options, **decoded)
    if word == "rw":
        if from_mount:
            return options
        raise OptionFault("option rw is not available: this version mounts read-only")
    if name in IGNORED or word.startswith(_IGNORED_PREFIXES):
        return options
    if name in _VALUES:
        raise OptionFault(f"option {name} needs a value: {name}=...")
    raise UnknownOption(f"unknown option {word}")


def _user(word: str, value: str) -> int:
    if value.isascii() and value.isdecimal():
        return int(value)
    try:
        return pwd.getpwnam(value).pw_uid
    except KeyError:
        raise OptionFault(f"option {word}: no such user") from None


def _group(word: str, value: str) -> int:
    if value.isascii() and value.isdecimal():
        return int(value)
    try:
        return grp.getgrnam(value).gr_gid
    except KeyError:
        raise OptionFault(f"option {word}: no such group") from None


def _octal(word: str, value: str) -> int:
    try:
        bits = int(value, 8)
    except ValueError:
        bits = -1
    if not 0 <= bits <= 0o777:  # noqa: PLR2004 - all permission bits
        raise OptionFault(f"option {word}: not an octal mask between 000 and 777")
    return bits


def _path(word: str, value: str) -> str:
    if not value:
        raise OptionFault(f"option {word}: a path is missing")
    return value


_FLAGS: dict[str, dict[str, Any]] = {
    "ro": {"read_only": True},
    "allow_other": {"allow_other": True},
    "debug": {"debug": True},
    "nonempty": {"non_empty": True},
}
_VALUES: dict[str, tuple[str, Callable[[str, str], int | str]]] = {
    "uid": ("uid", _user),
    "gid": ("gid", _group),
    "umask": ("umask", _octal),
    "config": ("config", _path),
    "cache": ("cache", _path),
    "log_file": ("log_file", _path),
}
