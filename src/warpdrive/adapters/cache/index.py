"""The index: which pages of which object are recorded, in SQLite, owned by one writer thread.

Changes are handed over as snapshots in the order in which they happened and merged in `_pending` (the latest word
on an extent wins), then written in one transaction. A transaction that fails leaves them pending, so nothing is lost
while the disk is full and a later, wiping change can never be overtaken by an older one. Reads see pending changes.

    objects(id, backend, key, version, size)    one row per object version; id as in `layout.object_id`
    extents(object, extent, bitmap, checksums, session)
        one row per 256 MiB of an object that holds a recorded page; session: the start since which all of its
        pages are known to be right, 0 when some are not
    state(name, value)
        session: counts starts; trusted: rows of an earlier session are suspect, because a shutdown since then was
        not orderly; clean: boot id of an orderly shutdown, absent while in use

An orderly shutdown counts only within the same boot: page contents are never fsynced (that would halve the fill
rate), so after a power loss recorded pages may not be on the disk and are verified like after a crash.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from warpdrive.adapters.cache.extents import ExtentRow
from warpdrive.application.ports.page_cache import ContentId

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    id BLOB PRIMARY KEY, backend BLOB NOT NULL, key BLOB NOT NULL, version BLOB NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS extents (
    object BLOB NOT NULL, extent INTEGER NOT NULL, bitmap BLOB NOT NULL, checksums BLOB NOT NULL,
    session INTEGER NOT NULL, PRIMARY KEY (object, extent)
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""

_UPSERT_OBJECT = "INSERT OR REPLACE INTO objects (id, backend, key, version, size) VALUES (?, ?, ?, ?, ?)"
_UPSERT_EXTENT = "INSERT OR REPLACE INTO extents (object, extent, bitmap, checksums, session) VALUES (?, ?, ?, ?, ?)"


class ObjectRow(NamedTuple):
    """One object version as the index names it. `size` in bytes."""

    content: ContentId
    size: int


@dataclass(slots=True)
class Change:
    """What happened to one object since the last snapshot: wiped first if `wiped`, then the rows."""

    wiped: bool = False
    row: ObjectRow | None = None
    extents: dict[int, ExtentRow] = field(default_factory=dict)

    def followed_by(self, later: "Change") -> "Change":
        """Merge with a later change of the same object."""
        if later.wiped:
            return later
        return Change(self.wiped, later.row or self.row, self.extents | later.extents)


class Index:
    """SQLite behind one thread: every method must be called on the thread that made it."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._pending: dict[bytes, Change] = {}
        self._session = 1
        self._trusted = 1
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA cache_size = -16384")
            self._db.executescript(_SCHEMA)
        except BaseException:
            self._db.close()
            raise

    def start(self, boot_id: str) -> bool:
        """Mark the index as in use; return True after an orderly shutdown in this boot, else all rows are suspect."""
        found = dict(self._db.execute("SELECT name, value FROM state"))
        clean = not found or found.get("clean") == boot_id
        self._session = int(found.get("session", 0)) + 1
        self._trusted = int(found.get("trusted", 1)) if clean else self._session
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM state WHERE name = 'clean'")
            self._db.execute("INSERT OR REPLACE INTO state VALUES ('session', ?)", (self._session,))
            self._db.execute("INSERT OR REPLACE INTO state VALUES ('trusted', ?)", (self._trusted,))
        return clean

    def finish(self, boot_id: str) -> None:
        """Mark an orderly shutdown. Call only when every change is written."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR REPLACE INTO state VALUES ('clean', ?)", (boot_id,))

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def apply(self, changes: dict[bytes, Change]) -> None:
        """Merge and write changes in one transaction; on sqlite3.Error they stay pending for the next call."""
        for identity, change in changes.items():
            earlier = self._pending.get(identity)
            self._pending[identity] = change if earlier is None else earlier.followed_by(change)
        if not self._pending:
            return
        with self._db:
            self._db.execute("BEGIN")
            self._write(self._pending)
        self._pending = {}

    def probe(self) -> None:
        """Ask for something small. Raises sqlite3.Error when the index does not answer."""
        self._db.execute("SELECT value FROM state LIMIT 1").fetchone()

    def objects(self) -> Iterator[tuple[bytes, int]]:
        """Walk (id, size) of every object."""
        yield from self._db.execute("SELECT id, size FROM objects")

    def bitmaps(self) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Walk (object, size, extent, bitmap) of every extent, an object's extents together."""
        yield from self._db.execute(
            "SELECT object, size, extent, bitmap FROM extents JOIN objects ON id = object ORDER BY object, extent"
        )

    def contents(self) -> list[ContentId]:
        """List every object version that is written, to look something up by key."""
        rows = self._db.execute("SELECT backend, key, version FROM objects")
        return [ContentId(_text(backend), _text(key), _text(version)) for backend, key, version in rows]

    def load(self, identity: bytes) -> tuple[ObjectRow | None, dict[int, ExtentRow]]:
        """Read an object with its extents as of the last `apply`, written or not."""
        change = self._pending.get(identity, Change())
        row, extents = change.row, change.extents
        if not change.wiped:
            found = self._db.execute(
                "SELECT backend, key, version, size FROM objects WHERE id = ?", (identity,)
            ).fetchone()
            if found is not None:
                row = ObjectRow(ContentId(_text(found[0]), _text(found[1]), _text(found[2])), found[3])
            stored = self._db.execute(
                "SELECT extent, bitmap, checksums, session FROM extents WHERE object = ?", (identity,)
            )
            extents = {
                extent: ExtentRow(bitmap, checksums, suspect=session < self._trusted)
                for extent, bitmap, checksums, session in stored
            } | extents
        return row, {number: extent for number, extent in extents.items() if extent.bitmap}

    def _write(self, changes: dict[bytes, Change]) -> None:
        wiped = [(identity,) for identity, change in changes.items() if change.wiped]
        if wiped:
            self._db.executemany("DELETE FROM extents WHERE object = ?", wiped)
            self._db.executemany("DELETE FROM objects WHERE id = ?", wiped)
        self._db.executemany(
            _UPSERT_OBJECT,
            [
                (identity, *(_raw(field) for field in change.row.content), change.row.size)
                for identity, change in changes.items()
                if change.row is not None
            ],
        )
        kept, emptied = [], []
        for identity, change in changes.items():
            for extent, row in change.extents.items():
                if row.bitmap:
                    kept.append((identity, extent, row.bitmap, row.checksums, 0 if row.suspect else self._session))
                else:
                    emptied.append((identity, extent))
        self._db.executemany(_UPSERT_EXTENT, kept)
        if emptied:
            self._db.executemany("DELETE FROM extents WHERE object = ? AND extent = ?", emptied)


def _raw(field: str) -> bytes:
    """Encode a key; names that are not UTF-8 come as surrogate escapes, which TEXT cannot hold."""
    return field.encode("utf-8", "surrogateescape")


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
