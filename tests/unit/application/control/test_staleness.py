"""What nobody uses, and what nobody can know about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.filled_warehouse import DAY, MOMENT, PlainObject
from tests.support.governed_plane import GovernedPlane
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.staleness import StaleView


def ago(days: int) -> datetime:
    """Return the last second of the day so many days ago."""
    return datetime(DAY.year, DAY.month, DAY.day, 23, 59, 59, tzinfo=UTC) - timedelta(days=days)


def idle(key: str, size: int, *, modified: int = 300, seen: int = 300, accessed: int | None = None) -> PlainObject:
    """Make an object by how many days ago what happened to it."""
    return PlainObject(
        "lake",
        key,
        size,
        modified_at=ago(modified),
        first_seen=ago(seen),
        last_access=None if accessed is None else DAY - timedelta(days=accessed),
    )


async def asked(on: GovernedPlane, **question: Any) -> StaleView:
    """Ask for a page."""
    return (await on.plane.stale.page(on.call(), **question)).value


async def test_the_last_of_all_uses_counts() -> None:
    """Accessed, modified or first seen: more than so many days ago, to the day."""
    on = GovernedPlane()
    on.tell_all()
    on.facts.objects += [
        idle("a", 4, accessed=91),
        idle("b", 3, accessed=90),
        idle("c", 2, modified=91),
        idle("d", 1, seen=91, modified=92),
        idle("e", 1, modified=90),
        idle("f", 1, seen=90),
    ]
    on.fill()
    view = await asked(on)
    assert [(each.key, each.last_used_by, each.idle_days, each.standing) for each in view.objects] == [
        ("a", "accessed", 91, "stale"),
        ("c", "modified", 91, "stale"),
        ("d", "first_seen", 91, "stale"),
    ]
    assert view.objects[0].last_used_day == DAY - timedelta(days=91)
    assert (view.stale_objects, view.stale_bytes, view.unknown_objects, view.unknown_bytes) == (3, 7, 0, 0)
    assert (view.total_objects, view.total_bytes) == (6, 12)


async def test_no_days_at_all_ask_for_what_nobody_has_accessed_today() -> None:
    """However new it is: what is here already was there when somebody asked, and telemetry of today decides."""
    on = GovernedPlane()
    on.tell_all()
    just_now = on.now() - timedelta(seconds=1)
    on.facts.objects += [
        idle("read today", 4, accessed=0),
        idle("read yesterday", 3, accessed=1, modified=1, seen=1),
        replace(idle("new", 2), modified_at=just_now, first_seen=just_now),
    ]
    on.fill()
    view = await asked(on, days=0)
    assert [(each.key, each.idle_days, each.standing) for each in view.objects] == [
        ("read yesterday", 1, "stale"),
        ("new", 0, "stale"),
    ]


async def test_nothing_is_stale_while_somebody_may_have_used_it_unseen() -> None:
    """One day of one node that was not told makes it all unknown; a gap before the window does not matter."""
    for gap, unknown in ((90, True), (91, False)):
        on = GovernedPlane()
        on.tell_all(but=gap)
        on.facts.objects.append(idle("a", 4))
        on.fill()
        view = await asked(on)
        assert (view.unknown_objects, view.unknown_bytes) == ((1, 4) if unknown else (0, 0))
        assert (view.stale_objects, view.stale_bytes) == ((0, 0) if unknown else (1, 4))
        assert view.objects[0].standing == ("unknown" if unknown else "stale")
        assert view.as_of.coverage is not None
        assert len(view.as_of.coverage.gaps) == unknown


async def test_filters_narrow_objects_and_sums_alike() -> None:
    """A team's are those that it owns, alone or with others, whole."""
    on = GovernedPlane()
    vision, speech = await on.team("vision"), await on.team("speech")
    both = tuple(sorted((vision, speech)))
    on.tell_all()
    for key, size, owners in (("a", 10, both), ("b", 5, (speech,)), ("c", 1, (vision,))):
        on.facts.objects.append(PlainObject("below" if key == "c" else "lake", key, size, owners=owners))
    on.facts.objects.append(PlainObject("lake", "deleted", 99, deleted_at=MOMENT))
    on.fill()
    assert [each.key for each in (await asked(on, days=10)).objects] == ["a", "b", "c"]
    mine = await asked(on, days=10, team="vision")
    assert [(each.key, each.teams) for each in mine.objects] == [("a", ("speech", "vision")), ("c", ("vision",))]
    assert (mine.stale_bytes, mine.total_bytes) == (11, 11)
    assert [each.key for each in (await asked(on, days=10, backend="below")).objects] == ["c"]
    large = await asked(on, days=10, min_size=5)
    assert (large.stale_objects, large.total_objects, large.total_bytes) == (2, 2, 15)
    for question in ({"team": "nobody"}, {"backend": "nowhere"}):
        with pytest.raises(NotFound):
            await asked(on, **question)


async def test_pages_show_every_object_once() -> None:
    """Largest first, also where many are of one size; sums are over all of them on every page."""
    on = GovernedPlane()
    on.facts.objects += [idle(f"k{number:02}", number % 3) for number in range(20)]
    on.fill()
    seen: list[str] = []
    token = ""
    while True:
        view = await asked(on, size=3, token=token)
        assert view.unknown_objects == 20
        seen += [each.key for each in view.objects]
        token = view.next_token
        if not token:
            break
    assert seen == sorted(seen, key=lambda key: (-(int(key[1:]) % 3), key))
    assert len(seen) == 20


@pytest.mark.parametrize(
    "question", [{"days": -1}, {"days": 100_000}, {"token": "?"}, {"token": "WyJhIiwiYiJd"}, {"size": -1}]
)
async def test_what_has_no_answer_is_refused(question: dict[str, Any]) -> None:
    """Days beyond any calendar and tokens that nobody gave out."""
    with pytest.raises(Malformed):
        await asked(GovernedPlane(), **question)
