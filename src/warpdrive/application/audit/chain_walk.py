"""Walking the record event by event: does each follow from the one before, in hash, in version, in time?

What cannot be told from one event is told from the next: if it builds on the hash that is stored, the event's fields
were changed; if it builds on the hash that the fields give, the stored hash was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from warpdrive.application.audit.findings import Check, Finding
from warpdrive.application.audit.wording import moment_words
from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.projections.chain import BEGINNING, chain_hash


@dataclass(frozen=True, slots=True)
class _Doubt:
    """An event whose fields do not give its hash; the event after it will tell more."""

    position: int
    given: bytes

    def resolved(self, words: str) -> Finding:
        return Finding(Check.CHAIN, self.position, words)


class ChainWalk:
    """Feed events in order, then `finish`. `after`: the event before the first one, whose hash is believed."""

    def __init__(self, after: RecordedEvent | None = None) -> None:
        self._hash = BEGINNING if after is None else after.hash
        self._recorded_at: datetime | None = None if after is None else after.recorded_at
        # One entry a stream: about 200 bytes each.
        self._versions: dict[UUID, int] = {}
        self._doubt: _Doubt | None = None

    @property
    def hash(self) -> bytes:
        """Of the last event, as stored."""
        return self._hash

    @property
    def streams(self) -> int:
        """Streams seen."""
        return len(self._versions)

    def knows(self, stream: UUID) -> bool:
        """Tell whether an event of the stream was seen."""
        return stream in self._versions

    def begin_at(self, stream: UUID, version: int) -> None:
        """Say which version a stream had before the walk."""
        self._versions[stream] = version

    def feed(self, event: RecordedEvent) -> Iterator[Finding]:
        """Take the next event; gives what is wrong, some of it with the event before."""
        yield from self._check_hash(event)
        last = self._versions.get(event.stream, 0)
        if event.version != last + 1:
            yield Finding(
                Check.VERSIONS,
                event.position,
                f"stream {event.stream} goes from version {last} to {event.version}",
            )
        self._versions[event.stream] = max(event.version, last)
        if self._recorded_at is not None and event.recorded_at < self._recorded_at:
            yield Finding(
                Check.MOMENTS,
                event.position,
                f"recorded at {moment_words(event.recorded_at)}, before the event before it "
                f"({moment_words(self._recorded_at)})",
            )
        self._recorded_at = event.recorded_at

    def finish(self) -> Iterator[Finding]:
        """Say what was still in doubt at the end."""
        if self._doubt is not None:
            yield self._doubt.resolved("its fields do not give its hash: it was changed after it was written")
            self._doubt = None

    def _check_hash(self, event: RecordedEvent) -> Iterator[Finding]:
        given = chain_hash(self._hash, event)
        doubt, self._doubt = self._doubt, None
        if given == event.hash:
            if doubt is not None:
                yield doubt.resolved(_FIELDS)
        elif doubt is not None and chain_hash(doubt.given, event) == event.hash:
            yield doubt.resolved(_HASH)
        else:
            if doubt is not None:
                yield doubt.resolved("neither it nor the event after it follows from what is before")
            self._doubt = _Doubt(event.position, given)
        self._hash = event.hash


_FIELDS: Final = (
    "its fields do not give its hash, on which the next event builds: a field of it was changed, or an event right "
    "before it was taken out or put in"
)
_HASH: Final = "its stored hash was changed: the next event builds on what its fields give"
