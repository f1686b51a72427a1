"""Events to row changes: nothing forgotten, and the rows are what the aggregates say."""

import inspect
from collections.abc import Iterator
from dataclasses import replace

import pytest
from eventsourcing.domain import Aggregate
from hypothesis import given

from tests.golden.lives import LIVES
from tests.support.random_lives import interleaved
from tests.support.recording import ACTOR, pending, recorded
from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PatchRow, PutRow, RowChange
from warpdrive.application.projections.aggregate_rows import aggregate_rows
from warpdrive.application.projections.changes import row_changes
from warpdrive.application.projections.codec import AGGREGATES, EventCodec
from warpdrive.application.projections.expected import ExpectedRows, differences
from warpdrive.application.projections.projecting import Projecting
from warpdrive.application.projections.tables import FAMILIES, TABLES


def events_of(kind: type[Aggregate]) -> set[str]:
    """Name every event class that an aggregate declares itself."""
    return {
        member.__qualname__
        for member in vars(kind).values()
        if inspect.isclass(member) and issubclass(member, Aggregate.Event) and "TOPIC" in vars(member)
    }


def changes_of(records: list[RecordedEvent]) -> Iterator[RowChange]:
    """Project records."""
    codec = EventCodec()
    for record in records:
        yield from row_changes(codec.decode(record), record)


@pytest.mark.parametrize("kind", sorted(AGGREGATES))
def test_every_event_has_row_changes(kind: str) -> None:
    """A life with every event of the aggregate is projected without one that is forgotten."""
    life = LIVES[kind]()
    assert {type(event).__qualname__ for event in pending(life)} == events_of(AGGREGATES[kind])
    for record in recorded(pending(life)):
        assert row_changes(EventCodec().decode(record), record)


@pytest.mark.parametrize("kind", sorted(AGGREGATES))
def test_after_every_event_the_rows_are_what_the_aggregate_says(kind: str) -> None:
    """Whatever has happened until then: projecting the events and asking the aggregate give the same rows."""
    codec, rows = EventCodec(), ExpectedRows()
    aggregate: Aggregate | None = None
    for record in recorded(pending(LIVES[kind]())):
        rows.apply(row_changes(codec.decode(record), record))
        aggregate = codec.fold([record], aggregate)
        assert aggregate is not None
        assert differences(aggregate_rows(aggregate), rows.by_key()) == []
        (stamped,) = rows.rows(FAMILIES[kind][0].name)
        assert (stamped["version"], stamped["position"]) == (record.version, record.position)


@given(interleaved())
def test_random_commands_make_the_rows_that_their_aggregates_say(
    drawn: tuple[list[Aggregate], list[Aggregate.Event]],
) -> None:
    """Streams do not disturb each other, in whichever order their events come."""
    aggregates, events = drawn
    rows = ExpectedRows()
    rows.apply(changes_of(recorded(events)))
    expected = {
        key: row for each in {one.id: one for one in aggregates}.values() for key, row in aggregate_rows(each).items()
    }
    assert differences(expected, rows.by_key()) == []


@pytest.mark.parametrize("kind", sorted(AGGREGATES))
def test_rows_have_exactly_the_columns_of_their_tables(kind: str) -> None:
    """A whole row has every column, and a patch none that there is not and none of the key."""
    for change in changes_of(recorded(pending(LIVES[kind]()))):
        table = TABLES[change.table]
        assert table in FAMILIES[kind]
        if isinstance(change, PutRow):
            assert change.row.keys() == table.columns.keys()
            continue
        assert change.key.keys() == set(table.key)
        if isinstance(change, PatchRow):
            assert change.changes.keys() <= table.columns.keys() - set(table.key)


def test_who_issued_a_token_is_the_record_s_actor() -> None:
    """The aggregate decides without knowing who asks; the record knows."""
    rows = ExpectedRows()
    rows.apply(changes_of(recorded(pending(LIVES["token"]()))))
    (token,) = rows.rows("tokens")
    assert token["created_by"] == ACTOR


def test_topics_of_others_are_left_out_and_counted() -> None:
    """Newer software's events, and those that somebody else stored in the same tables, concern no row."""
    (first, *_) = recorded(pending(LIVES["team"]()))
    projecting = Projecting(EventCodec())
    for topic in ("warpdrive.team:Merged.v7", "warpdrive.lease:Given.v1", "examples.dogs:Registered", "nonsense", ""):
        assert projecting.changes(replace(first, topic=topic)) == ()
    assert (projecting.projected, projecting.unknown, projecting.unreadable) == (0, 5, 0)


def test_a_topic_of_ours_that_names_no_event_is_left_out() -> None:
    """Aggregates have topics too; nothing is recorded under one."""
    (first, *_) = recorded(pending(LIVES["team"]()))
    projecting = Projecting(EventCodec())
    assert projecting.changes(replace(first, topic="warpdrive.team:Team")) == ()
    assert projecting.unreadable == 1


@pytest.mark.parametrize(
    "state",
    [b"", b"{", b"[]", b"{}", b"\xff", b'{"timestamp": 5}', b'{"entry": "x", "timestamp": 5, "class_version": 2}'],
)
def test_an_event_of_ours_that_cannot_be_read_is_left_out_and_told(
    state: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """One damaged event stops nothing; the log says where it is."""
    record = recorded(pending(LIVES["namespace"]()))[1]
    projecting = Projecting(EventCodec())
    assert projecting.changes(replace(record, state=state)) == ()
    assert (projecting.projected, projecting.unknown, projecting.unreadable) == (0, 0, 1)
    assert f"position {record.position}" in caplog.text


@pytest.mark.parametrize(
    ("kind", "number", "before", "after"),
    [
        ("team", 0, '"vision"', '"vi\\ud800sion"'),
        ("team", 0, '"vision"', '"vi\\u0000sion"'),
        ("team", 0, '"vision"', "null"),
        ("quota", 2, "500", "9223372036854775808"),
        ("quota", 2, "500", '"500"'),
        ("token", 0, '"speech"', "7"),
        ("namespace", 1, '"2012/"', "7"),
    ],
)
def test_an_event_with_values_that_no_row_can_hold_is_left_out(kind: str, number: int, before: str, after: str) -> None:
    """The database would refuse the step at every attempt, and stand still for ever."""
    record = recorded(pending(LIVES[kind]()))[number]
    text = record.state.decode()
    assert before in text
    projecting = Projecting(EventCodec())
    assert projecting.changes(replace(record, state=text.replace(before, after).encode())) == ()
    assert projecting.unreadable == 1
