"""The shapes on the admin socket: requests checked by msgspec, answers as plain JSON objects.

JSON goes through the standard library, which keeps surrogate escapes (file names that are no UTF-8);
msgspec's own encoder refuses them.
"""

import json
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec

from warpdrive.application.mount.desk import AgentStatus, Evicted, HiddenKey
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.warming import WarmProgress, WarmRequest

Body = TypeVar("Body", bound=msgspec.Struct)


class BodyError(ValueError):
    """Raised when a request's body is not what the verb takes."""


class WarmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /warm`. `max_size` in bytes."""

    path: str
    recursive: bool = False
    max_size: int | None = None
    workers: int = 8
    check: bool = False

    def request(self) -> WarmRequest:
        """Return the use case's value. Raises BodyError."""
        try:
            return WarmRequest(self.path, self.recursive, self.max_size, self.workers, self.check)
        except ValueError as error:
            raise BodyError(str(error)) from None


class EntryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of an order; `ranges` are [start, stop), stop null for the end."""

    path: str
    ranges: list[tuple[int, int | None]] = []

    def entry(self) -> ManifestEntry:
        """Return the use case's value. Raises BodyError."""
        if not self.path.startswith("/"):
            raise BodyError(f"path must start with '/': {self.path!r}")
        for start, stop in self.ranges:
            if start < 0 or (stop is not None and stop <= start):
                raise BodyError(f"empty range {start}-{stop} of {self.path!r}")
        return ManifestEntry(self.path, tuple(self.ranges))


class PrefetchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /prefetch`. A path alone means the whole file."""

    manifest: list[str | EntryBody]

    def entries(self) -> list[ManifestEntry]:
        """Return the order. Raises BodyError."""
        return [(EntryBody(item) if isinstance(item, str) else item).entry() for item in self.manifest]


class EvictBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /evict`."""

    path: str


def decode(body: bytes, shape: type[Body]) -> Body:
    """Read a request's body. Raises BodyError with the path of the fault."""
    try:
        return msgspec.convert(json.loads(body), shape)
    except msgspec.ValidationError as error:
        raise BodyError(str(error)) from None
    except ValueError as error:
        raise BodyError(f"the body is not JSON: {error}") from None


def encode(answer: object) -> bytes:
    """Write an answer, with a newline at its end."""
    return json.dumps(answer).encode("ascii") + b"\n"


def status_body(status: AgentStatus) -> dict[str, Any]:
    """Answer to `GET /status`; sizes in bytes, times in seconds."""
    facts = status.facts
    return {
        "version": facts.version,
        "pid": facts.pid,
        "node": facts.node,
        "mount_point": facts.mount_point,
        "uptime": status.uptime,
        "entries": [entry._asdict() for entry in status.entries],
        "cache": asdict(status.cache),
        "health": {
            "status": status.health.status,
            "checks": [asdict(check) for check in status.health.checks],
        },
        "hidden": dict(status.hidden),
        "control_plane": None if status.control_plane is None else asdict(status.control_plane),
        "telemetry": None if status.telemetry is None else asdict(status.telemetry),
    }


def hidden_body(keys: tuple[HiddenKey, ...]) -> dict[str, Any]:
    """Answer to `GET /hidden`."""
    return {"hidden": [key._asdict() for key in keys]}


def warm_body(progress: WarmProgress) -> dict[str, Any]:
    """One line of `POST /warm`. The last has `finished` true, or is an `error`."""
    body = asdict(progress)
    body["failures"] = [fault._asdict() for fault in progress.failures]
    body["complete"] = progress.complete
    return body


def evicted_body(evicted: Evicted) -> dict[str, Any]:
    """Answer to `POST /evict`."""
    return {
        "files": evicted.files,
        "bytes": evicted.bytes,
        "failures": [fault._asdict() for fault in evicted.failures],
    }
