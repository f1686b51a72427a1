"""What verification finds: any changed byte, anything taken out or put in, and whatever does not fit the events."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.unit.application.audit.conftest import Past
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.memory.names import MemoryNames
from warpdrive.application.audit.findings import Check, Finding, Head, Report
from warpdrive.application.audit.folding import aggregate_at
from warpdrive.application.audit.verification import Verifier
from warpdrive.application.control.calls import Principal
from warpdrive.application.control.secrets import make_secret
from warpdrive.application.ports.event_store import Append, CommandFacts, NameUse, RecordedEvent, StoredSnapshot
from warpdrive.application.ports.read_models import PatchRow, PutRow, RemoveRow, RowChange
from warpdrive.application.projections.chain import BEGINNING, chain_hash
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.token.values import Role

Change = Callable[[RecordedEvent], RecordedEvent]


def keep(store: MemoryEventStore, events: Sequence[RecordedEvent]) -> None:
    """Put these in the place of all events, as somebody with rights on the table could."""
    store._events[:] = events
    store._streams.clear()
    for event in events:
        store._streams.setdefault(event.stream, {})[event.version] = event


def tamper(past: Past, position: int, change: Change) -> None:
    """Change one event where it lies."""
    keep(past.on.store, [change(e) if e.position == position else e for e in past.on.store._events])


def flipped(content: bytes, place: int) -> bytes:
    """Change one byte, to one that leaves JSON readable more often than not."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


async def verified(past: Past, *, after: int = 0, expected: Head | None = None) -> Report:
    """Verify the plane's record."""
    store = past.on.store
    return await Verifier(store, past.codec, past.on.models, store, store).verify(after=after, expected=expected)


async def test_an_honest_record_is_sound(past: Past) -> None:
    """Nothing is found, and the report says how much was looked at."""
    report = await verified(past)
    events = await past.on.events()
    assert report.findings == ()
    assert (report.events, report.head) == (len(events), Head(events[-1].position, events[-1].hash))
    assert report.streams == len({event.stream for event in events})
    assert report.names > 0
    assert report.rows > 0


@pytest.mark.parametrize("position", [0, -1])
async def test_an_event_before_the_first_position_is_found(past: Past, position: int) -> None:
    """No walk from the beginning meets it, and yet whoever loads its stream would believe it."""
    events = list(await past.on.events())
    last = events[-1]
    hidden = replace(last, position=position, version=last.version + 1)
    keep(past.on.store, [hidden, *events])
    assert hidden in await past.on.store.stream(last.stream)
    report = await verified(past)
    assert [(each.check, each.position) for each in report.findings] == [(Check.EVENTS, position)]


async def test_a_finding_is_one_line_whatever_the_record_holds() -> None:
    """Words of a record that was tampered with do not steer the terminal of who reads about it."""
    finding = Finding(Check.EVENTS, 7, "cannot be read: a\x1b[2Jb\nsound")
    assert finding.line.isprintable()
    assert "cannot be read: a" in finding.line


