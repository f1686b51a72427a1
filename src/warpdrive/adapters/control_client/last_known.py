"""The last known namespace: one file in the agent's state directory, and its twin in memory.

The file is JSON: `format` (1), `namespace` (the snapshot) and `sha256` of the latter's bytes, so that a file which was
damaged counts as none. It holds names and places, never a secret; still only its owner may read it.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec
import structlog

from warpdrive.application.ports.namespace_feed import NamespaceSnapshot

_log = structlog.get_logger(__name__)

FILE_NAME: Final = "namespace.json"
FORMAT: Final = 1


class _Kept(msgspec.Struct, frozen=True):
    """The file."""

    format: int
    sha256: str
    namespace: msgspec.Raw


class LastKnownFile:
    """Keeps one namespace, the last one, in `directory`. Implements `ports.LastKnownNamespace`."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def load(self, name: str) -> NamespaceSnapshot | None:
        """Return the snapshot, or None when there is none of this name, or none that can be read."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            _log.warning("the last known namespace cannot be read", path=str(self._path), fault=str(fault))
            return None
        try:
            snapshot = _decode(raw)
        except ValueError as fault:  # msgspec's errors are ValueErrors too
            _log.warning("the last known namespace is damaged", path=str(self._path), fault=str(fault))
            return None
        return snapshot if snapshot.name == name else None

    def keep(self, snapshot: NamespaceSnapshot) -> None:
        """Replace the file in one step: after a crash it is the former one or this one, whole. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{FILE_NAME}.new")
        fresh.unlink(missing_ok=True)  # of a run that was killed; its mode may be another
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_encode(snapshot))
            file.flush()
            os.fsync(descriptor)
        fresh.rename(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class LastKnownMemory:
    """The twin: keeps it as long as the process lives."""

    def __init__(self, snapshot: NamespaceSnapshot | None = None) -> None:
        self._snapshot = snapshot

    def load(self, name: str) -> NamespaceSnapshot | None:
        """Return the snapshot if it has this name."""
        return self._snapshot if self._snapshot is not None and self._snapshot.name == name else None

    def keep(self, snapshot: NamespaceSnapshot) -> None:
        """Keep it."""
        self._snapshot = snapshot


def _encode(snapshot: NamespaceSnapshot) -> bytes:
    body = msgspec.json.encode(snapshot)
    return msgspec.json.encode(_Kept(FORMAT, hashlib.sha256(body).hexdigest(), msgspec.Raw(body))) + b"\n"


def _decode(raw: bytes) -> NamespaceSnapshot:
    """Raises ValueError for anything but a whole file of a known format."""
    kept = msgspec.json.decode(raw, type=_Kept)
    if kept.format != FORMAT:
        raise ValueError(f"it has format {kept.format}, this version knows {FORMAT}")
    if hashlib.sha256(bytes(kept.namespace)).hexdigest() != kept.sha256:
        raise ValueError("its checksum does not match")
    return msgspec.json.decode(bytes(kept.namespace), type=NamespaceSnapshot)
