"""One person's teams, accesses and data."""

from datetime import timedelta

import pytest

from tests.support.filled_warehouse import DAY, MOMENT, PlainObject, PlainUse
from tests.support.governed_plane import GovernedPlane
from warpdrive.application.control.errors import Malformed, NotFound


async def test_a_user_is_what_was_recorded_of_it() -> None:
    """By backend, object and job; objects that are gone have no size, those of others do not show."""
    on = GovernedPlane()
    await on.team("vision", ["ann"])
    await on.team("speech", ["ann"])
    on.facts.objects += [PlainObject("lake", "a", 100), PlainObject("lake", "b", 5, deleted_at=MOMENT)]
    on.facts.uses += [
        PlainUse("ann", DAY, "lake", "a", opens=2, bytes_read=7, hits=1, misses=3, job="train"),
        PlainUse("ann", DAY - timedelta(days=1), "lake", "a", opens=1, bytes_read=3, job="eval"),
        PlainUse("ann", DAY, "lake", "b", bytes_read=20),
        PlainUse("ann", DAY, "below", "never indexed", bytes_read=1),
        PlainUse("ann", DAY - timedelta(days=31), "lake", "a", bytes_read=1000, job="old"),
        PlainUse("bob", DAY, "lake", "a", bytes_read=1000, job="his"),
    ]
    on.fill()
    await on.count_readers()
    view = (await on.plane.users.get(on.call(), "ann")).value
    assert view.teams == ("speech", "vision")
    assert [(each.backend, each.opens, each.bytes_read, each.hits, each.misses) for each in view.backends] == [
        ("below", 1, 1, 0, 0),
        ("lake", 4, 30, 1, 3),
    ]
    assert [(each.backend, each.key, each.bytes, each.bytes_read) for each in view.objects] == [
        ("lake", "b", None, 20),
        ("lake", "a", 100, 10),
        ("below", "never indexed", None, 1),
    ]
    assert [(each.job, each.last_day) for each in view.jobs] == [("train", DAY), ("eval", DAY - timedelta(days=1))]
    assert view.reader_bytes == 50
    assert view.as_of.readers_counted_at == on.now()
    assert view.as_of.coverage is not None
    older = (await on.plane.users.get(on.call(), "ann", days=31)).value
    assert [each.job for each in older.jobs] == ["train", "eval", "old"]


async def test_a_member_that_did_nothing_is_known_and_a_stranger_is_not() -> None:
    """Disbanded teams are no teams."""
    on = GovernedPlane()
    await on.team("vision", ["ann"])
    await on.team("speech", ["bob"])
    await on.plane.teams.disband(on.call(), "speech")
    on.fill()
    assert (await on.plane.users.get(on.call(), "ann")).value.backends == ()
    for user in ("bob", "joe"):
        with pytest.raises(NotFound):
            await on.plane.users.get(on.call(), user)
    with pytest.raises(Malformed):
        await on.plane.users.get(on.call(), "ann", days=0)