CHANGES: dict[str, Change] = {
    "a byte of the state": lambda e: replace(e, state=flipped(e.state, len(e.state) // 2)),
    "the topic": lambda e: replace(e, topic=e.topic.replace("v1", "v2")),
    "the actor": lambda e: replace(e, actor="token:somebody-else"),
    "the command": lambda e: replace(e, command_id=uuid4()),
    "no command": lambda e: replace(e, command_id=None),
    "the moment": lambda e: replace(e, recorded_at=e.recorded_at + timedelta.resolution),
    "the version": lambda e: replace(e, version=e.version + 1),
    "the stream": lambda e: replace(e, stream=UUID(int=e.stream.int ^ 1)),
}


@pytest.mark.parametrize("what", sorted(CHANGES))
@pytest.mark.parametrize("where", ["first", "middle", "last"])
async def test_one_changed_field_is_located(past: Past, what: str, where: str) -> None:
    """The chain breaks at the very event, wherever it stands, and nowhere else."""
    events = await past.on.events()
    position = {"first": events[0], "middle": events[7], "last": events[-1]}[where].position
    tamper(past, position, CHANGES[what])
    report = await verified(past)
    chain = [finding for finding in report.findings if finding.check is Check.CHAIN]
    assert [finding.position for finding in chain] == [position]
    assert "fields do not give its hash" in chain[0].words


async def test_a_changed_hash_is_told_from_a_changed_field(past: Past) -> None:
    """The next event builds on what the fields give, so the fields are believed."""
    position = (await past.on.events())[7].position
    tamper(past, position, lambda e: replace(e, hash=flipped(e.hash, 5)))
    report = await verified(past)
    assert [(each.check, each.position) for each in report.findings] == [(Check.CHAIN, position)]
    assert "stored hash was changed" in report.findings[0].words


async def test_an_event_that_was_taken_out_leaves_a_gap(past: Past) -> None:
    """The event after it in the record does not follow, and its stream misses a version."""
    events = await past.on.events()
    gone = next(event for event in events if event.position == past.story.unmounted)
    keep(past.on.store, [event for event in events if event is not gone])
    report = await verified(past)
    next_in_stream = min(e.position for e in events if e.stream == gone.stream and e.position > gone.position)
    found = {each.check: each.position for each in report.findings}
    assert found[Check.CHAIN] == gone.position + 1
    assert found[Check.VERSIONS] == next_in_stream
    assert Check.ROWS in found


async def test_a_moment_that_goes_back_is_found(past: Past) -> None:
    """Even where the hashes were made to fit."""
    events = list(await past.on.events())
    events[7] = replace(events[7], recorded_at=events[0].recorded_at)
    rechained(events, 7)
    keep(past.on.store, events)
    report = await verified(past)
    assert [(each.check, each.position) for each in report.findings] == [(Check.MOMENTS, events[7].position)]


def rechained(events: list[RecordedEvent], begin: int) -> None:
    """Make the hashes fit from an event on, as somebody who knows the recipe could."""
    for place in range(begin, len(events)):
        previous = events[place - 1].hash if place else BEGINNING
        events[place] = replace(events[place], hash=chain_hash(previous, events[place]))


async def test_a_record_that_was_written_anew_is_found_by_a_head_noted_before(past: Past) -> None:
    """With hashes that fit, only what was kept elsewhere tells; a record cut short is told by it too."""
    noted = (await verified(past)).head
    assert (await verified(past, expected=noted)).sound
    events = list(await past.on.events())
    events[-1] = replace(events[-1], actor="token:innocent")
    rechained(events, len(events) - 1)
    keep(past.on.store, events)
    assert (await verified(past)).sound
    report = await verified(past, expected=noted)
    assert [(each.check, each.position) for each in report.findings] == [(Check.HEAD, noted.position)]
    keep(past.on.store, events[:-1])
    assert Check.HEAD in [each.check for each in (await verified(past, expected=noted)).findings]


async def test_a_late_beginning_believes_what_is_before_and_checks_the_rest(past: Past) -> None:
    """Versions go on from those before; a change before the beginning is not looked at, one after it is found."""
    events = await past.on.events()
    report = await verified(past, after=events[7].position)
    assert (report.findings, report.whole, report.events) == ((), False, len(events) - 8)
    tamper(past, events[3].position, CHANGES["the actor"])
    assert (await verified(past, after=events[7].position)).sound
    tamper(past, events[9].position, CHANGES["the actor"])
    assert [each.position for each in (await verified(past, after=events[7].position)).findings] == [events[9].position]


async def test_bytes_that_nobody_can_read_are_an_events_fault(past: Past) -> None:
    """They break the chain too, and what they meant is missing from the rows."""
    position = past.story.mounted
    tamper(past, position, lambda e: replace(e, state=b"\xff" + e.state))
    report = await verified(past)
    assert (Check.EVENTS, position) in [(each.check, each.position) for each in report.findings]
    assert "cannot be read" in " ".join(each.line for each in report.findings)


async def test_the_register_of_names_must_be_what_events_make_it(past: Past) -> None:
    """A name that no event took, one that is missing, and a wrong count each are said."""
    names = past.on.store._names
    uses = [NameUse("backend", "coco", "s3|nowhere"), NameUse("team", "sight", str(past.story.vision), -1)]
    past.on.store._names = MemoryNames(names._used).after(uses)
    words = [each.line for each in (await verified(past)).findings]
    assert len(words) == 2
    assert "events say, and the register does not, that the team name 'sight'" in words[0]
    assert "the register says, and no event does, that the backend name 'coco'" in words[1]


async def test_backends_names_are_counted_as_often_as_they_are_used(past: Past) -> None:
    """One more use of a name that is there is a difference, not a new name."""
    fingerprint = "s3|endpoint=https://s3.example|bucket=imagenet|prefix="
    names = past.on.store._names
    past.on.store._names = names.after([NameUse("backend", "imagenet", fingerprint)])
    findings = (await verified(past)).findings
    assert ["used 2 times" in each.words for each in findings] == [False, True]


async def test_who_was_the_first_admin_is_known_once_and_for_all(past: Past) -> None:
    """The name that keeps a second first token from being made belongs to an admin's token and may not vanish."""
    call = replace(past.on.call(), principal=Principal("system:bootstrap", Role.ADMIN))
    await past.on.plane.tokens.create_first(call, make_secret(uuid4(), bytes(32)))
    assert (await verified(past)).sound
    ((key, (owner, _)),) = [item for item in past.on.store._names._used.items() if item[0][0] == "bootstrap"]
    past.on.store._names._used[key] = (str(past.story.token), 1)  # a viewer's
    assert [each.check for each in (await verified(past)).findings] == [Check.NAMES]
    del past.on.store._names._used[key]
    assert "another could be made" in (await verified(past)).findings[0].words
    past.on.store._names._used[key] = (owner, 1)
    assert (await verified(past)).sound


async def snapshot_of(past: Past, stream: UUID) -> StoredSnapshot:
    """Take the newest snapshot as the plane would."""
    aggregate = await aggregate_at(past.on.store, past.codec, stream)
    assert aggregate is not None
    return past.codec.snapshot(aggregate, at=past.on.now())


async def test_a_snapshot_must_be_what_its_events_make(past: Past) -> None:
    """An honest one is sound; one that lies, that is ahead of its events, or that nobody can read is found."""
    first = await snapshot_of(past, past.story.training)
    await past.on.store.keep(first)
    await past.on.plane.namespaces.seal(past.on.call(), "training")
    second = await snapshot_of(past, past.story.training_again)
    await past.on.store.keep(second)
    report = await verified(past)
    assert (report.findings, report.snapshots) == ((), 2)
    lies = {
        "_sealed differs": replace(second, state=second.state.replace(b'"_sealed":true', b'"_sealed":false')),
        "stands for events that are not there": replace(first, stream=uuid4()),
        "cannot be read": replace(first, state=b"{"),
    }
    for words, lie in lies.items():
        past.on.store._snapshots = {lie.stream: {lie.version: lie}}
        findings = (await verified(past)).findings
        assert [each.check for each in findings] == [Check.SNAPSHOTS], words
        assert words in findings[0].words


ROWS: dict[str, Callable[[Past], RowChange]] = {
    "differs": lambda past: PatchRow("namespaces", {"id": str(past.story.training_again)}, {"sealed": True}),
    "missing": lambda past: RemoveRow("teams", {"id": str(past.story.vision)}),
    "no event": lambda _: PutRow("team_members", {"team_id": "nobody", "principal": "eve"}),
}


@pytest.mark.parametrize("what", sorted(ROWS))
async def test_read_models_must_be_what_events_make_them(past: Past, what: str) -> None:
    """A changed, a missing and an invented row are each found."""
    past.on.models._live._rows.apply([ROWS[what](past)])
    report = await verified(past)
    assert [each.check for each in report.findings] == [Check.ROWS]
    assert what in report.findings[0].words


async def test_read_models_that_lag_are_compared_as_of_their_position(past: Past) -> None:
    """A projector that is behind is not a fault."""
    await MemoryEventStore.append(past.on.store, await _unprojected(past))
    assert await past.on.models.position() < await past.on.store.head()
    assert (await verified(past)).sound


async def test_events_of_newer_software_are_counted_and_not_blamed(past: Past) -> None:
    """Their hashes are checked; what they mean is not known."""
    append = await _unprojected(past)
    strange = replace(append, events=[replace(append.events[0], topic="warpdrive.volume:Created.v1")])
    await MemoryEventStore.append(past.on.store, strange)
    report = await verified(past)
    assert (report.findings, report.unknown) == ((), 1)


async def test_findings_beyond_a_thousand_are_counted(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is wrong everywhere does not fill the memory with words."""
    monkeypatch.setattr("warpdrive.application.audit.verification.MOST_FINDINGS", 2)
    keep(past.on.store, [replace(event, actor="eve") for event in past.on.store._events])
    report = await verified(past)
    assert len(report.findings) == 2
    assert report.dropped >= len(past.on.store._events) - 2


async def _unprojected(past: Past) -> Append:
    """Make an append that goes past the projector: a team without a name in the register would be found, a seal not."""
    namespace = await aggregate_at(past.on.store, past.codec, past.story.training_again)
    assert isinstance(namespace, Namespace)
    namespace.seal(at=past.on.now())
    (event,) = namespace.collect_events()
    assert isinstance(event, Namespace.Sealed)
    encoded = past.codec.encode(event)
    return Append(CommandFacts(uuid4(), bytes(32), "token:a"), encoded.stream, encoded.version, [encoded])
