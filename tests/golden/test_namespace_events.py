"""Stored bytes of Namespace events: what was ever written loads for ever, and today's code writes the same.

A file holds one stored event as the library's Mapper and JSONTranscoder made it. A changed event gets a new file
(and an upcaster or a new topic); a file that was released is never changed.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, StoredEvent

from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy

GOLDEN = Path(__file__).parent / "namespace"
ID = UUID("00112233-4455-4677-8899-aabbccddeeff")
FILES = sorted(path.name for path in GOLDEN.glob("*.json"))


def mapper() -> Mapper[UUID]:
    """Build the mapper that the event store uses."""
    transcoder = JSONTranscoder()
    transcoder.register(DatetimeAsISO())
    return Mapper(transcoder)


def load(name: str) -> StoredEvent:
    """Read a golden file."""
    kept = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return StoredEvent(UUID(kept["originator_id"]), kept["originator_version"], kept["topic"], kept["state"].encode())


def a_life() -> Namespace:
    """Go through every kind of event, with moments, names and options of every shape."""
    first = MountEntry(
        "/données/train",
        BackendDefinition(
            name="imagenet",
            type="s3",
            options={"region": "eu-west-1", "bucket": "imagenet", "endpoint": "http://s3.example:9000"},
            prefix="2012/",
            auth="backends/imagenet",
        ),
        MountPolicy(conflict="fail"),
    )
    second = MountEntry(first.path, first.backend, MountPolicy(write="on", durability="journal", delete="allow"))

    def at(minute: int) -> datetime:
        return datetime(2026, 1, 2, 3, minute, 5, 678900 if minute else 0, tzinfo=UTC)

    namespace = Namespace.create(ID, "vision", at=at(0))
    namespace.add_mount_entry(first, at=at(1))
    namespace.reconfigure_mount_entry(second, at=at(2))
    namespace.remove_mount_entry(first.path, at=at(3))
    namespace.seal(at=at(4))
    namespace.unseal(at=at(5))
    namespace.retire(at=at(6))
    return namespace


def written_now() -> dict[str, StoredEvent]:
    """Store today's events; the file's name tells position and topic."""
    stored = map(mapper().to_stored_event, a_life().collect_events())
    return {f"{each.originator_version}-{each.topic.rpartition(':')[2]}.json": each for each in stored}


@pytest.mark.parametrize("name", FILES)
def test_stored_bytes_load_for_ever(name: str) -> None:
    """Every stored event becomes an event of the class that its topic names."""
    stored = load(name)
    event = mapper().to_domain_event(stored)
    assert event.originator_id == ID
    assert event.originator_version == stored.originator_version
    assert stored.topic == type(event).TOPIC  # type: ignore[attr-defined] # every event of ours has one


def test_stored_bytes_replay_to_the_state_that_was() -> None:
    """The stored life, replayed event by event, passes through the states that it passed through then."""
    namespace: Namespace | None = None
    entries = []
    for name in FILES:
        event = mapper().to_domain_event(load(name))
        namespace = event.mutate(namespace)  # type: ignore[attr-defined] # the mapper's protocol leaves it out
        assert namespace is not None
        entries.append(len(namespace.entries))
    assert namespace is not None
    assert entries == [0, 1, 1, 0, 0, 0, 0]
    assert (namespace.name, namespace.version, namespace.sealed, namespace.retired) == ("vision", 7, False, True)
    assert namespace.modified_on == datetime(2026, 1, 2, 3, 6, 5, 678900, tzinfo=UTC)


def test_the_code_of_today_writes_the_same_bytes() -> None:
    """A change of event fields shows here first, before it reaches a store."""
    assert written_now() == {name: load(name) for name in FILES}
