"""Who holds how much, by what teams own and by who reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.filled_warehouse import DAY, MOMENT, PlainBackend, PlainObject, PlainUse
from tests.support.governed_plane import GovernedPlane
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.usage import MOST_GROUPS, UsageView


async def asked(on: GovernedPlane, **question: Any) -> UsageView:
    """Ask, and see that rows, shares and totals fit each other."""
    done = await on.plane.usage.get(on.call(), **question)
    view = done.value
    assert sum(row.bytes for row in view.rows) == view.total_bytes
    assert sum(row.objects for row in view.rows) == view.total_objects
    assert sum(row.share for row in view.rows) == pytest.approx(1.0 if view.total_bytes else 0.0)
    assert done.position == view.as_of.position
    return view


def told(view: UsageView) -> list[tuple[str, str, int, int]]:
    """Return the rows' names, kinds, objects and bytes."""
    return [(row.name, row.kind, row.objects, row.bytes) for row in view.rows]


@pytest.fixture
async def on() -> GovernedPlane:
    """A warehouse with one object of each kind of owner, one deleted, and one in a backend that is no more."""
    on = GovernedPlane()
    vision, speech = await on.team("vision", ["ann", "bob"]), await on.team("speech", ["ann"])
    both = tuple(sorted((vision, speech)))
    on.facts.backends += [PlainBackend("gone", present=False), PlainBackend("empty")]
    on.facts.objects += [
        PlainObject("lake", "raw/a", 100, owners=(vision,)),
        PlainObject("lake", "raw/deep/b", 11, owners=both),
        PlainObject("below", "c", 7, storage_class="cold"),
        PlainObject("gone", "raw/d", 1000, owners=(speech,)),
        PlainObject("lake", "raw/e", 5000, owners=(vision,), deleted_at=MOMENT),
    ]
    return on


async def test_every_indexed_byte_is_somebodys_or_nobodys(on: GovernedPlane) -> None:
    """Largest first, nobody's last; what two teams own is split, what was deleted is not there."""
    on.fill()
    view = await asked(on)
    first, second = sorted((on.ids["vision"], on.ids["speech"]))
    half = {first: 6, second: 5}
    assert told(view) == [
        ("speech", "team", 1 + (first == on.ids["speech"]), 1000 + half[on.ids["speech"]]),
        ("vision", "team", 1 + (first == on.ids["vision"]), 100 + half[on.ids["vision"]]),
        ("", "unattributed", 1, 7),
    ]
    assert [row.id for row in view.rows] == [on.ids["speech"], on.ids["vision"], ""]
    assert (view.total_bytes, view.basis) == (1118, "owner")
    assert "split evenly" in view.rule


async def test_a_backend_that_is_no_more_still_counts(on: GovernedPlane) -> None:
    """And one that holds nothing has no row."""
    on.fill()
    assert told(await asked(on, group_by="backend")) == [
        ("gone", "backend", 1, 1000),
        ("lake", "backend", 2, 111),
        ("below", "backend", 1, 7),
    ]
    assert told(await asked(on, group_by="team", backend="empty")) == []


async def test_filters_narrow_what_is_counted(on: GovernedPlane) -> None:
    """Backend, team and the beginning of the key, which is below the backend's own prefix; all together too."""
    on.fill()
    by_team = {row.name: row.bytes for row in (await asked(on)).rows}
    mine = await asked(on, group_by="backend", team="vision")
    assert mine.total_bytes == by_team["vision"]
    assert told(await asked(on, team="vision"))[0][:2] == ("vision", "team")
    assert (await asked(on, prefix="raw/")).total_bytes == 1111
    assert told(await asked(on, prefix="c")) == [("", "unattributed", 1, 7)]
    assert (await asked(on, prefix="p/")).total_bytes == 0
    assert (await asked(on, prefix="raw/", backend="lake", team="vision")).total_bytes == by_team["vision"]


async def test_prefixes_group_by_parts_of_the_key(on: GovernedPlane) -> None:
    """Only directories are parts; keys with fewer are counted where they lie."""
    on.fill()
    view = await asked(on, group_by="prefix", backend="lake", depth=2)
    assert told(view) == [("raw/", "prefix", 1, 100), ("raw/deep/", "prefix", 1, 11)]
    assert told(await asked(on, group_by="prefix", backend="lake")) == [("raw/", "prefix", 2, 111)]
    assert told(await asked(on, group_by="prefix", backend="below")) == [("", "prefix", 1, 7)]


