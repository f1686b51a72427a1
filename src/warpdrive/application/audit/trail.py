"""The trail: every event in order, as an entry that an auditor reads; of any length, in bounded memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from uuid import UUID

from warpdrive.application.audit.folding import all_events, events_of
from warpdrive.application.audit.points import Point, position_before, position_until
from warpdrive.application.audit.sentences import sentence_of
from warpdrive.application.audit.subjects import Subjects
from warpdrive.application.audit.wording import moment_words, plain
from warpdrive.application.ports.event_store import EventReader, RecordedEvent
from warpdrive.application.projections.codec import EventCodec, UnknownTopic, UnreadableEvent, kind_of


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which events; what is None or empty lets everything through.

    `topic` may hold `*`, `?` and `[...]` and means a whole topic, an event's name in it, with or without its
    version, or a kind of stream. `since` and `until` are inclusive.
    """

    since: Point | None = None
    until: Point | None = None
    actor: str = ""
    topic: str = ""
    stream: UUID | None = None
    command: UUID | None = None
    correlation: str = ""

    def admits(self, event: RecordedEvent) -> bool:
        """Tell whether an event passes, its place in the order apart."""
        return (
            (not self.actor or event.actor == self.actor)
            and (self.stream is None or event.stream == self.stream)
            and (self.command is None or event.command_id == self.command)
            and (not self.correlation or event.correlation_id == self.correlation)
            and (not self.topic or _matches(event.topic, self.topic))
        )


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """An event and what it says. `readable` False: its bytes could not be understood, and `sentence` says why."""

    position: int
    recorded_at: datetime
    actor: str
    command_id: UUID | None
    correlation_id: str
    causation_id: str
    stream: UUID
    version: int
    kind: str
    topic: str
    sentence: str
    hash: bytes
    readable: bool = True

    @property
    def line(self) -> str:
        """Write it on one line, whatever anybody typed."""
        who = plain(self.actor) or "somebody unnamed"
        correlated = f" (correlation {plain(self.correlation_id)})" if self.correlation_id else ""
        return f"{moment_words(self.recorded_at)}  position {self.position}  {who}{correlated} {self.sentence}"


class Trail:
    """Tells events as sentences."""

    def __init__(self, reader: EventReader, codec: EventCodec) -> None:
        self._reader = reader
        self._codec = codec

    async def entries(self, which: TrailFilter) -> AsyncIterator[TrailEntry]:
        """Give the entries in order, up to the end of the record as it is at the beginning.

        Raises StoreUnavailable.
        """
        head = await self._reader.head()
        after = 0 if which.since is None else await position_before(self._reader, which.since)
        to = head if which.until is None else min(head, await position_until(self._reader, which.until))
        subjects = Subjects(self._reader, self._codec, to=to)
        if which.stream is None:
            events = all_events(self._reader, after=after, to=to)
        else:
            events = events_of(self._reader, which.stream, to=to)
        async for recorded in events:
            if recorded.position > after and which.admits(recorded):
                yield await self.entry(recorded, subjects)

    async def entry(self, recorded: RecordedEvent, subjects: Subjects) -> TrailEntry:
        """Tell one event."""
        about = await subjects.about(recorded)
        readable = True
        try:
            sentence = sentence_of(self._codec.decode(recorded), about)
        except UnknownTopic:
            readable, sentence = (
                False,
                f"did something to {about} that this version does not know ({plain(recorded.topic)})",
            )
        except UnreadableEvent as fault:
            readable, sentence = False, f"did something to {about} that cannot be read: {plain(str(fault))}"
        return TrailEntry(
            position=recorded.position,
            recorded_at=recorded.recorded_at,
            actor=recorded.actor,
            command_id=recorded.command_id,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.causation_id,
            stream=recorded.stream,
            version=recorded.version,
            kind=kind_of(recorded.topic) or "unknown",
            topic=recorded.topic,
            sentence=sentence,
            hash=recorded.hash,
            readable=readable,
        )


def _matches(topic: str, pattern: str) -> bool:
    room, _, name = topic.partition(":")
    candidates = (topic, name, name.rpartition(".")[0], room.removeprefix("warpdrive."))
    return any(fnmatchcase(candidate, pattern) for candidate in candidates if candidate)
