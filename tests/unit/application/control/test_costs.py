"""What things cost, who bears it, and what is to come."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.filled_warehouse import DAY, PlainLedger, PlainObject, PlainUse
from tests.support.governed_plane import GovernedPlane
from warpdrive.adapters.store.memory.warehouse import LedgerCounts
from warpdrive.application.control.costs import CostView
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.domain.price_book.errors import PriceBookRetired
from warpdrive.domain.price_book.values import PriceEntry

GIB = 1 << 30


async def asked(on: GovernedPlane, **question: Any) -> CostView:
    """Ask."""
    return (await on.plane.costs.get(on.call(), **question)).value


async def price(
    on: GovernedPlane, amount: str, *, backend: str = "*", storage_class: str = "*", day: date = DAY, book: str = "list"
) -> None:
    """Set a price from a day on; a thousand requests cost 2, a GiB of egress 8."""
    entry = PriceEntry(backend, storage_class, day, Decimal(amount), Decimal(2), Decimal(8))
    await on.plane.price_books.set_price(on.call(), book, "EUR", entry)


async def governed() -> GovernedPlane:
    """Make a plane with 9 GiB: 6 of vision's and 2 of nobody's in lake, half of them used; one of both teams below."""
    on = GovernedPlane()
    vision, speech = await on.team("vision"), await on.team("speech")
    on.facts.objects += [
        PlainObject("lake", "a", 6 * GIB, owners=(vision,), storage_class="hot"),
        PlainObject("lake", "b", 2 * GIB, storage_class="odd"),
        PlainObject("below", "c", GIB, owners=tuple(sorted((vision, speech)))),
    ]
    on.facts.uses += [
        PlainUse("ann", DAY - timedelta(days=29), "lake", "a", opens=96, bytes_read=GIB, misses=32),
        PlainUse("ann", DAY - timedelta(days=30), "lake", "a", opens=10**6, bytes_read=10**12, misses=10**6),
    ]
    on.tell_all(40)
    on.fill()
    return on


def rows(view: CostView) -> dict[tuple[str, str], tuple[str, str, str, str, str]]:
    """Return rows by name and kind: capacity, requests' range, egress's range's end, total's end."""
    return {
        (row.name, row.kind): (row.capacity, row.requests_low, row.requests_high, row.egress_high, row.total_high)
        for row in view.rows
    }


async def test_teams_bear_what_they_hold_and_their_part_of_its_use() -> None:
    """32 misses and 96 opens are 1 to 128 requests; vision holds three quarters of what was used."""
    on = await governed()
    await price(on, "1", backend="lake", storage_class="hot")
    await price(on, "3", backend="lake")
    await price(on, "4", backend="below")
    view = await asked(on)
    assert (view.book, view.currency) == ("list", "EUR")
    assert rows(view) == {
        ("vision", "team"): ("8.00", "0.0015", "0.192", "6.00", "14.192"),
        ("speech", "team"): ("2.00", "0.00", "0.00", "0.00", "2.00"),
        ("", "unattributed"): ("6.00", "0.0005", "0.064", "2.00", "8.064"),
    }
    assert [row.kind for row in view.rows] == ["team", "team", "unattributed"]
    assert (view.total_low, view.total_high) == ("16.002", "24.256")
    assert view.rows[0].id == on.ids["vision"]
    assert sum(row.bytes for row in view.rows) == 9 * GIB
    assert view.as_of.coverage is not None
    assert (view.as_of.coverage.from_day, view.as_of.coverage.complete) == (DAY - timedelta(days=29), True)
    assert any("shared out to teams as its bytes are" in each for each in view.assumptions)


async def test_backends_cost_together_what_teams_do() -> None:
    """The same, by place."""
    on = await governed()
    await price(on, "1")
    by_team, by_backend = await asked(on), await asked(on, group_by="backend")
    assert (by_team.total_low, by_team.total_high) == (by_backend.total_low, by_backend.total_high)
    assert [(row.name, row.kind, row.capacity) for row in by_backend.rows] == [
        ("lake", "backend", "8.00"),
        ("below", "backend", "1.00"),
    ]


async def test_filters_show_a_part() -> None:
    """Of a team its share of what it owns with others."""
    on = await governed()
    await price(on, "1")
    assert [(row.name, row.capacity) for row in (await asked(on, team="vision")).rows] == [("vision", "6.50")]
    both = await asked(on, team="vision", group_by="backend")
    assert [(row.name, row.capacity) for row in both.rows] == [("lake", "6.00"), ("below", "0.50")]
    assert [row.name for row in (await asked(on, backend="below")).rows] == ["speech", "vision"]


async def test_what_has_no_price_is_told_and_not_free() -> None:
    """Its bytes in the row, and a sentence about capacity, and about use."""
    on = await governed()
    await price(on, "1", backend="below")
    view = await asked(on)
    assert {row.name: row.unpriced_bytes for row in view.rows} == {"vision": 6 * GIB, "speech": 0, "": 2 * GIB}
    assert f"{8 * GIB} bytes have no price in the book; what they cost is in no amount." in view.assumptions
    assert "Requests and egress of lake have no price in the book and are in no amount." in view.assumptions
    assert view.total_high == "1.00"


async def test_prices_hold_from_their_day_on() -> None:
    """Today's are of today."""
    on = await governed()
    await price(on, "1", day=DAY)
    await price(on, "100", day=DAY + timedelta(days=1))
    assert (await asked(on, backend="below")).total_low == "1.00"


