"""Names and keys: which keys can be files, and how absolute paths are put together and taken apart.

Paths and keys are `str`; bytes that are not UTF-8 are surrogate escapes, so any POSIX name survives. A path
is absolute and normal ("/", "/a", "/a/b"); a key is relative and never starts with "/".
"""

from enum import Enum
from typing import Final

ROOT: Final = "/"

MAX_NAME_BYTES: Final = 255
"""NAME_MAX of Linux: a longer component cannot be handed to or asked for by any system call."""


class HiddenReason(Enum):
    """Why a key is not shown in the tree (R4). The value is what `status --hidden` prints."""

    ABSOLUTE = 'starts with "/"'
    EMPTY_COMPONENT = "has an empty component"
    DOT_COMPONENT = 'has a "." or ".." component'
    NUL = "contains a NUL byte"
    TOO_LONG = f"has a component of more than {MAX_NAME_BYTES} bytes"
    NOT_A_NAME = "contains a code point that no file name can hold"
    SHADOWED = "is also a directory"
    """Decided by the lister, who sees both: the directory is shown, the object is hidden."""


def name_bytes(name: str) -> bytes:
    """Encode one name as the kernel knows it; UnicodeEncodeError when a lone surrogate is no escape."""
    return name.encode("utf-8", "surrogateescape")


def name_length(name: str) -> int:
    """Count the bytes of a name. Raises UnicodeEncodeError like `name_bytes`."""
    return len(name) if name.isascii() else len(name_bytes(name))


def why_hidden(key: str, below: str = "") -> HiddenReason | None:
    """Say why the object `key` cannot be a file, or None if it can.

    Only what follows `below` (a directory prefix that `key` starts with: "" or ending in "/") is judged.
    A key that ends in "/", such as a directory marker, has an empty last component.
    """
    rest = key[len(below) :] if below else key
    if "/" not in rest:
        return _why_no_name(rest)
    if not below and rest.startswith("/"):
        return HiddenReason.ABSOLUTE
    for component in rest.split("/"):
        reason = _why_no_name(component)
        if reason is not None:
            return reason
    return None


def why_prefix_hidden(prefix: str, below: str = "") -> HiddenReason | None:
    """Say why the sub-prefix `prefix` (ending in "/") cannot be a directory below `below`, or None."""
    if prefix == ROOT and not below:
        return HiddenReason.ABSOLUTE
    return why_hidden(prefix.removesuffix("/"), below)


def _why_no_name(component: str) -> HiddenReason | None:
    if not component:
        return HiddenReason.EMPTY_COMPONENT
    if component in {".", ".."}:
        return HiddenReason.DOT_COMPONENT
    if "\0" in component:
        return HiddenReason.NUL
    try:
        length = name_length(component)
    except UnicodeEncodeError:
        return HiddenReason.NOT_A_NAME
    return HiddenReason.TOO_LONG if length > MAX_NAME_BYTES else None


def join(parent: str, name: str) -> str:
    """Append a name or relative key to an absolute path: ("/", "a") -> "/a"; an empty one changes nothing."""
    if not name:
        return parent
    return f"/{name}" if parent == ROOT else f"{parent}/{name}"


def split(path: str) -> tuple[str, str]:
    """Take an absolute path apart into parent and name: "/a/b" -> ("/a", "b"); the root gives ("/", "")."""
    parent, _, name = path.rpartition("/")
    return parent or ROOT, name


def components(path: str) -> tuple[str, ...]:
    """Names of an absolute normal path from the root down; none for the root itself."""
    return () if path == ROOT else tuple(path[1:].split("/"))


def is_normal(path: str) -> bool:
    """Tell whether `path` is absolute and normal, as mount entries need it."""
    return path == ROOT or (path.startswith("/") and why_hidden(path[1:], "") is None)


def normalise_mount_path(path: str) -> str:
    """Bring a mount path as people type it into normal form: "data//x/" -> "/data/x".

    A missing leading "/" is added, repeated and trailing ones are dropped. Raises ValueError when the path is
    empty or a component cannot be a name ("..", NUL, too long): a mount path is never guessed.
    """
    if not path:
        raise ValueError('is empty; write "/" for the root of the tree')
    names = [name for name in path.split("/") if name]
    for name in names:
        reason = _why_no_name(name)
        if reason is not None:
            raise ValueError(reason.value)
    return "/" + "/".join(names)
