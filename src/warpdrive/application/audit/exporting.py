"""The record in files that need none of our software: JSON lines, and a manifest that says what they must be.

An exported event carries every field that its hash covers, so whoever has the files can compute the chain again; the
short program that ships with an export (`check.py`) does.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from warpdrive.application.audit.folding import all_events
from warpdrive.application.audit.points import Point, last_event, position_before, position_until
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.chain import BEGINNING

FORMAT: Final = "warpdrive-audit-export/1"


@dataclass(frozen=True, slots=True)
class Span:
    """What is exported: the events after `after`, up to `to` inclusive. `previous`: hash of the event before them."""

    after: int
    to: int
    previous: bytes


async def span_of(reader: EventReader, *, since: Point | None, until: Point | None) -> Span:
    """Find the events between two places, both inclusive. Raises StoreUnavailable."""
    head = await reader.head()
    after = 0 if since is None else min(await position_before(reader, since), head)
    to = head if until is None else min(await position_until(reader, until), head)
    before = await last_event(reader, after) if after else None
    return Span(after, to, BEGINNING if before is None else before.hash)


def event_line(event: RecordedEvent) -> bytes:
    """Write one event as a line of JSON, with its newline.

    `state` is the text that the store keeps; bytes that are no UTF-8, which we never write, come as `state_base64`.
    """
    fields: dict[str, Any] = {
        "position": event.position,
        "stream": str(event.stream),
        "version": event.version,
        "topic": event.topic,
        "recorded_at": event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "command_id": None if event.command_id is None else str(event.command_id),
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
    }
    try:
        fields["state"] = event.state.decode("utf-8")
    except UnicodeDecodeError:
        fields["state_base64"] = b64encode(event.state).decode("ascii")
    fields["hash"] = event.hash.hex()
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass(slots=True)
class ExportedFile:
    """One file's entry in the manifest. Feed it the lines that are written."""

    name: str
    events: int = 0
    first: int = 0
    last: int = 0
    size: int = 0
    _digest: Any = field(default_factory=sha256)

    def add(self, event: RecordedEvent, line: bytes) -> None:
        """Count a line."""
        self.first = self.first or event.position
        self.last = event.position
        self.events += 1
        self.size += len(line)
        self._digest.update(line)

    def entry(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {
            "name": self.name,
            "events": self.events,
            "first_position": self.first,
            "last_position": self.last,
            "bytes": self.size,
            "sha256": self._digest.hexdigest(),
        }


@dataclass(slots=True)
class Export:
    """An export being made: `lines` gives what to write and into which file; afterwards `manifest` tells all."""

    reader: EventReader
    span: Span
    per_file: int
    files: list[ExportedFile] = field(default_factory=list)
    _head: bytes = b""

    async def lines(self) -> AsyncIterator[tuple[str, bytes]]:
        """Give each file's name with each of its lines, in order. Raises StoreUnavailable."""
        self._head = self.span.previous
        async for event in all_events(self.reader, after=self.span.after, to=self.span.to):
            if not self.files or self.files[-1].events == self.per_file:
                self.files.append(ExportedFile(f"events-{len(self.files) + 1:06d}.jsonl"))
            line = event_line(event)
            self.files[-1].add(event, line)
            self._head = event.hash
            yield self.files[-1].name, line

    def manifest(self, made_at: datetime, software: str) -> dict[str, Any]:
        """Say what was exported. `made_at` and `software` are for people; nothing is checked against them."""
        return {
            "format": FORMAT,
            "made_at": made_at.astimezone(UTC).isoformat(timespec="seconds"),
            "software": software,
            "after_position": self.span.after,
            "previous_hash": self.span.previous.hex(),
            "events": sum(each.events for each in self.files),
            "first_position": self.files[0].first if self.files else 0,
            "last_position": self.files[-1].last if self.files else 0,
            "head_hash": self._head.hex(),
            "files": [each.entry() for each in self.files],
        }