async def test_readers_share_what_they_read(on: GovernedPlane) -> None:
    """A user in two teams counts for both, users in none are one sharer, and what nobody read is a row of its own."""
    on.facts.uses += [
        PlainUse("ann", DAY, "lake", "raw/a"),
        PlainUse("eve", DAY, "lake", "raw/a"),
        PlainUse("joe", DAY - timedelta(days=30), "lake", "raw/a"),
        PlainUse("bob", DAY - timedelta(days=31), "below", "c"),
        PlainUse("bob", DAY, "lake", "raw/e"),
    ]
    on.fill()
    assert (await asked(on, basis="reader")).as_of.readers_counted_at is None, "never counted is not zero"
    await on.count_readers()
    view = await asked(on, basis="reader")
    assert sorted(told(view)) == sorted(
        [
            ("vision", "team", 0, 33),
            ("speech", "team", 0, 33),
            ("", "unattributed", 1, 34),
            ("", "unread", 3, 1018),
        ]
    )
    assert view.as_of.readers_counted_at == on.now()
    assert view.as_of.coverage is not None
    by_user = await asked(on, group_by="user")
    assert told(by_user) == [
        ("ann", "user", 1, 34),
        ("eve", "user", 0, 33),
        ("joe", "user", 0, 33),
        ("", "unread", 3, 1018),
    ]
    wider = await asked(on, group_by="user", days=90)
    assert ("bob", "user", 1, 7) in told(wider)
    by_backend = await asked(on, group_by="backend", basis="reader")
    assert told(by_backend) == [("lake", "backend", 1, 100), ("", "unread", 3, 1018)]


async def test_of_one_team_only_its_readers_share_is_shown(on: GovernedPlane) -> None:
    """By backend its own share; by user the shares of its members, whatever other teams they are in."""
    on.facts.uses += [PlainUse("ann", DAY, "lake", "raw/a"), PlainUse("joe", DAY, "lake", "raw/a")]
    on.fill()
    await on.count_readers()
    assert [row[3] for row in told(await asked(on, basis="reader", team="vision", group_by="backend"))] == [33]
    assert told(await asked(on, basis="reader", team="vision"))[0][:2] == ("vision", "team")
    assert told(await asked(on, group_by="user", team="vision")) == [("ann", "user", 1, 50)]
    assert told(await asked(on, group_by="user", backend="below")) == [("", "unread", 1, 7)]


async def test_a_day_is_utcs_whatever_zone_a_moment_is_in(on: GovernedPlane) -> None:
    """Readers of the thirtieth day before count, seen from any zone."""
    on.facts.uses.append(PlainUse("ann", DAY - timedelta(days=30), "lake", "raw/a"))
    on.fill()
    on.clock.set_wall(datetime(DAY.year, DAY.month, DAY.day, 23, 59, 59, tzinfo=UTC).timestamp())
    await on.count_readers()
    assert told(await asked(on, group_by="user"))[0] == ("ann", "user", 1, 100)
    on.clock.advance(1)
    await on.count_readers()
    assert told(await asked(on, group_by="user"))[0][1] == "unread"


async def test_a_renamed_team_keeps_what_it_owns_and_a_disbanded_one_shows_its_id(on: GovernedPlane) -> None:
    """Until its objects are attributed anew."""
    on.fill()
    await on.plane.teams.rename(on.call(), "vision", "sight")
    assert {"sight", "speech"} <= {row.name for row in (await asked(on)).rows}
    await on.plane.teams.disband(on.call(), "sight")
    assert on.ids["vision"] in {row.name for row in (await asked(on)).rows}
    with pytest.raises(NotFound):
        await asked(on, team="sight")


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"group_by": "colour"}, "group_by"),
        ({"basis": "writer"}, "basis"),
        ({"group_by": "user", "basis": "owner"}, "basis"),
        ({"days": 30}, "days"),
        ({"basis": "reader", "days": 31}, "days"),
        ({"basis": "reader", "prefix": "raw/"}, "prefix"),
        ({"basis": "reader", "group_by": "prefix", "backend": "lake"}, "group_by"),
        ({"group_by": "prefix"}, "backend"),
        ({"group_by": "prefix", "backend": "lake", "depth": -1}, "depth"),
        ({"group_by": "prefix", "backend": "lake", "depth": 33}, "depth"),
    ],
)
async def test_what_has_no_answer_is_refused(on: GovernedPlane, question: dict[str, Any], field: str) -> None:
    """With the field that has to change."""
    with pytest.raises(Malformed) as caught:
        await asked(on, **question)
    assert caught.value.field == field


async def test_unknown_names_are_not_found(on: GovernedPlane) -> None:
    """A slip of the pen is not an empty answer."""
    on.fill()
    for question in ({"team": "nobody"}, {"backend": "nowhere"}):
        with pytest.raises(NotFound):
            await asked(on, **question)


async def test_the_answer_says_of_which_crawls_it_is(on: GovernedPlane) -> None:
    """Of the backend that was asked about, or of all there are."""
    on.fill()
    assert [mark.name for mark in (await asked(on, backend="lake")).as_of.crawls] == ["lake"]
    assert [mark.name for mark in (await asked(on)).as_of.crawls] == ["below", "empty", "lake"]


async def test_too_many_prefixes_are_refused() -> None:
    """Nobody reads more than ten thousand rows; fewer parts make fewer."""
    on = GovernedPlane()
    on.facts.objects += [PlainObject("lake", f"raw/{number}/a", 1) for number in range(MOST_GROUPS + 1)]
    on.fill()
    with pytest.raises(Malformed) as caught:
        await asked(on, group_by="prefix", backend="lake", depth=2)
    assert caught.value.field == "depth"
    assert len((await asked(on, group_by="prefix", backend="lake")).rows) == 1
