"""Stored bytes of every event: what was ever written loads for ever, and today's code writes the same.

A changed event gets a new file (and an upcaster or a new topic); a file that was released is never changed.
"""

from pathlib import Path
from typing import Any

import pytest
from eventsourcing.domain import Aggregate

from tests.golden.lives import LIVES
from tests.golden.stored import GOLDEN, every_file, files_of, first_files_of, load, written_now
from tests.support.replay import mapper, state_of

DOMAIN = Path(__file__).parents[2] / "src" / "warpdrive" / "domain"


def name_of(path: Path) -> str:
    """Name a golden file in a test's id."""
    return f"{path.parent.name}/{path.stem}"


def fold(files: list[Path]) -> list[dict[str, object]]:
    """Replay stored events, keeping the state after each."""
    aggregate: Aggregate | None = None
    states = []
    for path in files:
        event: Any = mapper().to_domain_event(load(path))
        aggregate = event.mutate(aggregate)
        assert aggregate is not None
        states.append(dict(state_of(aggregate)))
    return states


def test_every_aggregate_has_a_life() -> None:
    """A room with an aggregate cannot be forgotten here."""
    assert {path.parent.name for path in DOMAIN.glob("*/aggregate.py")} == set(LIVES)


@pytest.mark.parametrize("room", LIVES)
def test_every_kind_of_event_has_its_bytes(room: str) -> None:
    """Every event class that can be stored is in a golden file, in its newest class version."""
    kind = type(LIVES[room]())
    topics = {event.TOPIC for event in vars(kind).values() if isinstance(event, type) and hasattr(event, "TOPIC")}
    assert topics == {load(path).topic for path in files_of(room)}
    assert all(topic.startswith(f"warpdrive.{room}:") and topic.endswith(".v1") for topic in topics)
    assert vars(kind)["TOPIC"] == f"warpdrive.{room}:{kind.__name__}"


@pytest.mark.parametrize("path", every_file(), ids=name_of)
def test_stored_bytes_load_for_ever(path: Path) -> None:
    """Every stored event of every class version becomes an event of the class that its topic names."""
    stored = load(path)
    event = mapper().to_domain_event(stored)
    assert (event.originator_id, event.originator_version) == (stored.originator_id, stored.originator_version)
    assert stored.topic == type(event).TOPIC  # type: ignore[attr-defined] # every event of ours has one
    assert "class_version" not in vars(event)


@pytest.mark.parametrize("room", LIVES)
def test_stored_bytes_replay_to_the_state_that_was(room: str) -> None:
    """The stored life ends in the state in which today's commands end it, whichever class version was stored."""
    now = state_of(LIVES[room]())
    states = fold(files_of(room))
    assert [state["_version"] for state in states] == list(range(1, len(states) + 1))
    assert states[-1] == now
    assert fold(first_files_of(room)) == states


@pytest.mark.parametrize("room", LIVES)
def test_the_code_of_today_writes_the_same_bytes(room: str) -> None:
    """A change of event fields shows here first, before it reaches a store."""
    kept = {path.name: load(path) for path in files_of(room)}
    assert dict(written_now(LIVES[room]())) == kept


def test_no_file_is_left_over() -> None:
    """Every file in the rooms is an event or a snapshot, so that none is kept and never read."""
    known = {*every_file(), *GOLDEN.glob("*/snapshot-*.json")}
    assert {path for path in GOLDEN.glob("*/*") if path.suffix == ".json"} == known
