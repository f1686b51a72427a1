"""An export: every field that the chain covers, files of bounded length, a manifest that says what they must be."""

import json
from dataclasses import replace
from hashlib import sha256

from tests.unit.application.audit.conftest import Past
from warpdrive.application.audit.exporting import Export, event_line, span_of
from warpdrive.application.projections.chain import BEGINNING, chain_hash
from warpdrive.entrypoints.replay.check import event_hash


async def test_the_shipped_program_computes_the_chain_from_lines_alone(past: Past) -> None:
    """Its recipe and ours are one: every hash comes out, also of an event without a command or with odd bytes."""
    previous = BEGINNING
    events = await past.on.events()
    for event in events:
        line = json.loads(event_line(event))
        assert event_hash(previous, line) == event.hash
        previous = event.hash
    odd = replace(events[-1], command_id=None, state=b"\xff\x00", actor="Zoë\n")
    line = json.loads(event_line(odd))
    assert "state" not in line
    assert event_hash(previous, line) == chain_hash(previous, odd)


async def test_files_have_so_many_events_and_the_manifest_describes_each(past: Past) -> None:
    """Lines in order, one event each; counts, positions, sizes and digests fit what was given to write."""
    events = await past.on.events()
    export = Export(past.on.store, await span_of(past.on.store, since=None, until=None), 10)
    written: dict[str, bytes] = {}
    async for name, line in export.lines():
        written[name] = written.get(name, b"") + line
    manifest = export.manifest(past.on.now(), "tests")
    assert [entry["events"] for entry in manifest["files"]] == [10, 10, len(events) - 20]
    for entry in manifest["files"]:
        assert sha256(written[entry["name"]]).hexdigest() == entry["sha256"]
        assert len(written[entry["name"]]) == entry["bytes"]
    positions = [json.loads(line)["position"] for content in written.values() for line in content.splitlines()]
    assert positions == [event.position for event in events]
    assert manifest["head_hash"] == events[-1].hash.hex()
    assert manifest["previous_hash"] == BEGINNING.hex()


async def test_a_part_begins_with_the_hash_of_what_is_before_it(past: Past) -> None:
    """So its chain can be computed without the events before; both ends are inclusive."""
    events = await past.on.events()
    span = await span_of(past.on.store, since=events[4].position, until=events[8].recorded_at)
    export = Export(past.on.store, span, 100)
    lines = [line async for _, line in export.lines()]
    assert export.manifest(past.on.now(), "tests")["previous_hash"] == events[3].hash.hex()
    upto = max(event.position for event in events if event.recorded_at <= events[8].recorded_at)
    assert [json.loads(line)["position"] for line in lines] == list(range(events[4].position, upto + 1))


async def test_an_export_of_nothing_says_so(past: Past) -> None:
    """A span after the end has no files and the head that was there."""
    head = await past.on.store.head()
    export = Export(past.on.store, await span_of(past.on.store, since=head + 1, until=None), 100)
    assert [line async for line in export.lines()] == []
    manifest = export.manifest(past.on.now(), "tests")
    assert (manifest["events"], manifest["files"]) == (0, [])
    assert manifest["head_hash"] == (await past.on.events())[-1].hash.hex()
