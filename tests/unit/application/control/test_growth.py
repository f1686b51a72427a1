"""How much came and went."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.filled_warehouse import DAY, PlainLedger, PlainObject
from tests.support.governed_plane import GovernedPlane
from warpdrive.adapters.store.memory.warehouse import LedgerCounts
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.growth import GrowthView


async def asked(on: GovernedPlane, **question: Any) -> GrowthView:
    """Ask, and see that each day follows from the one before."""
    view = (await on.plane.growth.get(on.call(), **question)).value
    assert view.days[-1].day == DAY
    for before, after in zip(view.days, view.days[1:], strict=False):
        assert after.day - before.day == timedelta(days=1)
        assert abs(after.bytes - before.bytes - after.flow.bytes) <= 6 * bool(question.get("team"))
    return view


@pytest.fixture
async def on() -> GovernedPlane:
    """100 and 10 bytes came 4 days ago, the 10 went 2 days ago, and yesterday vision's 100 grew and became shared."""
    on = GovernedPlane()
    vision, speech = await on.team("vision"), await on.team("speech")
    both = tuple(sorted((vision, speech)))
    on.facts.objects.append(PlainObject("lake", "a", 105, owners=both))
    on.facts.ledger += [
        PlainLedger(DAY - timedelta(days=4), "lake", (vision,), LedgerCounts(added_objects=1, added_bytes=100)),
        PlainLedger(DAY - timedelta(days=4), "below", (), LedgerCounts(added_objects=1, added_bytes=10)),
        PlainLedger(DAY - timedelta(days=2), "below", (), LedgerCounts(removed_objects=1, removed_bytes=10)),
        PlainLedger(
            DAY - timedelta(days=1),
            "lake",
            (vision,),
            LedgerCounts(changed_bytes=5, moved_objects=-1, moved_bytes=-105),
        ),
        PlainLedger(DAY - timedelta(days=1), "lake", both, LedgerCounts(moved_objects=1, moved_bytes=105)),
    ]
    on.fill()
    return on


async def test_days_are_worked_out_back_from_what_is_there(on: GovernedPlane) -> None:
    """Days without a crawl are as the day before; deletions and growth show, moves between teams cancel."""
    view = await asked(on, days=6)
    assert [each.bytes for each in view.days] == [0, 110, 110, 100, 105, 105]
    assert [each.objects for each in view.days] == [0, 2, 2, 1, 1, 1]
    assert [each.flow.removed_bytes for each in view.days] == [0, 0, 0, 10, 0, 0]
    assert [each.flow.changed_bytes for each in view.days] == [0, 0, 0, 0, 5, 0]
    assert all(each.flow.moved_bytes == 0 for each in view.days)


async def test_a_teams_growth_has_what_came_to_it_from_others(on: GovernedPlane) -> None:
    """Its share of what it owns with others; teams together are all of it, day by day."""
    vision, speech = await asked(on, team="vision", days=6), await asked(on, team="speech", days=6)
    assert [each.bytes for each in vision.days][:4] == [0, 100, 100, 100]
    assert [a.bytes + b.bytes for a, b in zip(vision.days, speech.days, strict=True)][4:] == [105, 105]
    assert speech.days[4].flow.moved_bytes + vision.days[4].flow.moved_bytes == 0
    assert speech.days[4].flow.moved_bytes == speech.days[4].bytes


async def test_a_backend_has_its_own_growth(on: GovernedPlane) -> None:
    """Also one that is empty again."""
    assert [each.bytes for each in (await asked(on, backend="below", days=5)).days] == [10, 10, 0, 0, 0]


async def test_what_is_counted_for_tomorrow_is_not_there_today(on: GovernedPlane) -> None:
    """Where the clock of whoever crawls is ahead of ours."""
    on.warehouse.ledger[DAY + timedelta(days=1), "lake", ()] = LedgerCounts(added_objects=1, added_bytes=5)
    assert (await asked(on)).days[-1].bytes == 100


async def test_a_short_history_has_no_forecast(on: GovernedPlane) -> None:
    """And says why; so does one of nothing at all."""
    view = await asked(on)
    assert (view.forecast, view.method) == ((), "")
    assert view.refused
    assert (await asked(GovernedPlane())).refused


async def test_a_long_history_leads_on() -> None:
    """From tomorrow, for as many days as were asked about."""
    on = GovernedPlane()
    for back in range(100):
        on.facts.objects.append(PlainObject("lake", f"k{back}", 10))
        came = LedgerCounts(added_objects=1, added_bytes=10)
        on.facts.ledger.append(PlainLedger(DAY - timedelta(days=back), "lake", (), came))
    on.fill()
    view = await asked(on, days=20)
    assert len(view.forecast) == 20
    assert (view.forecast[0].day, view.refused) == (DAY + timedelta(days=1), "")
    assert view.method
    assert all(each.low <= each.expected <= each.high for each in view.forecast)
    assert view.forecast[0].low <= 1010 <= view.forecast[0].high


async def test_what_has_no_answer_is_refused(on: GovernedPlane) -> None:
    """Periods without a day or without an end, names that nobody has."""
    for days in (0, 100_000):
        with pytest.raises(Malformed):
            await asked(on, days=days)
    for question in ({"team": "nobody"}, {"backend": "nowhere"}):
        with pytest.raises(NotFound):
            await asked(on, **question)
