"""Where the archive's files go, and whose place that is.

A day's files have the same names whoever archives it, so two databases below one prefix would write over each other's.
The first says in a small object beside the files that the place is its own; every other one stays away.
"""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from warpdrive.application.ports.errors import ObjectNotFound, VersionChanged
from warpdrive.application.ports.object_reader import ObjectReader
from warpdrive.application.ports.object_writer import Absent, ObjectWriter
from warpdrive.application.ports.objects import ObjectKey
from warpdrive.application.ports.telemetry_archive import ArchiveOwner

MARKER: Final = "warpdrive-archive.json"
"""Beside the files, below the prefix."""

_LARGEST: Final = 65_536
"""Bytes; a marker has some two hundred."""


class ArchiveTaken(Exception):
    """Raised when a place is another database's. `marker` is the object that says so, `owner` what it says."""

    def __init__(self, backend: str, marker: str, owner: str, ours: str) -> None:
        super().__init__(
            f"{marker} in backend {backend!r} says that the archive there is of {owner}, and this is {ours}: give this "
            "one another prefix, or delete that object if the other database is really gone; files of days that both "
            "have are written over then"
        )
        self.backend = backend
        self.marker = marker
        self.owner = owner


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """Where the files go: below `prefix` ("" or ending in "/") in an open backend of that name."""

    backend: str
    reader: ObjectReader
    writer: ObjectWriter
    prefix: str = ""

    def folder(self, day: date) -> str:
        """Return what the keys of a day's files begin with, as Hive and everything after it writes partitions."""
        return f"{self.prefix}records/day={day.isoformat()}/"

    async def claim(self, owner: ArchiveOwner, at: datetime) -> None:
        """Make sure that the place is the owner's: nobody's becomes it. `at`: the time now.

        Raises ArchiveTaken when it is another's, or nobody can tell whose; any BackendError.
        """
        key = ObjectKey(self.prefix + MARKER)
        try:
            said = await self._said(key)
        except ObjectNotFound:
            # Another may be quicker, also where the store cannot check the condition: what stands there then counts.
            with suppress(VersionChanged):
                await self.writer.write(key, _body(owner, at), precondition=Absent())
            said = await self._said(key)
        if said.get("database") != owner.identity:
            raise ArchiveTaken(self.backend, key, _whose(said), f"{owner.words} ({owner.identity})")

    async def _said(self, key: ObjectKey) -> dict[str, Any]:
        """Return what the marker says; nothing when that cannot be understood."""
        info = await self.reader.stat(key)
        if not 0 < info.size <= _LARGEST:
            return {}
        content = bytearray(info.size)
        await self.reader.read_range(key, 0, memoryview(content), version=info.version)
        try:
            said = json.loads(content)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


async def _body(owner: ArchiveOwner, at: datetime) -> AsyncIterator[bytes]:
    said = {"database": owner.identity, "name": owner.words, "since": at.isoformat(timespec="seconds")}
    yield json.dumps(said, indent=2).encode() + b"\n"


def _whose(said: dict[str, Any]) -> str:
    if "database" not in said:
        return "nobody knows whom"
    return f"{said.get('name', 'a database')} ({said['database']}, since {said.get('since', 'some time')})"
