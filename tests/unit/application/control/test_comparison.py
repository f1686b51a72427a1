"""The background check: right rows pass, each wrong one is found, told and counted."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from tests.golden.lives import LIVES
from tests.support.random_lives import START
from tests.support.recording import append_of, pending
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.adapters.store.memory.read_models import MemoryReadModels
from warpdrive.application.control.comparison import Comparison
from warpdrive.application.control.rebuilding import Rebuilding
from warpdrive.application.ports.event_store import Append, CommandFacts, NewEvent
from warpdrive.application.ports.read_models import PatchRow, PutRow, RemoveRow, RowChange
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.team.aggregate import Team
from warpdrive.domain.team.values import OwnershipRule


class Bench:
    """Events, rows and a check whose dice are loaded."""

    def __init__(self) -> None:
        self.store = MemoryEventStore()
        self.models = MemoryReadModels()
        self.throw = 0
        self.comparison = Comparison(self.store, self.models, EventCodec(), below=lambda most: self.throw % most)

    async def written(self) -> Team:
        """Append a life of each aggregate and a team with rows of every kind; project them."""
        for life in LIVES.values():
            await self.store.append(append_of(pending(life()), stream=uuid4()))
        team = Team.create(uuid4(), "team", at=START)
        team.add_member("ann", at=START)
        team.add_ownership_rule(OwnershipRule("s3", "a/"), at=START)
        await self.store.append(append_of(pending(team)))
        await Rebuilding(self.store, self.models, EventCodec()).run()
        return team

    async def tamper(self, *changes: RowChange) -> None:
        """Change rows without an event; nothing else moves."""
        async with self.models.running() as target:
            assert target is not None
            await target.apply(changes, position=await target.position() + 1)


async def test_right_rows_of_every_stream_pass() -> None:
    """Whichever event the dice choose."""
    bench = Bench()
    await bench.written()
    for throw in range(await bench.models.position()):
        bench.throw = throw
        assert not await bench.comparison.check_one()
    assert bench.comparison.checked == await bench.models.position()
    assert bench.comparison.differing == 0


async def test_without_events_there_is_nothing_to_check() -> None:
    """Nor when all events are somebody else's."""
    bench = Bench()
    assert not await bench.comparison.check_one()
    event = NewEvent(uuid4(), 1, "examples.dogs:Registered", b"{}")
    await bench.store.append(Append(CommandFacts(uuid4(), bytes(32), "somebody"), event.stream, 1, [event]))
    await bench.tamper()
    assert not await bench.comparison.check_one()
    assert bench.comparison.checked == 0


@pytest.mark.parametrize(
    ("table", "key", "change", "words"),
    [
        ("teams", {}, {"name": "other"}, "name differs"),
        ("teams", {}, None, "the row is missing"),
        ("team_members", {"principal": "ann"}, None, "the row is missing"),
        ("team_members", {"principal": "eve"}, {}, "no event made this row"),
        ("ownership_rules", {"backend": "s3", "prefix": "a/"}, None, "the row is missing"),
    ],
)
async def test_a_wrong_row_is_found(
    table: str, key: Mapping[str, str], change: Mapping[str, Any] | None, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Changed, missing or made up: told with its table and what is wrong, and counted once a check."""
    bench = Bench()
    team = await bench.written()
    whole = {"id" if table == "teams" else "team_id": str(team.id), **key}
    if change is None:
        await bench.tamper(RemoveRow(table, whole))
    elif change:
        await bench.tamper(PatchRow(table, whole, change))
    else:
        await bench.tamper(PutRow(table, whole))
    found = await bench.comparison.check(team.id, "warpdrive.team:Created.v1")
    assert [each.table for each in found] == [table]
    assert words in str(found[0])
    assert table in caplog.text
    assert (bench.comparison.checked, bench.comparison.differing) == (1, 1)


async def test_a_row_that_lags_behind_its_position_is_found() -> None:
    """The read models say that they are there, and one stream's events were never applied."""
    bench = Bench()
    team = await bench.written()
    team.collect_events()
    team.add_member("bob", at=START)
    await bench.store.append(append_of(pending(team)))
    await bench.tamper()  # moves the position past the event without applying it
    found = await bench.comparison.check(team.id, "warpdrive.team:Created.v1")
    assert [each.table for each in found] == ["team_members", "teams"]


async def test_rows_behind_events_that_come_later_are_right() -> None:
    """What the read models have not reached yet is no difference."""
    bench = Bench()
    team = await bench.written()
    team.collect_events()
    team.add_member("bob", at=START)
    await bench.store.append(append_of(pending(team)))
    assert await bench.comparison.check(team.id, "warpdrive.team:Created.v1") == []
    assert bench.comparison.checked == 1


async def test_events_that_were_written_by_others_under_our_names_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be folded stops neither the check nor the process."""
    bench = Bench()
    team = await bench.written()
    version = team.version
    facts = CommandFacts(uuid4(), bytes(32), "somebody")
    events = [NewEvent(team.id, version + 1, "warpdrive.team:Renamed.v1", b'{"timestamp": "x"}')]
    await bench.store.append(Append(facts, team.id, version + 1, events))
    await bench.tamper()
    await bench.comparison.check(team.id, "warpdrive.team:Created.v1")
    assert bench.comparison.checked == 1
    assert "was left out" in caplog.text
    assert "does not fit its stream" in caplog.text