async def test_a_book_is_named_where_there_are_several() -> None:
    """None, several and a retired one are refused; unknown names too."""
    on = await governed()
    with pytest.raises(NotFound, match=r"^there is no price book yet$"):
        await asked(on)
    await price(on, "1", book="first")
    assert (await asked(on)).book == "first"
    await price(on, "2", book="second")
    with pytest.raises(Malformed, match="first, second"):
        await asked(on)
    assert (await asked(on, book="second", backend="below")).total_low == "2.00"
    gone = (await on.plane.price_books.retire(on.call(), "first")).value.id
    assert (await asked(on)).book == "second"
    with pytest.raises(PriceBookRetired):
        await asked(on, book=gone)
    for question, refusal in (
        ({"book": "none"}, NotFound),
        ({"team": "none"}, NotFound),
        ({"backend": "none"}, NotFound),
        ({"group_by": "user"}, Malformed),
        ({"months": 25}, Malformed),
        ({"months": -1}, Malformed),
    ):
        with pytest.raises(refusal):
            await asked(on, **question)


def grow(on: GovernedPlane, days: int, daily: int) -> None:
    """Let a backend have grown by so many bytes a day for so many days, to what is there now."""
    on.facts.objects.append(PlainObject("below", "all", days * daily))
    for back in range(days):
        counts = LedgerCounts(added_objects=int(back == days - 1), added_bytes=daily)
        on.facts.ledger.append(PlainLedger(DAY - timedelta(days=back), "below", (), counts))
    on.fill()


async def test_months_to_come_cost_what_is_expected_at_their_prices() -> None:
    """A GiB more each day, 30 GiB on the last of March; prices double in May."""
    on = GovernedPlane()
    grow(on, 30, GIB)
    await price(on, "1")
    await price(on, "2", day=date(2026, 5, 1))
    view = await asked(on, months=2)
    assert view.refused == ""
    assert [(each.month, each.low, each.expected, each.high) for each in view.projection] == [
        ("2026-04", "31.00", "31.00", "31.00"),
        ("2026-05", "122.00", "122.00", "122.00"),
    ]
    assert any("today's mix" in each for each in view.assumptions)
    # 30 days of history reach 60 days ahead, which is the 30th of May.
    assert [each.month for each in (await asked(on, months=24)).projection] == ["2026-04", "2026-05"]


async def test_a_projection_is_refused_where_little_is_known() -> None:
    """Of a short history, of nothing, and of one that does not reach the next month; amounts are told all the same."""
    on = GovernedPlane()
    grow(on, 13, GIB)
    await price(on, "1")
    view = await asked(on, months=3)
    assert (view.projection, view.refused) == ((), "There are 13 days of history; a forecast needs at least 14.")
    assert view.total_low == "13.00"
    assert (await asked(on)).refused == ""
    on.clock.set_wall(on.clock.wall() + 86_400)
    # 14 days by now, which reach 28 days ahead; the first of May is two days further.
    assert "too few to look ahead to 2026-05-01" in (await asked(on, months=3)).refused
    empty = GovernedPlane()
    empty.fill()
    await price(empty, "1")
    assert "Nothing is stored" in (await asked(empty, months=1)).refused


async def test_use_of_what_is_not_stored_is_nobodys() -> None:
    """It was read before it was deleted."""
    on = GovernedPlane()
    on.facts.uses.append(PlainUse("ann", DAY, "lake", "gone", opens=500))
    on.fill()
    await price(on, "1")
    (row,) = (await asked(on)).rows
    assert (row.kind, row.bytes, row.requests_high) == ("unattributed", 0, "1.00")
