"""Recommendations: what is made of the facts, and what people do not want to hear any more."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.support.filled_warehouse import DAY, MOMENT, PlainObject
from tests.support.governed_plane import GovernedPlane
from warpdrive.application.audit.trail import Trail, TrailFilter
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.recommendations import RecommendationsView, RecommendationView
from warpdrive.application.projections.codec import EventCodec
from warpdrive.domain.dismissal.errors import InvalidDismissal, NotDismissed
from warpdrive.domain.governance.recommendation import recommendation_id
from warpdrive.domain.price_book.errors import PriceBookRetired
from warpdrive.domain.price_book.values import PriceEntry

GIB = 1 << 30
OLD = MOMENT - timedelta(days=200)
MD5 = ("md5", bytes(16))


def idle(key: str, size: int, days: int, **more: Any) -> PlainObject:
    """Make an object that was last read so many days ago."""
    return PlainObject(
        "lake", key, size, modified_at=OLD, first_seen=OLD, last_access=DAY - timedelta(days=days), **more
    )


async def told(on: GovernedPlane, **question: Any) -> dict[str, RecommendationView]:
    """Ask, and return recommendations by kind."""
    view: RecommendationsView = (await on.plane.recommendations.get(on.call(), **question)).value
    return {each.kind: each for each in view.recommendations}


async def price(on: GovernedPlane, book: str = "list", **classes: str) -> None:
    """Set prices of classes of every backend."""
    for name, amount in classes.items():
        entry = PriceEntry("*", name, date(2026, 1, 1), Decimal(amount), Decimal(1), Decimal(0))
        await on.plane.price_books.set_price(on.call(), book, "EUR", entry)


async def governed(*objects: PlainObject, but: int | None = None) -> GovernedPlane:
    """Make a plane where everything was told, but on one day."""
    on = GovernedPlane()
    vision = await on.team("vision")
    on.tell_all(but=but)
    owned = [replace(each, owners=(vision,)) if each.owners else each for each in objects]
    on.facts.objects += owned
    on.fill()
    return on


OBJECTS = (
    idle("stale", 8 * GIB, 91, storage_class="hot", owners=("vision",)),
    idle("idle", 4 * GIB, 31, storage_class="hot"),
    idle("used", 64 * GIB, 30, storage_class="hot"),
    PlainObject("below", "copy", GIB, digest=MD5, owners=("vision",)),
    PlainObject("lake", "copied", GIB, digest=MD5, last_access=DAY),
)


async def test_each_kind_has_its_evidence_and_its_saving() -> None:
    """Stale is not idle as well, and of copies the one used last stays."""
    on = await governed(*OBJECTS)
    await price(on, hot="0.02", cold="0.005")
    found = await told(on)
    assert {kind: (each.team, each.backend, each.objects, each.bytes) for kind, each in found.items()} == {
        "archive_stale": ("vision", "lake", 1, 8 * GIB),
        "remove_duplicates": ("vision", "below", 1, GIB),
        "cheaper_class": ("", "lake", 1, 4 * GIB),
    }
    assert [(each.kind, each.saving_low, each.saving_high, each.currency) for each in found.values()] == [
        ("archive_stale", "0.12", "0.16", "EUR"),
        ("cheaper_class", "0.059", "0.06", "EUR"),
        ("remove_duplicates", "", "", ""),
    ]
    stale = found["archive_stale"]
    assert stale.id == str(recommendation_id("archive_stale", on.ids["vision"], "lake"))
    assert stale.summary == "Archive or delete what nobody uses: 8 GiB that team vision owns in backend lake."
    assert stale.dismissal is None


async def test_what_nobody_can_know_is_not_recommended() -> None:
    """A gap 60 days ago hides what is stale, not what is idle, which then counts whole; one yesterday hides both."""
    on = await governed(*OBJECTS, but=60)
    await price(on, hot="0.02", cold="0.005")
    found = await told(on)
    assert set(found) == {"remove_duplicates", "cheaper_class"}
    assert [each.bytes for each in (await told(on, team="vision")).values()] == [8 * GIB, GIB]
    on = await governed(*OBJECTS, but=1)
    await price(on, hot="0.02", cold="0.005")
    assert set(await told(on)) == {"remove_duplicates"}
    view = (await on.plane.recommendations.get(on.call())).value
    assert view.as_of.coverage is not None
    assert not view.as_of.coverage.complete
    assert view.as_of.coverage.from_day == DAY - timedelta(days=90)


async def test_without_one_book_nothing_is_said_of_savings_and_why() -> None:
    """With none, and with two of which none is named; named, it counts."""
    on = await governed(*OBJECTS)
    found = await told(on)
    assert set(found) == {"archive_stale", "remove_duplicates"}
    assert "There is no price book" in found["archive_stale"].assumptions[-1]
    assert (found["archive_stale"].saving_high, found["archive_stale"].currency) == ("", "")
    await price(on, "first", hot="1")
    await price(on, "second", hot="2")
    assert "several price books" in (await told(on))["archive_stale"].assumptions[-1]
    assert (await told(on, book="second"))["archive_stale"].saving_high == "16.00"


async def test_a_book_that_ended_or_never_was_is_refused() -> None:
    """By name it is gone, by its id it is retired."""
    on = await governed(*OBJECTS)
    await price(on, hot="1")
    book = (await on.plane.price_books.retire(on.call(), "list")).value.id
    with pytest.raises(PriceBookRetired):
        await told(on, book=book)
    with pytest.raises(NotFound):
        await told(on, book="list")


async def test_filters_choose_and_unknown_ones_are_refused() -> None:
    """By kind, team and backend."""
    on = await governed(*OBJECTS)
    await price(on, hot="0.02", cold="0.005")
    assert set(await told(on, kind="cheaper_class")) == {"cheaper_class"}
    assert set(await told(on, team="vision")) == {"archive_stale", "remove_duplicates"}
    assert set(await told(on, backend="below")) == {"remove_duplicates"}
    for question, refusal in (
        ({"kind": "magic"}, Malformed),
        ({"team": "none"}, NotFound),
        ({"backend": "none"}, NotFound),
    ):
        with pytest.raises(refusal):
            await told(on, **question)


async def test_what_is_small_is_told_when_there_is_nothing_else() -> None:
    """A hundredth of a backend is worth telling, less is not beside more."""
    on = await governed(idle("small", 5, 91), PlainObject("lake", "rest", 1000))
    assert (await told(on))["archive_stale"].bytes == 5
    on = await governed(
        idle("small", 5, 91), PlainObject("lake", "rest", 1000), *(replace(each, size=99) for each in OBJECTS[3:])
    )
    assert set(await told(on)) == {"remove_duplicates"}


async def test_a_dismissed_recommendation_is_not_told_until_it_is_restored() -> None:
    """Who said why is told with it when asked for; the audit trail keeps all of it."""
    on = await governed(*OBJECTS)
    stale = (await told(on))["archive_stale"].id
    done = await on.plane.recommendations.dismiss(on.call(), stale, " needed for the paper ")
    assert (done.value.dismissed, done.value.reason, done.value.by, done.value.version) == (
        True,
        "needed for the paper",
        "token:admin",
        1,
    )
    assert set(await told(on)) == {"remove_duplicates"}
    shown = (await told(on, dismissed=True))["archive_stale"].dismissal
    assert shown == done.value
    await on.plane.recommendations.dismiss(on.call(), stale, "still needed")
    await on.plane.recommendations.restore(on.call(), stale)
    back = (await told(on))["archive_stale"].dismissal
    assert back is not None
    assert (back.dismissed, back.reason, back.version) == (False, "", 3)
    trail = [entry.sentence async for entry in Trail(on.store, EventCodec()).entries(TrailFilter())]
    about = "recommendation archive_stale for what team vision owns in backend lake"
    assert trail[-3:] == [
        f'dismissed {about}: "needed for the paper"',
        f'dismissed {about} again: "still needed"',
        f"restored {about}",
    ]


async def test_only_what_is_or_was_recommended_can_be_dismissed() -> None:
    """Small things too; what was dismissed once can be again, recommended or not."""
    on = await governed(idle("small", 5, 91), *OBJECTS[3:])
    assert set(await told(on)) == {"remove_duplicates"}
    small = str(recommendation_id("archive_stale", "", "lake"))
    for unknown in (str(uuid4()), "x", str(recommendation_id("archive_stale", "", "below"))):
        with pytest.raises(NotFound):
            await on.plane.recommendations.dismiss(on.call(), unknown, "no")
        with pytest.raises(NotFound):
            await on.plane.recommendations.restore(on.call(), unknown)
    await on.plane.recommendations.dismiss(on.call(), small, "too little")
    on.warehouse.objects.clear()
    await on.plane.recommendations.restore(on.call(), small)
    assert (await on.plane.recommendations.dismiss(on.call(), small, "it is gone")).value.version == 3


async def test_what_a_price_book_alone_recommends_can_be_dismissed_whichever_book_it_is() -> None:
    """With several books nobody has to say by which."""
    on = await governed(*OBJECTS)
    await price(on, "first", hot="1")
    await price(on, "second", hot="2", cold="1")
    cheaper = (await told(on, book="second"))["cheaper_class"].id
    assert (await on.plane.recommendations.dismiss(on.call(), cheaper, "later")).value.dismissed


async def test_refusals_of_a_dismissal_are_told() -> None:
    """No reason, and nothing to restore."""
    on = await governed(*OBJECTS)
    stale = (await told(on))["archive_stale"].id
    with pytest.raises(InvalidDismissal):
        await on.plane.recommendations.dismiss(on.call(), stale, " ")
    await on.plane.recommendations.dismiss(on.call(), stale, "no")
    await on.plane.recommendations.restore(on.call(), stale)
    with pytest.raises(NotDismissed):
        await on.plane.recommendations.restore(on.call(), stale)


async def test_a_repeated_dismissal_has_its_first_answer() -> None:
    """Even after the objects are gone."""
    on = await governed(*OBJECTS)
    stale = (await told(on))["archive_stale"].id
    call = on.call(command=uuid4(), request="dismiss")
    first = await on.plane.recommendations.dismiss(call, stale, "no")
    on.warehouse.objects.clear()
    again = await on.plane.recommendations.dismiss(call, stale, "no")
    assert (again.value, again.repeated) == (first.value, True)
