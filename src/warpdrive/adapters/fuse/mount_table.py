"""What is mounted where, from /proc/self/mountinfo: reading it never touches (and never hangs on) a mount."""

import re
from pathlib import Path
from typing import NamedTuple

_MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of mountinfo (proc(5))."""

    point: str
    device: str
    """"major:minor", also the name of the mount's entry under /sys/class/bdi."""
    type: str
    source: str

    @property
    def is_fuse(self) -> bool:
        """Whether a process answers for it, and may have died."""
        return self.type in {"fuse", "fuseblk"} or self.type.startswith(("fuse.", "fuseblk."))


def mounts(table: bytes | None = None) -> list[Mount]:
    """Return all mounts in the order they were made; `table` stands in for the kernel's own text."""
    lines = (table if table is not None else _MOUNTINFO.read_bytes()).splitlines()
    return [_parse(line) for line in lines if line]


def mount_at(point: str) -> Mount | None:
    """Return the topmost mount exactly at `point` (absolute and normal), or None."""
    found = [mount for mount in mounts() if mount.point == point]
    return found[-1] if found else None


def _parse(line: bytes) -> Mount:
    fields, _, rest = line.partition(b" - ")
    place = fields.split(b" ")
    kind, source = rest.split(b" ")[:2]
    return Mount(point=_plain(place[4]), device=place[2].decode(), type=_plain(kind), source=_plain(source))


def _plain(field: bytes) -> str:
    unescaped = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), field)
    return unescaped.decode("utf-8", "surrogateescape")
