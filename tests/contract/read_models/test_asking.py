"""What queries can ask of the read models."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.read_models.conftest import Kept
from tests.golden.lives import LIVES
from tests.support.recording import pending, recorded
from warpdrive.application.ports.read_models import PutRow
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.expected import ExpectedRows
from warpdrive.application.projections.projecting import Projecting
from warpdrive.application.projections.tables import TABLES

HOSTILE = "x'; DROP TABLE read_model.team_members; --"


def rule(backend: str, prefix: str, team: str = "1") -> dict[str, Any]:
    """Make a row of three texts."""
    return {"team_id": team, "backend": backend, "prefix": prefix}


async def put(kept: Kept, table: str, *rows: Mapping[str, Any]) -> None:
    """Put rows in one step."""
    async with kept.writer.running() as target:
        assert target is not None
        await target.apply([PutRow(table, row) for row in rows], position=await target.position() + 1)


async def test_rows_come_back_as_they_were_put(kept: Kept) -> None:
    """Every table, with values of every shape: big numbers, texts of any script, moments, nothing, lists, mappings."""
    projecting, expected = Projecting(EventCodec()), ExpectedRows()
    position = 0
    async with kept.writer.running() as target:
        assert target is not None
        for life in LIVES.values():
            records = recorded(pending(life()), after=position)
            # The whole life but its last third: what is taken back would not be seen.
            records = records[: len(records) * 2 // 3]
            changes = [change for record in records for change in projecting.changes(record)]
            position = records[-1].position
            expected.apply(changes)
            await target.apply(changes, position=position)
    for name, table in TABLES.items():
        rows = list(await kept.models.rows(name, order=table.key))
        assert rows == sorted(expected.rows(name), key=lambda row: [row[column] for column in table.key])
        for row in rows:
            assert await kept.models.row(name, {column: row[column] for column in table.key}) == row
    assert await kept.models.position() == position


async def test_there_is_nothing_at_first(kept: Kept) -> None:
    """No rows, position 0."""
    assert await kept.models.position() == 0
    assert await kept.models.row("teams", {"id": "1"}) is None
    assert list(await kept.models.rows("teams", order=("name", "id"))) == []


async def test_rows_are_ordered_by_code_points(kept: Kept) -> None:
    """So that a page begins where another process's ended, whatever the server's language is."""
    prefixes = ["", "B/", "a/", "a/b/", "b/", "ä/", "日/"]
    await put(kept, "ownership_rules", *(rule("s3", prefix) for prefix in reversed(prefixes)))
    rows = await kept.models.rows("ownership_rules", order=("prefix", "backend", "team_id"))
    assert [row["prefix"] for row in rows] == prefixes


async def test_pages_follow_each_other_without_gap_or_repetition(kept: Kept) -> None:
    """Each begins after the last row of the one before, by all columns of the order."""
    rows = [rule(backend, prefix) for backend in ("*", "gcs", "s3") for prefix in ("", "a/", "b/")]
    await put(kept, "ownership_rules", *rows)
    seen: list[Mapping[str, Any]] = []
    order = ("backend", "prefix")
    while page := await kept.models.rows(
        "ownership_rules", order=order, after=[seen[-1][column] for column in order] if seen else None, limit=2
    ):
        assert len(page) <= 2
        seen += page
    assert seen == rows


async def test_where_means_equal_or_any_of(kept: Kept) -> None:
    """One value, several, none of them, and hostile ones, which are values like others."""
    rows = [rule("*", ""), rule("gcs", ""), rule("s3", ""), rule(HOSTILE, "")]
    await put(kept, "ownership_rules", *rows)

    async def backends(**where: Any) -> list[str]:
        found = await kept.models.rows("ownership_rules", where=where, order=("backend", "prefix", "team_id"))
        return [row["backend"] for row in found]

    assert await backends(backend="s3") == ["s3"]
    assert await backends(backend=["s3", "*", "never"], prefix="") == ["*", "s3"]
    assert await backends(backend=("s3",)) == ["s3"]
    assert await backends(backend=[]) == []
    assert await backends(backend=HOSTILE) == [HOSTILE]
    assert await backends(prefix="a/") == []


async def test_where_takes_numbers_truths_and_nothing(kept: Kept) -> None:
    """Columns of every kind but lists and mappings can be asked for."""
    changes = Projecting(EventCodec()).changes(recorded(pending(LIVES["quota"]()))[0])
    assert isinstance(changes[0], PutRow)
    row = dict(changes[0].row)
    await put(kept, "quotas", row, {**row, "id": "2", "usage": 2**63 - 1, "removed": True})

    async def ids(**where: Any) -> list[str]:
        return [found["id"] for found in await kept.models.rows("quotas", where=where, order=("id",))]

    assert await ids(usage=None) == [row["id"]]
    assert await ids(usage=2**63 - 1) == ["2"]
    assert await ids(usage=2**63) == []
    assert await ids(removed=False, soft=row["soft"]) == [row["id"]]
    assert await ids(updated_at=row["updated_at"]) == sorted([row["id"], "2"])


@pytest.mark.parametrize("text", ["a\0b", "\udcff", "\ud800x"])
async def test_what_no_row_can_hold_is_not_found(kept: Kept, text: str) -> None:
    """Texts that the database would refuse even to compare."""
    await put(kept, "team_members", {"team_id": "1", "principal": "ann"})
    assert await kept.models.row("team_members", {"team_id": "1", "principal": text}) is None
    found = await kept.models.rows("team_members", where={"principal": [text, "ann"]}, order=("principal",))
    assert [row["principal"] for row in found] == ["ann"]


async def test_only_tables_and_columns_that_there_are_can_be_asked(kept: Kept) -> None:
    """A name from outside never gets into a statement."""
    with pytest.raises(KeyError):
        await kept.models.rows("pg_authid", order=())
    for where, order, after in (
        ({HOSTILE: "1"}, ("id",), None),
        ({"namespaces": "a"}, ("id",), None),
        ({}, (HOSTILE,), None),
        ({}, ("expires_at",), None),
        ({}, ("id",), ("1", "2")),
    ):
        with pytest.raises(ValueError, match=r"tokens|after"):
            await kept.models.rows("tokens", where=where, order=order, after=after)
